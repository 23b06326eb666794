"""Wake up when something below a directory changes: Linux inotify by ctypes.

Only the fact of a change is wanted (the volume then compares the tree with its table), so the events are read
and thrown away. That costs one system call for any number of them, where a library that turns each into an
object cannot follow a storm.
"""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

# <sys/inotify.h>
_MODIFY, _ATTRIB, _CLOSE_WRITE, _MOVED_FROM, _MOVED_TO, _CREATE, _DELETE = 2, 4, 8, 0x40, 0x80, 0x100, 0x200
_MASK = _MODIFY | _ATTRIB | _CLOSE_WRITE | _MOVED_FROM | _MOVED_TO | _CREATE | _DELETE
_READ_BYTES = 1 << 16


class Watcher:
    """An inotify instance; `fileno` becomes readable after a change in a watched directory."""

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._fd = self._libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if self._fd < 0:
            raise OSError(ctypes.get_errno(), "inotify_init1")

    def fileno(self) -> int:
        """Give the descriptor to wait on."""
        return int(self._fd)

    def add(self, directory: Path) -> None:
        """Watch one directory, not what is below it. A directory that is gone already is left out."""
        done = self._libc.inotify_add_watch(self._fd, os.fsencode(directory), _MASK)
        error = ctypes.get_errno()
        if done < 0 and not isinstance(OSError(error, ""), FileNotFoundError | NotADirectoryError):
            raise OSError(error, os.strerror(error), str(directory))

    def drain(self) -> None:
        """Read and forget what has happened."""
        try:
            while len(os.read(self._fd, _READ_BYTES)) > _READ_BYTES // 2:
                pass
        except BlockingIOError:
            pass  # nothing more to read

    def close(self) -> None:
        """Give the descriptor back."""
        os.close(self._fd)
