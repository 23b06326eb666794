"""Which operations an enabled policy wants to hear of: events, filters, scope. Pure.

Source: ONTAP REST reference 13.2 (events, filters) and 13.4 (scope). Two readings where it is silent:
several filters on one operation mean "any of them", and a rename is in scope when its old or its new name is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from lab.ontap_sim.fpolicy_fields import FILTERS
from lab.ontap_sim.model import FileType, Operation, Protocol

# wire code without its protocol -> member of file_operations
_FILE_OPERATIONS: Mapping[str, str] = {
    "CREAT": "create",
    "CREAT_DIR": "create_dir",
    "DEL": "delete",
    "DEL_DIR": "delete_dir",
    "REN": "rename",
    "REN_DIR": "rename_dir",
    "OPEN": "open",
    "CLOSE": "close",
    "RD": "read",
    "WR": "write",
    "SET_ATTR": "setattr",
    "GET_ATTR": "getattr",
    "LOOKUP": "lookup",
    "LNK": "link",
}


def wanted(operation: Operation, policy: Mapping[str, Any], events: Iterable[Mapping[str, Any]]) -> bool:
    """Say whether the policy, with these event records, is notified of the operation."""
    return _in_scope(operation, policy["scope"]) and any(_event_wants(operation, event) for event in events)


def _event_wants(operation: Operation, event: Mapping[str, Any]) -> bool:
    name = _event_protocol(operation.protocol)
    kind = _FILE_OPERATIONS[operation.code.partition("_")[2]]
    if not name or event.get("protocol") != name or not event["file_operations"].get(kind):
        return False
    chosen = {item for item in FILTERS[name].get(kind, ()) if event["filters"].get(item)}
    if "offline_bit" in chosen or ("exclude_directory" in chosen and operation.file_type is FileType.DIR):
        return False  # no file of the simulator is offline
    chosen -= {"exclude_directory", "monitor_ads"}  # the latter adds streams, of which there are none
    return not chosen or bool(chosen & operation.traits)


def _event_protocol(protocol: Protocol) -> str:
    if protocol.name == "SMB":
        return "cifs"
    if protocol.name != "NFS" or (protocol.major, protocol.minor) > (4, 1):
        return ""  # clients of NFSv4.2 and operations through S3 cause no notifications at all (13.2, 13.7)
    return "nfsv3" if protocol.major == 3 else "nfsv4"


def _in_scope(operation: Operation, scope: Mapping[str, Any]) -> bool:
    volume = operation.volume
    if not _listed(volume.name, scope, "volumes"):
        return False
    if operation.protocol.name == "SMB" and not _listed(volume.share, scope, "shares"):
        return False
    if operation.protocol.name == "NFS" and not _listed(volume.export_policy, scope, "export_policies"):
        return False
    if operation.file_type is FileType.DIR and not scope.get("check_extensions_on_directories"):
        return True
    names = [operation.path] + ([operation.target] if operation.target else [])
    return any(_extension_in_scope(name, scope) for name in names)


def _listed(name: str, scope: Mapping[str, Any], kind: str) -> bool:
    include = scope.get(f"include_{kind}") or ["*"]
    exclude = scope.get(f"exclude_{kind}") or []
    return _matches(name, include) and not _matches(name, exclude)  # exclude wins


def _extension_in_scope(path: str, scope: Mapping[str, Any]) -> bool:
    name = path.rpartition("/")[2]
    _, dot, extension = name.rpartition(".")
    include = scope.get("include_extension") or []
    if not dot:
        return not include or bool(scope.get("object_monitoring_with_no_extension"))
    return (not include or _matches(extension, include)) and not _matches(
        extension, scope.get("exclude_extension") or []
    )


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name.lower(), pattern.lower()) for pattern in patterns)
