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
    OPEN = "open"
    READ = "read"
    SETATTR = "setattr"
    GETATTR = "getattr"
    LOOKUP = "lookup"
    LINK = "link"


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
    Action.OPEN: "OPEN",
    Action.READ: "RD",
    Action.SETATTR: "SET_ATTR",
    Action.GETATTR: "GET_ATTR",
    Action.LOOKUP: "LOOKUP",
    Action.LINK: "LNK",
}
# what setattr may change -> bit of the wire's mask (FPolicy wire reference 5.3)
ATTRIBUTES: Mapping[str, int] = {
    "owner": 0x0001,
    "group": 0x0002,
    "sacl": 0x0004,
    "dacl": 0x0008,
    "modify_time": 0x0010,
    "access_time": 0x0020,
    "creation_time": 0x0040,
    "mode": 0x0080,
    "size": 0x0100,
    "allocation_size": 0x0200,
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
    intent: str = ""  # of an open: "", "write" or "delete"
    attribute: str = "modify_time"  # of a setattr: one of ATTRIBUTES


def parse(entry: Mapping[str, Any], client: Client, protocol: Protocol, volume: str) -> Request:
    """Read one entry of POST /operations; what it leaves out comes from the defaults. Raises SimError.

    {"op": "write", "path": "/a.txt", "volume"?, "protocol"?: "SMB 3.1", "client_ip"?, "target"?, "offset"?,
    "length"?, "text"?, "intent"?: "write", "attribute"?: "mode"}
    """
    allowed = {f.name for f in fields(Request)} - {"action", "client", "data"} | {"op", "client_ip", "text"}
    unknown = sorted(set(entry) - allowed)
    if unknown:
        raise SimError(f"operation has unknown {unknown}; allowed: {sorted(allowed)}")
    if entry.get("op") not in set(Action):
        raise SimError(f"op is {entry.get('op')!r}; allowed: {', '.join(Action)}")
    action = Action(entry["op"])
    if action in (Action.RENAME, Action.RENAME_DIR, Action.LINK) and "target" not in entry:
        raise SimError(f"{action} needs a target")
    if entry.get("attribute", "size") not in ATTRIBUTES:
        raise SimError(f"attribute is {entry['attribute']!r}; allowed: {', '.join(ATTRIBUTES)}")
    if entry.get("intent", "") not in ("", "write", "delete"):
        raise SimError(f"intent is {entry['intent']!r}; allowed: write, delete")
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
        intent=entry.get("intent", ""),
        attribute=entry.get("attribute", "modify_time"),
    )


def _path(value: object) -> str:
    if not isinstance(value, str) or not value.startswith("/") or {"", ".", ".."} & set(value[1:].split("/")):
        raise SimError(f"path is {value!r}; expected a volume-relative path such as /legal/a.pdf")
    return value
