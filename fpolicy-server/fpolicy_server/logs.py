"""What the parts below `main` use of a logger, so that they need not know where lines go."""

from __future__ import annotations

from typing import Protocol


class Log(Protocol):
    """Structured lines: a constant event name, everything that varies as a field."""

    def debug(self, event: str, **fields: object) -> None:
        """Log detail of one message."""

    def info(self, event: str, **fields: object) -> None:
        """Log a step of one connection or of the process."""

    def warning(self, event: str, **fields: object) -> None:
        """Log what went wrong and healed, or what a peer did wrong."""

    def error(self, event: str, **fields: object) -> None:
        """Log what a person must see."""
