"""What every command shares: output, exit statuses, and how an error becomes one.

0 all is well; 1 the command found something wrong; 2 wrong use or setting; 3 something cannot be reached.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from enum import IntEnum
from typing import Final

from fsxn_runtime.errors import ConflictError, FsxnError, TransientError


class Exit(IntEnum):
    """The exit statuses of every `fsxn` command."""

    OK = 0
    FINDING = 1
    WRONG_USE = 2
    UNREACHABLE = 3


# Characters that a terminal obeys instead of showing: control characters, and the line separators of Unicode.
_CONTROLS: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def say(line: str) -> None:
    """Write one line of a command's output.

    File names come from anybody who may write to the volume, so control characters are shown as JSON's
    escapes: no name can move the cursor, begin a line of its own, or make a JSON line invalid.
    """
    sys.stdout.write(_CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", line) + "\n")


def say_table(rows: Sequence[Sequence[str]]) -> None:
    """Write rows of equally many cells as columns; the first row is the heading."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        say("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


# Answers that come from the other side: it cannot be reached, or does not let us in.
_OUTSIDE_CODES = frozenset({"aws_denied", "aws_identity"})


def exit_of(error: FsxnError) -> Exit:
    """Say which status an error means."""
    if isinstance(error, TransientError | ConflictError) or error.code in _OUTSIDE_CODES:
        return Exit.UNREACHABLE
    return Exit.WRONG_USE
