"""A volume on a real directory: performs client operations, and finds those that other programs made.

Both ways end in `Operation` values. A table of what is there (inode, size, modification time) is kept in step
with every operation performed here, so that a look at the directory reports only what others did. All methods
run in one thread, the disk thread.
"""

from __future__ import annotations

import os
import random
import stat
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from lab.ontap_sim.capacity import Capacity
from lab.ontap_sim.clock import Clock
from lab.ontap_sim.model import Client, FileType, Operation, Protocol, SimError, Volume
from lab.ontap_sim.requests import CODES, Action, Request

_WRITE_BYTES = 1 << 20  # made-up content is written in pieces of this size


@dataclass(frozen=True, slots=True)
class Entry:
    """What the table knows of a path."""

    inode: int
    size: int
    mtime_ns: int
    is_dir: bool


class VolumeContent:
    """The files of one volume."""

    def __init__(
        self,
        volume: Volume,
        clock: Clock,
        client: Client,
        protocol: Protocol,
        first_write_window_seconds: float,
        watch: Callable[[Path], None],
        snapshot_reserve_percent: int = 5,
    ) -> None:
        self.volume = volume
        self.capacity = Capacity(volume.size_bytes, self.used_bytes, snapshot_reserve_percent)
        self.filled_bytes = 0  # counted as used, but in no file
        self._clock = clock
        self._client = client
        self._protocol = protocol
        self._window = first_write_window_seconds
        self._watch = watch
        self._last_write: dict[str, float] = {}
        self._last_read: dict[str, float] = {}
        self._written_since_open: dict[str, int] = {}
        self._read_since_open: set[str] = set()
        self._root = volume.directory
        self._root.mkdir(parents=True, exist_ok=True)
        self._table = self._look()

    def files(self) -> Iterator[tuple[str, Entry]]:
        """List the files that are known, by volume-relative path."""
        return ((path, entry) for path, entry in sorted(self._table.items()) if not entry.is_dir)

    @property
    def size_bytes(self) -> int:
        """Give the volume's size."""
        return self.capacity.size_bytes

    def used_bytes(self) -> int:
        """Add up the sizes of the files, and what the volume holds besides."""
        return self.filled_bytes + sum(entry.size for entry in list(self._table.values()))

    def entry_count(self) -> int:
        """Count files and directories."""
        return len(self._table)

    def location(self, path: str) -> Path:
        """Say where a volume-relative path is on the machine."""
        return self._root / path[1:]

    # operations asked for ----------------------------------------------------------------------------

    def perform(self, request: Request) -> list[Operation]:
        """Do what a client asks, missing parent directories included. Raises SimError."""
        return [self._do(step) for step in self.steps(request)]

    def steps(self, request: Request) -> list[Request]:
        """Give a request with those for its missing parent directories before it."""
        mkdir = (
            Request(Action.MKDIR, request.volume, parent, request.protocol, request.client)
            for parent in self._missing_parents(request)
        )
        return [*mkdir, request]

    def preview(self, request: Request) -> Operation:
        """Say what a request would be, without doing it. Raises SimError.

        Filters that depend on what happened before (first write, close with modification) do not hold yet.
        """
        entry = self._table.get(request.path)
        self._check(request, entry)
        before = entry.size if entry else 0
        is_data = request.action in (Action.WRITE, Action.READ)
        at = before if request.action is Action.WRITE else 0
        length = len(request.data) if request.data is not None else request.length
        return self._operation(
            request,
            before,
            offset=(at if request.offset is None else request.offset) if is_data else None,
            length=length if is_data else None,
        )

    def _missing_parents(self, request: Request) -> list[str]:
        if request.action in (Action.CREATE, Action.MKDIR):
            name = request.path
        elif request.action in (Action.RENAME, Action.RENAME_DIR, Action.LINK) and request.target:
            name = request.target
        else:
            return []
        parts = name[1:].split("/")[:-1]
        parents = ["/" + "/".join(parts[: count + 1]) for count in range(len(parts))]
        return [parent for parent in parents if parent not in self._table]

    def _do(self, request: Request) -> Operation:
        entry = self._table.get(request.path)
        self._check(request, entry)
        before = entry.size if entry else 0
        changed: tuple[str, ...] = (request.path,)
        offset: int | None = None
        length: int | None = None
        traits: set[str] = set()
        path = self.location(request.path)
        match request.action:
            case Action.CREATE:
                path.open("xb").close()
                self._written_since_open[request.path] = 0
            case Action.WRITE:
                offset = before if request.offset is None else request.offset
                length = self._write(path, request, offset)
                traits = self._write_traits(request.path, resized=offset + length > before)
                written = self._written_since_open.get(request.path, 0)
                self._written_since_open[request.path] = written + length
            case Action.CLOSE:
                length = self._written_since_open.pop(request.path, 0)
                traits.add("close_with_modification" if length else "close_without_modification")
                if request.path in self._read_since_open:
                    self._read_since_open.remove(request.path)
                    traits.add("close_with_read")
            case Action.OPEN:
                changed = ()
                self._written_since_open[request.path] = 0
                traits |= {f"open_with_{request.intent}_intent"} if request.intent else set()
            case Action.READ:
                changed = ()
                offset = request.offset or 0
                length = min(request.length, max(before - offset, 0))
                self._read_since_open.add(request.path)
                traits |= {"first_read"} if self._is_first(self._last_read, request.path) else set()
            case Action.SETATTR:
                self._set_attribute(path, request)
                traits.add(f"setattr_with_{request.attribute}_change")
            case Action.LINK:
                assert request.target is not None
                os.link(path, self.location(request.target))
                changed = (request.target,)
                self._learn(request.path)
            case Action.GETATTR | Action.LOOKUP:
                changed = ()
            case Action.RENAME | Action.RENAME_DIR:
                assert request.target is not None
                changed = self._moved_paths(request.path, request.target)
                path.rename(self.location(request.target))
                self._move(request.path, request.target)
            case Action.DELETE:
                path.unlink()
            case Action.MKDIR:
                path.mkdir()
                self._watch(path)
            case Action.RMDIR:
                path.rmdir()
        self._learn(request.target or request.path)
        if request.action in (Action.DELETE, Action.RMDIR):
            self._forget(request.path)
        return self._operation(request, before, offset=offset, length=length, traits=traits, changed=changed)

    def _operation(
        self,
        request: Request,
        before: int,
        *,
        offset: int | None,
        length: int | None,
        traits: Iterable[str] = (),
        changed: tuple[str, ...] = (),
    ) -> Operation:
        is_dir = request.action in (Action.MKDIR, Action.RMDIR, Action.RENAME_DIR)
        return Operation(
            code=f"{request.protocol.name}_{CODES[request.action]}",
            time_us=self._clock.next_us(),
            volume=self.volume,
            protocol=request.protocol,
            client=request.client,
            path=request.path,
            target=request.target,
            file_type=FileType.DIR if is_dir else FileType.FILE,
            size_before=before,
            offset=offset,
            length=length,
            traits=frozenset(traits),
            attribute=request.attribute,
            changed_paths=() if request.action in (Action.MKDIR, Action.RMDIR) else changed,
        )

    def _check(self, request: Request, entry: Entry | None) -> None:
        action, path = request.action, request.path
        wants_new = action in (Action.CREATE, Action.MKDIR)
        if wants_new and entry:
            raise SimError(f"{action} {path}: exists")
        if not wants_new and not entry:
            raise SimError(f"{action} {path}: does not exist")
        on_either = action in (Action.GETATTR, Action.LOOKUP, Action.SETATTR)
        if entry and not on_either and entry.is_dir != (action in (Action.RENAME_DIR, Action.RMDIR)):
            raise SimError(f"{action} {path}: is {'a' if entry.is_dir else 'no'} directory")
        target = self._table.get(request.target) if request.target else None
        if target and (target.is_dir or action in (Action.RENAME_DIR, Action.LINK)):
            raise SimError(f"{action} {path}: target {request.target} exists")
        if action is Action.RMDIR and any(name.startswith(f"{path}/") for name in self._table):
            raise SimError(f"{action} {path}: is not empty")
        _check_protocol(request)

    def _write(self, path: Path, request: Request, offset: int) -> int:
        with path.open("r+b") as file:
            file.seek(offset)
            if request.data is not None:
                file.write(request.data)
                return len(request.data)
            content = random.Random(f"{request.path}:{offset}")  # equal requests write equal bytes
            for start in range(0, request.length, _WRITE_BYTES):
                file.write(content.randbytes(min(_WRITE_BYTES, request.length - start)))
        return request.length

    def _set_attribute(self, path: Path, request: Request) -> None:
        """Change what this machine's files have; owners, access lists and the rest are only reported."""
        info = path.stat()
        match request.attribute:
            case "modify_time":
                os.utime(path, ns=(info.st_atime_ns, time.time_ns()))
            case "access_time":
                os.utime(path, ns=(time.time_ns(), info.st_mtime_ns))
            case "mode":
                path.chmod(0o700)
            case "size":
                os.truncate(path, request.length)

    def _write_traits(self, path: str, *, resized: bool) -> set[str]:
        first = {"first_write"} if self._is_first(self._last_write, path) else set()
        return first | ({"write_with_size_change"} if resized else set())

    def _is_first(self, last_times: dict[str, float], path: str) -> bool:
        now = time.monotonic()
        last = last_times.get(path, float("-inf"))
        last_times[path] = now
        return now - last > self._window

    def _moved_paths(self, old: str, new: str) -> tuple[str, ...]:
        """Name every file that a rename takes away or puts somewhere."""
        if not self._table[old].is_dir:
            return (old, new)
        files = [path for path in self._table if path.startswith(f"{old}/") and not self._table[path].is_dir]
        return tuple(name for path in files for name in (path, new + path[len(old) :]))

    # operations found --------------------------------------------------------------------------------

    def scan(self) -> list[Operation]:
        """Compare the directory with the table and report what other programs did, in a plausible order.

        Renames (same inode, size and time at a new name) come first, then deletions, directories from the
        top, new files with their content as one write, and changed files as one write each. What happened
        twice between two looks is seen once.
        """
        seen = self._look()
        operations = [*self._renames(seen)]
        gone = sorted(self._table.keys() - seen.keys(), reverse=True)  # what is inside goes before its folder
        for path in gone:
            operations.append(self._found("DEL", path, self._table[path]))
            self._forget(path)
        for path in sorted(seen.keys() - self._table.keys()):  # a folder comes before what is inside
            operations.append(self._found("CREAT", path, seen[path]))
            if not seen[path].is_dir and seen[path].size:
                operations.append(self._found_write(path, 0, seen[path]))
            self._table[path] = seen[path]
        for path in sorted(path for path in seen if seen[path] != self._table[path]):
            before, after = self._table[path], seen[path]
            if not after.is_dir:
                operations.append(self._found_write(path, before.size, after))
            self._table[path] = after
        return operations

    def _renames(self, seen: dict[str, Entry]) -> Iterable[Operation]:
        for is_dir in (True, False):
            places = {entry.inode: path for path, entry in seen.items() if entry.is_dir == is_dir}
            for old in sorted(path for path, entry in self._table.items() if entry.is_dir == is_dir):
                entry = self._table.get(old)  # may have moved with its folder by now
                if entry is None or (old in seen and seen[old].inode == entry.inode):
                    continue
                new = places.get(entry.inode)
                known = self._table.get(new) if new else None
                if new is None or (known and known.inode == entry.inode):
                    continue
                if is_dir and known:
                    continue
                if not is_dir and seen[new] != entry:
                    continue  # the inode was used again, or the file was changed too: delete and create
                moved = self._moved_paths(old, new)
                yield self._found("REN", old, entry, target=new, changed=moved)
                self._move(old, new)

    def _found_write(self, path: str, before: int, after: Entry) -> Operation:
        if after.size == before == 0:
            traits = {"setattr_with_modify_time_change"}
            return self._found("SET_ATTR", path, after, traits=traits)  # touch of an empty file
        offset = before if after.size > before else 0
        return self._found(
            "WR",
            path,
            after,
            size_before=before,
            offset=offset,
            length=after.size - offset,
            traits=self._write_traits(path, resized=after.size != before),
        )

    def _found(
        self,
        kind: str,
        path: str,
        entry: Entry,
        *,
        target: str | None = None,
        changed: tuple[str, ...] | None = None,
        size_before: int | None = None,
        offset: int | None = None,
        length: int | None = None,
        traits: Iterable[str] = (),
    ) -> Operation:
        paths = (path,) if changed is None else changed
        before = 0 if kind == "CREAT" else entry.size
        return Operation(
            code=f"{self._protocol.name}_{kind}{'_DIR' if entry.is_dir else ''}",
            time_us=self._clock.next_us(),
            volume=self.volume,
            protocol=self._protocol,
            client=self._client,
            path=path,
            target=target,
            file_type=FileType.DIR if entry.is_dir else FileType.FILE,
            size_before=before if size_before is None else size_before,
            offset=offset,
            length=length,
            traits=frozenset(traits),
            changed_paths=() if entry.is_dir and changed is None else paths,
        )

    # the table ---------------------------------------------------------------------------------------

    def _look(self) -> dict[str, Entry]:
        """Read the whole tree: regular files and directories; links and other objects are not served."""
        seen: dict[str, Entry] = {}
        pending = [""]
        self._watch(self._root)
        while pending:
            folder = pending.pop()
            try:
                with os.scandir(self.location(f"{folder}/") if folder else self._root) as items:
                    names = list(items)
            except (FileNotFoundError, NotADirectoryError, PermissionError):
                continue  # gone or changed since its parent was read (the next look says so), or closed to us
            for item in names:
                path = f"{folder}/{item.name}"
                entry = _entry(item)
                if entry is None:
                    continue
                seen[path] = entry
                if entry.is_dir:
                    pending.append(path)
                    self._watch(Path(item.path))
        return seen

    def _learn(self, path: str) -> None:
        try:
            info = self.location(path).lstat()
        except FileNotFoundError:
            return
        self._table[path] = Entry(info.st_ino, *_shape(info))

    def _move(self, old: str, new: str) -> None:
        moved = [old]
        if self._table[old].is_dir:
            moved += [path for path in self._table if path.startswith(f"{old}/")]
        for path in moved:
            self._table[new + path[len(old) :]] = self._table.pop(path)
            if path in self._written_since_open:
                self._written_since_open[new + path[len(old) :]] = self._written_since_open.pop(path)
            self._last_write.pop(path, None)
            self._last_read.pop(path, None)
            self._read_since_open.discard(path)

    def _forget(self, path: str) -> None:
        self._table.pop(path, None)
        self._last_write.pop(path, None)
        self._last_read.pop(path, None)
        self._written_since_open.pop(path, None)
        self._read_since_open.discard(path)


def _check_protocol(request: Request) -> None:
    """Refuse what the protocol does not have. Raises SimError."""
    action, protocol = request.action, request.protocol
    stateless = protocol.name == "NFS" and protocol.major < 4
    if stateless and action in (Action.OPEN, Action.CLOSE):
        raise SimError(f"{action} {request.path}: NFSv3 has no {action}")
    if protocol.name != "NFS" and action in (Action.LOOKUP, Action.LINK):
        raise SimError(f"{action} {request.path}: {protocol.name} has no {action}")


def _entry(item: os.DirEntry[str]) -> Entry | None:
    try:
        info = item.stat(follow_symlinks=False)
    except FileNotFoundError:
        return None  # gone since the directory was read
    if not (stat.S_ISDIR(info.st_mode) or stat.S_ISREG(info.st_mode)):
        return None
    return Entry(info.st_ino, *_shape(info))


def _shape(info: os.stat_result) -> tuple[int, int, bool]:
    """Give size, time and kind; those of a directory only say what its entries say anyway."""
    if stat.S_ISDIR(info.st_mode):
        return 0, 0, True
    return info.st_size, info.st_mtime_ns, False
