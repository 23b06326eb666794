"""Perform a storm in a mounted folder of a real volume, and keep the ledger that the simulator would keep.

The file system does not tell what it did, so the ledger's times are the client's. A verification matches such
rows by operation and path: a name is never used twice, so creations, renames and deletions are exact. Writes
and closes are written down and not demanded, because filters such as `first_write` merge them.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, Self

from fsxn_runtime.errors import RejectedError
from fsxn_runtime.storm.model import Act, Action

_CODES: Final[Mapping[Action, str]] = {
    Action.MKDIR: "CREAT_DIR",
    Action.CREATE: "CREAT",
    Action.WRITE: "WR",
    Action.CLOSE: "CLOSE",
    Action.RENAME: "REN",
    Action.DELETE: "DEL",
}
# What the default events of every protocol report, one notification for each operation. No directories.
_EXACT: Final = frozenset({Action.CREATE, Action.RENAME, Action.DELETE})
_CHUNK: Final = 1 << 16


class Folder:
    """A storm's driver for a mounted volume; a context manager that closes the ledger.

    root: where the volume is mounted. junction_path: the same place as events name it, such as /vol1.
    protocol: what the mount speaks, see `mount_protocol`. The ledger file is made new.
    """

    def __init__(
        self,
        root: Path,
        junction_path: str,
        protocol: str,
        ledger: Path,
        *,
        now_us: Callable[[], int] = lambda: time.time_ns() // 1000,
    ) -> None:
        if not root.is_dir():
            raise RejectedError(f"{root} is not a folder; it must be the mounted volume", code="wrong_storm")
        self._root = root
        self._junction = "" if junction_path == "/" else junction_path.rstrip("/")
        self._protocol, _, self._version = protocol.partition(" ")
        self._now_us = now_us
        self._made: Path | None = None
        try:
            self._ledger = ledger.open("x", encoding="utf-8")  # two runs in one ledger would prove nothing
        except OSError as exc:
            raise RejectedError(
                f"cannot make the ledger {ledger}: {exc.strerror}", code="wrong_storm"
            ) from exc

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._ledger.close()

    def perform(self, group: Sequence[Act]) -> None:
        """Perform these operations in order. Raises RejectedError when the file system refuses one."""
        for act in group:
            try:
                self._do(act)
            except OSError as exc:
                raise RejectedError(
                    f"{act.action} {act.path}: {exc.strerror} (is {self._root} the volume, writable, and the "
                    "storm's folder new?)",
                    code="folder_refused",
                ) from exc
            self._write(self._row(act))
        self._ledger.flush()

    def mark(self, event: str) -> None:
        """Write down that something happened to the run."""
        self._write({"kind": "run", "event": event, "at_us": self._now_us()})
        self._ledger.flush()

    def finish(self) -> None:
        """Write what exists of the storm now, with hashes."""
        self.mark("snapshot")
        folder = self._made
        for path in sorted(folder.rglob("*")) if folder else []:
            if path.is_file():
                with path.open("rb") as file:
                    digest = hashlib.file_digest(file, "sha256").hexdigest()
                name = f"{self._junction}/{path.relative_to(self._root)}"
                self._write({"kind": "file", "path": name, "size": path.stat().st_size, "sha256": digest})
        self._ledger.flush()

    def _do(self, act: Act) -> None:
        path = self._root / act.path.lstrip("/")
        match act.action:
            case Action.MKDIR:
                path.mkdir()
                self._made = path
                self._write({"kind": "scope", "path": f"{self._junction}{act.path}"})
            case Action.CREATE:
                os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644))
            case Action.WRITE:
                with path.open("ab") as file:
                    for start in range(0, act.length, _CHUNK):
                        file.write(os.urandom(min(_CHUNK, act.length - start)))
            case Action.RENAME if act.target is not None:
                path.rename(self._root / act.target.lstrip("/"))
            case Action.DELETE:
                path.unlink()
            case _:
                pass  # the close belongs to the write: a file is not kept open

    def _row(self, act: Act) -> dict[str, object]:
        prefix = "SMB" if self._protocol == "SMB" else "NFS"
        return {
            "kind": "operation",
            "operation": f"{prefix}_{_CODES[act.action]}",
            "protocol": self._protocol,
            "protocol_version": self._version,
            "path": f"{self._junction}{act.path}",
            "target_path": None if act.target is None else f"{self._junction}{act.target}",
            "time_us": self._now_us(),
            "time_source": "client",
            "monitored": act.action in _EXACT,
        }

    def _write(self, row: Mapping[str, object]) -> None:
        self._ledger.write(json.dumps(row, separators=(",", ":")) + "\n")


def mount_protocol(folder: Path, mounts: str) -> str:
    """Say by which protocol a folder is mounted, such as "NFS 4.1"; "local" for a disk of this machine.

    `mounts` is the text of /proc/self/mounts. Raises RejectedError for NFS 4.2: ONTAP's FPolicy does not see
    its clients and reports no error (ONTAP REST reference 13.2).
    """
    found, longest = ("", ""), -1
    for line in mounts.splitlines():
        _, place, kind, options, *_ = line.split()
        mount = Path(place.encode("ascii", "backslashreplace").decode("unicode_escape"))  # \040 is a blank
        if folder.is_relative_to(mount) and len(mount.parts) >= longest:
            found, longest = (kind, options), len(mount.parts)
    kind, options = found
    version = next((o.removeprefix("vers=") for o in options.split(",") if o.startswith("vers=")), "")
    if kind.startswith("nfs"):
        if version.startswith("4.2"):
            raise RejectedError(
                f"{folder} is mounted by NFS 4.2, whose clients FPolicy does not see; mount it with vers=4.1",
                code="wrong_storm",
            )
        return f"NFS {version if '.' in version else (version or '4') + '.0'}"
    return f"SMB {version}".rstrip() if kind in ("cifs", "smb3") else "local"
