"""Which operations an enabled policy wants to hear of: events, filters, scope. Pure.

Source: ONTAP REST reference 13.2 (events, filters) and 13.4 (scope). Two readings where it is silent:
several filters on writes mean "any of them", and a rename is in scope when its old or its new name is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from lab.ontap_sim.model import FileType, Operation

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
}


def wanted(operation: Operation, policy: Mapping[str, Any], events: Iterable[Mapping[str, Any]]) -> bool:
    """Say whether the policy, with these event records, is notified of the operation."""
    return _in_scope(operation, policy["scope"]) and any(_event_wants(operation, event) for event in events)


def _event_wants(operation: Operation, event: Mapping[str, Any]) -> bool:
    protocol = operation.protocol
    if protocol.name == "SMB":
        name = "cifs"
    elif protocol.major == 3:
        name = "nfsv3"
    elif (protocol.major, protocol.minor) <= (4, 1):
        name = "nfsv4"
    else:
        return False  # NFSv4.2 clients cause no notifications at all
    kind = _FILE_OPERATIONS[operation.code.partition("_")[2]]
    if event.get("protocol") != name or not event["file_operations"].get(kind):
        return False
    filters = event["filters"]
    if kind == "close":
        return _any_filter(
            filters,
            close_with_modification=operation.modified_close,
            close_without_modification=not operation.modified_close,
            close_with_read=False,
        )
    if kind == "write":
        return _any_filter(
            filters, first_write=operation.first_write, write_with_size_change=operation.size_changed
        )
    if kind == "setattr":  # the only one that the simulator makes is that of touch
        others = {name: False for name in filters if name.startswith("setattr_with_")}
        return _any_filter(filters, **{**others, "setattr_with_modify_time_change": True})
    return True


def _any_filter(filters: Mapping[str, bool], **outcomes: bool) -> bool:
    """Pass when no filter of the kind is set, or when one that is set holds."""
    chosen = [outcome for name, outcome in outcomes.items() if filters.get(name)]
    return not chosen or any(chosen)


def _in_scope(operation: Operation, scope: Mapping[str, Any]) -> bool:
    volume = operation.volume
    if not _listed(volume.name, scope, "volumes"):
        return False
    if operation.protocol.name == "SMB" and not _listed(volume.share, scope, "shares"):
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
