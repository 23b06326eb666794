"""What a client asks the file system to do, before it is done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import Any

from lab.ontap_sim.model import Client, Protocol, SimError


class Action(StrEnum):
    """The client operations that the simulator performs."""

    CREATE = "create"
    WRITE = "write"
    CLOSE = "close"
    RENAME = "rename"
    DELETE = "delete"
    MKDIR = "mkdir"
    RENAME_DIR = "rename_dir"
    RMDIR = "rmdir"


# action -> wire code without its protocol
CODES: Mapping[Action, str] = {
    Action.CREATE: "CREAT",
    Action.WRITE: "WR",
    Action.CLOSE: "CLOSE",
    Action.RENAME: "REN",
    Action.DELETE: "DEL",
    Action.MKDIR: "CREAT_DIR",
    Action.RENAME_DIR: "REN_DIR",
    Action.RMDIR: "DEL_DIR",
}


@dataclass(frozen=True, slots=True)
class Request:
    """One client operation. `length` bytes are made up for a write unless `data` gives them."""

    action: Action
    volume: str
    path: str  # volume-relative, starts with a slash
    protocol: Protocol
    client: Client
    target: str | None = None
    offset: int | None = None  # None: at the end of the file
    length: int = 0
    data: bytes | None = None


def parse(entry: Mapping[str, Any], client: Client, protocol: Protocol, volume: str) -> Request:
    """Read one entry of POST /operations; what it leaves out comes from the defaults. Raises SimError.

    {"op": "write", "path": "/a.txt", "volume"?, "protocol"?: "SMB 3.1", "client_ip"?, "target"?, "offset"?,
    "length"?, "text"?}
    """
    allowed = {f.name for f in fields(Request)} - {"action", "client", "data"} | {"op", "client_ip", "text"}
    unknown = sorted(set(entry) - allowed)
    if unknown:
        raise SimError(f"operation has unknown {unknown}; allowed: {sorted(allowed)}")
    if entry.get("op") not in set(Action):
        raise SimError(f"op is {entry.get('op')!r}; allowed: {', '.join(Action)}")
    action = Action(entry["op"])
    if action in (Action.RENAME, Action.RENAME_DIR) and "target" not in entry:
        raise SimError(f"{action} needs a target")
    text = entry.get("text")
    return Request(
        action=action,
        volume=entry.get("volume", volume),
        path=_path(entry.get("path")),
        protocol=Protocol.parse(entry["protocol"]) if "protocol" in entry else protocol,
        client=replace(client, ip=entry["client_ip"]) if "client_ip" in entry else client,
        target=_path(entry["target"]) if "target" in entry else None,
        offset=entry.get("offset"),
        length=int(entry.get("length", 0)),
        data=None if text is None else text.encode(),
    )


def _path(value: object) -> str:
    if not isinstance(value, str) or not value.startswith("/") or {"", ".", ".."} & set(value[1:].split("/")):
        raise SimError(f"path is {value!r}; expected a volume-relative path such as /legal/a.pdf")
    return value
