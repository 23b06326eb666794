"""The fields of FPolicy objects: what each one takes, and its default. Pure.

Source: ONTAP REST reference 13.1 (engine), 13.2 (event), 13.3 (persistent store), 13.4 (policy).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from typing import Any

from lab.ontap_sim.rest_errors import RestError, invalid

Record = dict[str, Any]

_NAME = re.compile(r"[A-Za-z0-9_.]{1,256}")
_PLAIN = ("offline_bit",)
_SETATTR = ("owner", "group", "modify_time", "access_time", "size")
_NFS_WRITE = (*_PLAIN, "first_write", "write_with_size_change")


def _setattr_filters(*more: str) -> tuple[str, ...]:
    return (*_PLAIN, "exclude_directory", *(f"setattr_with_{what}_change" for what in (*_SETATTR, *more)))


# protocol -> operation -> the filters that apply to it (13.2)
FILTERS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "cifs": {
        **dict.fromkeys(("create", "delete", "rename"), (*_PLAIN, "monitor_ads")),
        **dict.fromkeys(("create_dir", "delete_dir", "rename_dir"), ()),
        "open": (
            *_PLAIN, "monitor_ads", "open_with_delete_intent", "open_with_write_intent", "exclude_directory",
        ),
        "close": (
            *_PLAIN, "monitor_ads", "close_with_modification", "close_without_modification",
            "close_with_read", "exclude_directory",
        ),
        "read": (*_PLAIN, "monitor_ads", "first_read"),
        "write": (*_NFS_WRITE, "monitor_ads"),
        "setattr": (*_setattr_filters("sacl", "dacl", "creation_time", "allocation_size"), "monitor_ads"),
        "getattr": (*_PLAIN, "exclude_directory"),
    },
    "nfsv3": {
        **dict.fromkeys(("create", "delete", "rename", "link", "symlink"), _PLAIN),
        **dict.fromkeys(("create_dir", "delete_dir", "rename_dir"), ()),
        "read": (*_PLAIN, "first_read"),
        "write": _NFS_WRITE,
        "setattr": _setattr_filters("mode"),
        "lookup": (*_PLAIN, "exclude_directory"),
    },
    "nfsv4": {
        **dict.fromkeys(("create", "delete", "rename"), _PLAIN),
        **dict.fromkeys(("create_dir", "delete_dir", "rename_dir"), ()),
        **dict.fromkeys(("open", "close", "getattr"), (*_PLAIN, "exclude_directory")),
        "read": (*_PLAIN, "first_read"),
        "write": _NFS_WRITE,
        "setattr": _setattr_filters("sacl", "dacl"),
    },
}  # fmt: skip
SCOPE_LISTS = frozenset(
    f"{side}_{what}"
    for side in ("include", "exclude")
    for what in ("volumes", "shares", "export_policies", "extension")
)
SCOPE_FLAGS = frozenset({"check_extensions_on_directories", "object_monitoring_with_no_extension"})

Check = Callable[[str, Any], None]


def _is_text(field: str, value: Any) -> None:
    if not isinstance(value, str) or not value:
        raise invalid(field, value, "text")


def _is_user(field: str, value: Any) -> None:
    if not isinstance(value, str) or not re.fullmatch(r"[^\\]+\\[^\\]+", value):
        raise invalid(field, value, "domain\\user")


def _is_name(field: str, value: Any) -> None:
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise invalid(field, value, "1 to 256 of A-Z a-z 0-9 _ .")


def is_flag(field: str, value: Any) -> None:
    if not isinstance(value, bool):
        raise invalid(field, value, "true|false")


def _is_addresses(field: str, value: Any) -> None:
    try:
        if not isinstance(value, list) or not all(isinstance(address, str) for address in value):
            raise ValueError
        for address in value:
            ipaddress.ip_address(address)
    except ValueError as exc:
        raise invalid(field, value, "list of IP addresses") from exc


def _one_of(*allowed: str) -> Check:
    def check(field: str, value: Any) -> None:
        if value not in allowed:
            raise invalid(field, value, "|".join(allowed))

    return check


def _number(low: int, high: int) -> Check:
    def check(field: str, value: Any) -> None:
        if not isinstance(value, int) or isinstance(value, bool):
            raise invalid(field, value, f"{low}..{high}")
        if not low <= value <= high:
            raise RestError(400, "262186", f'value {value} of "{field}" is outside {low}..{high}', field)

    return check


def _duration(low: int, high: int) -> Check:
    def check(field: str, value: Any) -> None:
        if not low <= seconds(field, value) <= high:
            raise RestError(400, "262186", f'value {value} of "{field}" is outside {low}..{high} s', field)

    return check


def _is_references(field: str, value: Any) -> None:
    if not isinstance(value, list) or not all(
        isinstance(item, dict) and isinstance(item.get("name"), str) for item in value
    ):
        raise invalid(field, value, 'list of {"name": ...}')


def _is_reference(field: str, value: Any) -> None:
    _is_references(field, [value])


def _is_object(field: str, value: Any) -> None:
    if not isinstance(value, dict):
        raise invalid(field, value, "object")


def seconds(field: str, value: Any) -> int:
    """Read an ISO 8601 duration such as PT1M40S. Raises RestError."""
    match = re.fullmatch(r"PT(?:(\d+)M)?(?:(\d+)S)?", value) if isinstance(value, str) else None
    if not match or not any(match.groups()):
        raise invalid(field, value, "ISO 8601 duration, for example PT2M")
    return int(match[1] or 0) * 60 + int(match[2] or 0)


ENGINE_FIELDS: Mapping[str, Check] = {
    "name": _is_name,
    "primary_servers": _is_addresses,
    "secondary_servers": _is_addresses,
    "port": _number(1, 65535),
    "type": _one_of("synchronous", "asynchronous"),
    "format": _one_of("xml", "protobuf"),
    "ssl_option": _one_of("no_auth", "server_auth", "mutual_auth"),
    "keep_alive_interval": _duration(10, 600),
    "status_request_interval": _duration(0, 50),
    "session_timeout": _duration(0, 3600),
    "request_cancel_timeout": _duration(0, 100),
    "request_abort_timeout": _duration(0, 200),
    "server_progress_timeout": _duration(0, 100),
    "max_server_requests": _number(1, 10000),
    "max_connection_retries": _number(0, 20),
    "buffer_size": _is_object,
    "resiliency": _is_object,
    "certificate": _is_object,
}
RESILIENCY_FIELDS: Mapping[str, Check] = {
    "enabled": is_flag,
    "directory_path": _is_text,
    "retention_duration": _duration(0, 600),
}
ENGINE_DEFAULTS: Record = {
    "secondary_servers": [],
    "type": "synchronous",
    "format": "xml",
    "ssl_option": "no_auth",
    "keep_alive_interval": "PT2M",
    "status_request_interval": "PT10S",
    "session_timeout": "PT10S",
    "request_cancel_timeout": "PT20S",
    "request_abort_timeout": "PT40S",
    "server_progress_timeout": "PT1M",
    "max_server_requests": 500,
    "max_connection_retries": 5,
}
BUFFER_DEFAULTS = {"send_buffer": 1048576, "recv_buffer": 262144}
BUFFER_FIELDS: Mapping[str, Check] = dict.fromkeys(BUFFER_DEFAULTS, _number(1, 1 << 30))
RESILIENCY_DEFAULTS: Record = {"enabled": False, "retention_duration": "PT3M"}

EVENT_FIELDS: Mapping[str, Check] = {
    "name": _is_name,
    "protocol": _one_of("cifs", "nfsv3", "nfsv4"),
    "file_operations": _is_object,
    "filters": _is_object,
    "volume_monitoring": is_flag,
    "monitor_fileop_failure": is_flag,
}
POLICY_DEFAULTS: Record = {
    "engine": {"name": "native"},
    "mandatory": True,
    "passthrough_read": False,
    "allow_privileged_access": False,
}
POLICY_FIELDS: Mapping[str, Check] = {
    "name": _is_name,
    "engine": _is_reference,
    "events": _is_references,
    "mandatory": is_flag,
    "priority": _number(1, 10),
    "enabled": is_flag,
    "persistent_store": _is_text,
    "passthrough_read": is_flag,
    "allow_privileged_access": is_flag,
    "privileged_user": _is_user,
    "scope": _is_object,
}
STORE_FIELDS: Mapping[str, Check] = {
    "name": _is_name,
    "volume": _is_text,
    "size": _number(1, 1 << 50),
    "autosize_mode": _one_of("off", "grow", "grow_shrink"),
}


def checked(body: Mapping[str, Any], checks: Mapping[str, Check], *, fixed: frozenset[str]) -> Record:
    """Check every field of a body; `fixed` are those that this call may not set."""
    for field, value in body.items():
        if field not in checks:
            raise RestError(400, "262179", f'Unexpected argument "{field}".', field)
        if field in fixed:
            raise RestError(400, "262196", f'Field "{field}" cannot be set in this operation.', field)
        checks[field](field, value)
    return dict(body)


def required(body: Mapping[str, Any], *names: str) -> None:
    for name in names:
        if name not in body:
            raise RestError(400, "2", f'Field "{name}" is required.', name)
