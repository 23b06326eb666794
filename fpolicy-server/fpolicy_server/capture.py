"""Keeps the first bytes of each connection in files, for `fpolicy-server inspect`, in nobody's way.

The bytes are those that a node sent, after TLS; file names of clients may be in them, so only the server's
user may read the files. A thread of its own writes; what cannot be written is counted and given up, for this
connection. Nothing is deleted: when the directory has its number of files, a person takes them away.
"""

from __future__ import annotations

import asyncio
import errno
import os
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from fpolicy_server.logs import Log

# A handshake and some 60 XML notifications: more than enough to see how messages are built.
MAX_CONNECTION_BYTES: Final = 64 * 1024
# Two nodes that reconnect every few seconds fill it within minutes, with bytes that are all alike. 100 files
# of 64 KiB are 6.4 MB at most, which no disk of a task notices.
MAX_FILES: Final = 100
# What may wait for a disk that stands still: sixteen connections' worth.
MAX_WAITING_BYTES: Final = 1024 * 1024
CLOSING_SECONDS: Final = 1.0  # for what still waits when the process ends
SUFFIX: Final = ".capture"

# Reasons for counting: what kept bytes from being kept.
DISK_FULL: Final = "disk_full"
UNWRITABLE: Final = "unwritable"
TOO_MANY_FILES: Final = "too_many_files"
TOO_SLOW: Final = "too_slow"

_NOT_FOR_NAMES: Final = re.compile("[^0-9A-Za-z.]+")


class Captures:
    """One directory of captures. Made and used in the event loop; files are touched in a thread."""

    def __init__(self, directory: Path, on_failure: Callable[[str], None], log: Log) -> None:
        self._directory = directory
        self._on_failure = on_failure
        self._log = log
        self._loop = asyncio.get_running_loop()
        self._thread = ThreadPoolExecutor(1, "capture")
        self._told: set[str] = set()
        self.waiting_bytes = 0

    def begin(self, peer: str, now_us: int) -> Capture:
        """Give what keeps the first bytes of one connection; its file is made with the first of them."""
        moment = datetime.fromtimestamp(now_us / 1_000_000, UTC).strftime("%Y%m%dT%H%M%S.%f")
        return Capture(self, f"{moment}Z-{_NOT_FOR_NAMES.sub('-', peer)}{SUFFIX}")

    def put(self, capture: Capture, data: bytes) -> None:
        """Let the thread write bytes; at most so many wait."""
        if self.waiting_bytes + len(data) > MAX_WAITING_BYTES:
            self._failed(capture, TOO_SLOW, "")
            return
        self.waiting_bytes += len(data)
        is_first, capture.has_file = not capture.has_file, True
        self._thread.submit(self._write, capture, data, is_first)

    async def close(self) -> None:
        """Wait for what still waits, not for long."""
        last = self._loop.run_in_executor(self._thread, int)
        await asyncio.wait([last], timeout=CLOSING_SECONDS)
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _write(self, capture: Capture, data: bytes, is_first: bool) -> None:
        """Append to a file, which the first bytes make. Runs in the thread."""
        reason = detail = ""
        if not capture.has_failed:
            try:
                if is_first and self._count() >= MAX_FILES:
                    reason, detail = TOO_MANY_FILES, f"{MAX_FILES} are there; take away what was looked at"
                else:
                    _append(self._directory / capture.name, data, is_first=is_first)
            except OSError as exc:
                reason = DISK_FULL if exc.errno in (errno.ENOSPC, errno.EDQUOT) else UNWRITABLE
                detail = str(exc)
            # Set here, so that what waits for this file is not written behind a gap.
            capture.has_failed |= bool(reason)
        self._loop.call_soon_threadsafe(self._written, capture, len(data), reason, detail)

    def _count(self) -> int:
        """Count the files that are there, also those of others; make the directory if need be."""
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        return sum(path.suffix == SUFFIX for path in self._directory.iterdir())

    def _written(self, capture: Capture, size: int, reason: str, detail: str) -> None:
        self.waiting_bytes -= size
        if reason:
            self._failed(capture, reason, detail)
        elif not capture.has_failed:
            self._told.clear()

    def _failed(self, capture: Capture, reason: str, detail: str) -> None:
        """Give up on one connection; say so once for each reason, until something can be written again."""
        capture.has_failed = True
        self._on_failure(reason)
        if reason not in self._told:
            self._told.add(reason)
            self._log.warning("capture.failed", reason=reason, directory=str(self._directory), detail=detail)


class Capture:
    """The first bytes of one connection."""

    def __init__(self, captures: Captures, name: str) -> None:
        self._captures = captures
        self._left = MAX_CONNECTION_BYTES
        self.name = name
        self.has_file = False
        self.has_failed = False

    def take(self, data: bytes) -> None:
        """Keep bytes as they came, up to the limit."""
        kept = data[: self._left]
        if kept and not self.has_failed:
            self._left -= len(kept)
            self._captures.put(self, kept)


def _append(path: Path, data: bytes, *, is_first: bool) -> None:
    """Write bytes to a new file, or to the end of it. A link or a file of somebody else is not followed."""
    flags = os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | (os.O_CREAT | os.O_EXCL if is_first else 0)
    file = os.open(path, flags, 0o600)
    try:
        while data:
            data = data[os.write(file, data) :]
    finally:
        os.close(file)
