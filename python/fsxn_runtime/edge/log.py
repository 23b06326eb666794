"""Structured logs: one JSON object a line on standard output.

The event is a constant verb phrase (`batch.sent`), everything that varies is a field. Levels: debug per
message, info per connection or run, warning for what healed, error for what a person must see. Never log
secrets; file paths only at debug.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from typing import Final

from fsxn_runtime.errors import FsxnError

LEVELS: Final = {"DEBUG": 10, "INFO": 20, "WARNING": 30, "ERROR": 40}
_threshold = LEVELS["INFO"]


def set_level(name: str) -> None:
    """Log from this level (DEBUG, INFO, WARNING, ERROR) upwards, in the whole process."""
    global _threshold
    _threshold = LEVELS[name]


class Logger:
    """Writes lines of one capability. `bind` gives a logger whose lines carry more fields."""

    __slots__ = ("_fields",)

    def __init__(self, fields: dict[str, object]) -> None:
        self._fields = fields

    def bind(self, **fields: object) -> Logger:
        """Give a logger that adds these fields (a request or connection id) to every line."""
        return Logger({**self._fields, **fields})

    def debug(self, event: str, **fields: object) -> None:
        """Log detail of one message."""
        self._write("DEBUG", event, fields)

    def info(self, event: str, **fields: object) -> None:
        """Log one connection, batch or run."""
        self._write("INFO", event, fields)

    def warning(self, event: str, **fields: object) -> None:
        """Log something that went wrong and healed."""
        self._write("WARNING", event, fields)

    def error(self, event: str, **fields: object) -> None:
        """Log something that a person must see."""
        self._write("ERROR", event, fields)

    def _write(self, level: str, event: str, fields: dict[str, object]) -> None:
        if LEVELS[level] < _threshold:
            return
        line = {
            "time": datetime.now(UTC).isoformat(timespec="microseconds"),
            "level": level,
            "event": event,
            **self._fields,
            **fields,
        }
        # One write per line keeps lines of several threads whole.
        sys.stdout.write(json.dumps(line, default=_plain, separators=(",", ":")) + "\n")
        sys.stdout.flush()


def logger(capability: str) -> Logger:
    """Give the logger of one capability."""
    return Logger({"capability": capability})


def _plain(value: object) -> object:
    """Write what JSON does not know: errors as their parts, anything else as text."""
    if isinstance(value, FsxnError):
        return {"type": type(value).__name__, "code": value.code, "message": str(value)}
    if isinstance(value, BaseException):
        return {"type": type(value).__name__, "message": str(value)}
    return str(value)
