"""Who owns which folder of a spool directory. Blocking; one thread uses it at a time.

One folder belongs to one living process. Three things say so, each of which fails in another way:

- a lock (flock) on the folder's `lock` file, held for life; the kernel frees it when the process dies;
- a lease: the `lease` file names owner and kernel, and its time is touched every `BEAT_SECONDS`;
- the folder's name, which begins with its owner's: a folder is adopted by renaming it, which on any file
  system exactly one process can do.

Processes of one kernel see each other's locks on every file system, so there the lock alone decides and the
folder of a killed process is adopted at once. On another host's folder the lease must have stood still for
`LEASE_SECONDS` too, by the watcher's own clock, so clocks of hosts are not compared.

Assumed of a shared file system: rename is atomic, and opening a file shows its latest time and content
(close-to-open consistency of NFS). Amazon EFS by NFSv4.1 has both and also shares locks between hosts (Amazon
EFS User Guide, consistency and file locking); without shared locks an owner that stood still for longer than
the lease may deliver events once more that its heir delivers too, and finds out with its next beat.
"""

from __future__ import annotations

import errno
import fcntl
import itertools
import json
import os
import socket
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fpolicy_server.delivery.spool.errors import SpoolLostError, SpoolUnavailableError

BEAT_SECONDS: Final = 10.0
# Six beats: a slow file system or a busy host must not look like death.
LEASE_SECONDS: Final = 60.0

PREFIX: Final = "task-"  # of folders that may be adopted
UNFINISHED: Final = ".new-"  # of a folder that is being made
SET_ASIDE: Final = "set-aside-"  # of one that only a person looks at

FILE: Final = "spool.sqlite"
_LEASE: Final = "lease"
_LOCK: Final = "lock"


@dataclass(frozen=True, slots=True)
class Owner:
    """A process. `name` is unique among all that share the directory; `kernel` is the same on one host."""

    name: str
    kernel: str

    @classmethod
    def here(cls) -> Owner:
        """Describe this process."""
        try:
            kernel = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        except OSError:
            kernel = ""  # unknown: like no other
        return cls(f"{socket.gethostname()}-{os.getpid()}-{time.time_ns()}", kernel)


@dataclass(frozen=True, slots=True)
class Lease:
    """What a lease file says, and when it was touched (nanoseconds, by the file system)."""

    owner: str
    kernel: str
    touched_ns: int


class Folder:
    """A folder that this process owns, until `remove`, `release` or `set_aside`."""

    def __init__(self, path: Path, owner: Owner, lock: int) -> None:
        self.path = path
        self._owner = owner
        self._lock = lock

    @property
    def file(self) -> Path:
        """Where its spool file is."""
        return self.path / FILE

    def beat(self) -> None:
        """Touch the lease. Raises SpoolLostError when it is not ours any more, SpoolUnavailableError."""
        try:
            lease = read_lease(self.path)
            if lease is None or lease.owner != self._owner.name:
                raise SpoolLostError(
                    f"{self.path} belongs to {lease.owner if lease else 'nobody'}, not to {self._owner.name}",
                    code="lost",
                )
            os.utime(self.path / _LEASE)
        except OSError as exc:
            raise _unavailable(self.path, exc) from exc

    def remove(self) -> None:
        """Delete the folder. What a death on the way leaves is adopted as an empty folder."""
        try:
            for inside in sorted(self.path.iterdir(), key=lambda inside: inside.name == _LOCK):
                inside.unlink()  # the lock last: until then nobody may think that the folder is free
            self.path.rmdir()
        except OSError as exc:
            raise _unavailable(self.path, exc) from exc
        finally:
            self._unlock()

    def release(self) -> None:
        """Let any other process adopt the folder at once."""
        try:
            (self.path / _LEASE).unlink(missing_ok=True)
        except OSError:
            pass  # then they wait until the lease has stood still
        self._unlock()

    def set_aside(self, reason: str) -> Path:
        """Rename the folder so that no process touches it again; give the new path."""
        place = self.path.with_name(f"{SET_ASIDE}{reason}-{self.path.name}")
        try:
            self.path.rename(place)
        except OSError as exc:
            raise _unavailable(self.path, exc) from exc
        finally:
            self._unlock()
        return place

    def abandon(self) -> None:
        """Let go of a folder that is somebody else's already."""
        self._unlock()

    def _unlock(self) -> None:
        os.close(self._lock)


class Directory:
    """The folders below one directory, as one process sees them."""

    def __init__(self, root: Path, owner: Owner, *, lease_seconds: float = LEASE_SECONDS) -> None:
        self._root = root
        self._owner = owner
        self._lease_seconds = lease_seconds
        self._numbers = itertools.count(1)
        self._watched: dict[str, tuple[Lease, float]] = {}  # as last seen, and since when

    def make(self) -> Folder:
        """Make a folder of our own. Raises SpoolUnavailableError."""
        path = self._own_path()
        unfinished = path.with_name(UNFINISHED + path.name)
        try:
            unfinished.mkdir()
            lock = _lock(unfinished)
            assert lock is not None  # nobody else knows the folder
            try:
                _write_lease(unfinished, self._owner)
                unfinished.rename(path)
                _sync(self._root)
            except OSError:
                os.close(lock)
                raise
        except OSError as exc:
            raise _unavailable(self._root, exc) from exc
        return Folder(path, self._owner, lock)

    def adopt(self, now: float) -> tuple[list[Folder], list[SpoolUnavailableError]]:
        """Take over every folder whose owner is dead; say which could not be looked at.

        `now` is in seconds of a clock that never jumps.
        """
        folders: list[Folder] = []
        failures: list[SpoolUnavailableError] = []
        try:
            names = sorted(name for name in os.listdir(self._root) if name.startswith(PREFIX))  # noqa: PTH208
        except OSError as exc:
            return [], [_unavailable(self._root, exc)]
        self._watched = {name: seen for name, seen in self._watched.items() if name in names}
        for name in names:
            try:
                folder = self._adopt(self._root / name, now)
            except FileNotFoundError:
                continue  # its owner removed it, or another process was first
            except OSError as exc:
                failures.append(_unavailable(self._root / name, exc))
                continue
            if folder is not None:
                folders.append(folder)
        return folders, failures

    def _adopt(self, path: Path, now: float) -> Folder | None:
        lease = read_lease(path)
        if lease is not None and (
            lease.owner == self._owner.name or not self._is_dead(path.name, lease, now)
        ):
            return None
        lock = _lock(path)
        if lock is None:
            return None
        try:
            if read_lease(path) != lease:  # somebody was here since we looked
                os.close(lock)
                return None
            place = self._own_path()
            path.rename(place)
            _write_lease(place, self._owner)
        except OSError:
            os.close(lock)
            raise
        return Folder(place, self._owner, lock)

    def _is_dead(self, name: str, lease: Lease, now: float) -> bool:
        """Whether the lease says nothing against the owner's death; the lock has the last word."""
        if lease.kernel and lease.kernel == self._owner.kernel:
            return True
        seen, since = self._watched.get(name, (None, now))
        if seen != lease:
            since = now
        self._watched[name] = (lease, since)
        return now - since >= self._lease_seconds

    def _own_path(self) -> Path:
        return self._root / f"{PREFIX}{self._owner.name}-{next(self._numbers)}"


def read_lease(path: Path) -> Lease | None:
    """Read a folder's lease; None when there is none. One that cannot be understood names nobody."""
    try:
        with (path / _LEASE).open("rb") as stream:
            content, touched_ns = stream.read(4096), os.fstat(stream.fileno()).st_mtime_ns
    except FileNotFoundError:
        return None
    try:
        said = json.loads(content)
        return Lease(str(said["owner"]), str(said["kernel"]), touched_ns)
    except (ValueError, TypeError, KeyError):
        return Lease("", "", touched_ns)


def _write_lease(path: Path, owner: Owner) -> None:
    unfinished = path / f"{_LEASE}.new"
    unfinished.write_text(json.dumps({"owner": owner.name, "kernel": owner.kernel}))
    unfinished.replace(path / _LEASE)


def _lock(path: Path) -> int | None:
    """Lock a folder; None when another process holds it. Raises FileNotFoundError when it is gone."""
    descriptor = os.open(path / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Between opening and locking its owner may have removed or renamed the folder.
        if not os.path.samestat(os.fstat(descriptor), (path / _LOCK).stat()):
            raise FileNotFoundError(path)
    except BlockingIOError:
        os.close(descriptor)
        return None
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _sync(path: Path) -> None:
    """Let the directory's entries reach the disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unavailable(path: Path, exc: OSError) -> SpoolUnavailableError:
    code = "disk_full" if exc.errno in (errno.ENOSPC, errno.EDQUOT) else "io_failed"
    return SpoolUnavailableError(f"{path}: {exc}", code=code)
