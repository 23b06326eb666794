"""Files of this machine for the demo, the same ones every time on the same machine."""

from __future__ import annotations

import os
import random
import shutil
import stat
import sysconfig
from collections.abc import Iterator
from pathlib import Path

# Installed software is there on every Linux machine; Python's own library even in the smallest container.
SOURCES = (Path("/usr/share"), Path("/usr/lib/python3"), Path(sysconfig.get_paths()["stdlib"]))
CANDIDATES = 10_000  # found first; more only takes time (these take a fifth of a second)
MAX_FILE_BYTES = 150_000  # 300 of them stay below 45 MB


def choose(count: int, seed: int) -> list[Path]:
    """Choose `count` readable regular files, or as many as there are."""
    candidates = sorted(_candidates())
    return random.Random(seed).sample(candidates, min(count, len(candidates)))


def _candidates() -> Iterator[Path]:
    found = 0
    for source in SOURCES:
        for folder, folders, names in os.walk(source):
            folders.sort()
            for name in sorted(names):
                path = Path(folder, name)
                if found < CANDIDATES and _usable(path):
                    found += 1
                    yield path
            if found >= CANDIDATES:
                return


def _usable(path: Path) -> bool:
    try:
        state = path.lstat()
        str(path).encode()  # a name that is not UTF-8 has no object key
    except (OSError, UnicodeEncodeError):
        return False
    return (
        stat.S_ISREG(state.st_mode)
        and 0 < state.st_size <= MAX_FILE_BYTES
        and os.access(path, os.R_OK)
        and path.suffix not in (".tmp", ".swp", ".partial")  # the policy's scope leaves these out
    )


def copy(files: list[Path], target: Path) -> Iterator[Path]:
    """Copy each file below `target`, keeping its folders, as any program would; give each copy."""
    for file in files:
        destination = target / file.relative_to("/")
        destination.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, destination)
        yield destination


def pieces(size: int, count: int, seed: int) -> Iterator[bytes]:
    """Bytes of one large file, in equal pieces."""
    source = random.Random(seed)
    for _ in range(count):
        yield source.randbytes(size // count)
