"""FPolicy configuration of one SVM: engines, events, policies, and the rules between them. Pure.

Source: ONTAP REST reference 13.1 (engine), 13.2 (event), 13.3 (persistent store), 13.4 (policy). The codes
are the ones listed there; where none is known, the generic ones of section 4.1 stand in. Records are kept as
REST shows them, with every default written out.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from typing import Any

from lab.ontap_sim.rest_errors import RestError, exists, invalid, not_found

Record = dict[str, Any]

_NAME = re.compile(r"[A-Za-z0-9_.]{1,256}")
_CIFS_OPERATIONS = frozenset(
    {
        "create", "create_dir", "delete", "delete_dir", "getattr", "open", "close", "read", "write",
        "rename", "rename_dir", "setattr",
    }
)  # fmt: skip
_PROTOCOL_OPERATIONS: Mapping[str, frozenset[str]] = {
    "cifs": _CIFS_OPERATIONS,
    "nfsv3": _CIFS_OPERATIONS - {"getattr", "open", "close"} | {"link", "lookup", "symlink"},
    "nfsv4": _CIFS_OPERATIONS,
}
_NFS_FILTERS = frozenset(
    {
        "exclude_directory", "first_read", "first_write", "offline_bit", "write_with_size_change",
        "setattr_with_access_time_change", "setattr_with_group_change", "setattr_with_modify_time_change",
        "setattr_with_owner_change", "setattr_with_size_change",
    }
)  # fmt: skip
_CIFS_FILTERS = frozenset(
    {
        "close_with_modification", "close_with_read", "close_without_modification", "monitor_ads",
        "open_with_delete_intent", "open_with_write_intent", "setattr_with_allocation_size_change",
        "setattr_with_creation_time_change", "setattr_with_dacl_change", "setattr_with_sacl_change",
    }
)  # fmt: skip
_FILTERS: Mapping[str, frozenset[str]] = {
    "cifs": _NFS_FILTERS | _CIFS_FILTERS,
    "nfsv3": _NFS_FILTERS | {"setattr_with_mode_change"},
    "nfsv4": _NFS_FILTERS | {"setattr_with_dacl_change", "setattr_with_sacl_change"},
}
_SCOPE_LISTS = frozenset(
    f"{side}_{what}"
    for side in ("include", "exclude")
    for what in ("volumes", "shares", "export_policies", "extension")
)
_SCOPE_FLAGS = frozenset({"check_extensions_on_directories", "object_monitoring_with_no_extension"})

Check = Callable[[str, Any], None]


def _is_text(field: str, value: Any) -> None:
    if not isinstance(value, str) or not value:
        raise invalid(field, value, "text")


def _is_name(field: str, value: Any) -> None:
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise invalid(field, value, "1 to 256 of A-Z a-z 0-9 _ .")


def _is_flag(field: str, value: Any) -> None:
    if not isinstance(value, bool):
        raise invalid(field, value, "true|false")


def _is_addresses(field: str, value: Any) -> None:
    try:
        for address in value:
            ipaddress.ip_address(address)
    except (ValueError, TypeError) as exc:
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


_ENGINE_FIELDS: Mapping[str, Check] = {
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
}
_ENGINE_DEFAULTS: Record = {
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
_BUFFER_DEFAULTS = {"send_buffer": 1048576, "recv_buffer": 262144}

_EVENT_FIELDS: Mapping[str, Check] = {
    "name": _is_name,
    "protocol": _one_of("cifs", "nfsv3", "nfsv4"),
    "file_operations": _is_object,
    "filters": _is_object,
    "volume_monitoring": _is_flag,
    "monitor_fileop_failure": _is_flag,
}
_POLICY_FIELDS: Mapping[str, Check] = {
    "name": _is_name,
    "engine": _is_reference,
    "events": _is_references,
    "mandatory": _is_flag,
    "priority": _number(1, 10),
    "enabled": _is_flag,
    "persistent_store": _is_text,
    "passthrough_read": _is_flag,
    "allow_privileged_access": _is_flag,
    "privileged_user": _is_text,
    "scope": _is_object,
}
_STORE_FIELDS: Mapping[str, Check] = {
    "name": _is_name,
    "volume": _is_text,
    "size": _number(1, 1 << 50),
    "autosize_mode": _one_of("off", "grow", "grow_shrink"),
}


def _checked(body: Mapping[str, Any], checks: Mapping[str, Check], *, fixed: frozenset[str]) -> Record:
    """Check every field of a body; `fixed` are those that this call may not set."""
    for field, value in body.items():
        if field not in checks:
            raise RestError(400, "262179", f'Unexpected argument "{field}".', field)
        if field in fixed:
            raise RestError(400, "262196", f'Field "{field}" cannot be set in this operation.', field)
        checks[field](field, value)
    return dict(body)


def _required(body: Mapping[str, Any], *names: str) -> None:
    for name in names:
        if name not in body:
            raise RestError(400, "2", f'Field "{name}" is required.', name)


class FpolicyConfig:
    """The FPolicy objects of one SVM. Every method raises RestError and then has changed nothing,
    except where the codes 9765027 and 9765029 say otherwise."""

    def __init__(self) -> None:
        self.engines: dict[str, Record] = {}
        self.events: dict[str, Record] = {}
        self.stores: dict[str, Record] = {}
        self.policies: dict[str, Record] = {}

    # engines -----------------------------------------------------------------------------------------

    def create_engine(self, body: Mapping[str, Any]) -> Record:
        """Create an external engine."""
        record = _ENGINE_DEFAULTS | _checked(body, _ENGINE_FIELDS, fixed=frozenset())
        _required(record, "name", "primary_servers", "port")
        if record["name"] in self.engines or record["name"] == "native":
            raise exists(record["name"])
        record["buffer_size"] = _BUFFER_DEFAULTS | record.get("buffer_size", {})
        self._check_engine(record)
        self.engines[record["name"]] = record
        return record

    def change_engine(self, name: str, body: Mapping[str, Any]) -> None:
        """Change an engine that no enabled policy uses."""
        record = _find(self.engines, name)
        change = _checked(body, _ENGINE_FIELDS, fixed=frozenset({"name"}))
        self._refuse_used_engine(name, only_enabled=True)
        if "buffer_size" in change:
            change["buffer_size"] = record["buffer_size"] | change["buffer_size"]
        self._check_engine(record | change)
        record |= change

    def delete_engine(self, name: str) -> None:
        """Delete an engine that no policy names."""
        _find(self.engines, name)
        self._refuse_used_engine(name, only_enabled=False)
        del self.engines[name]

    def _refuse_used_engine(self, name: str, *, only_enabled: bool) -> None:
        for policy in self.policies.values():
            if policy["engine"]["name"] == name and (policy["enabled"] or not only_enabled):
                raise RestError(409, "9764942", f'At least one policy uses the engine "{name}".')

    @staticmethod
    def _check_engine(record: Record) -> None:
        if not record["primary_servers"]:
            raise invalid("primary_servers", [], "at least one IP address")
        if set(record["primary_servers"]) & set(record["secondary_servers"]):
            raise RestError(400, "9764922", "The primary and secondary server has the same IP address.")
        if record["ssl_option"] != "no_auth":
            raise RestError(400, "3", "ssl_option needs a CA certificate installed on the SVM.", "ssl_option")
        if record["format"] != "xml":
            raise RestError(400, "3", "The engine format is not supported by this release.", "format")

    # events ------------------------------------------------------------------------------------------

    def create_event(self, body: Mapping[str, Any]) -> Record:
        """Create an event set for one protocol."""
        record: Record = {
            "file_operations": {},
            "filters": {},
            "volume_monitoring": False,
            "monitor_fileop_failure": False,
        } | _checked(body, _EVENT_FIELDS, fixed=frozenset())
        _required(record, "name")
        if record["name"] in self.events:
            raise exists(record["name"])
        self._check_event(record)
        self.events[record["name"]] = record
        return record

    def change_event(self, name: str, body: Mapping[str, Any]) -> None:
        """Merge a change into an event that no enabled policy uses; earlier true members stay."""
        record = _find(self.events, name)
        change = _checked(body, _EVENT_FIELDS, fixed=frozenset({"name"}))
        self._refuse_used_event(name, only_enabled=True)
        for member in ("file_operations", "filters"):
            change[member] = record[member] | change.get(member, {})
        self._check_event(record | change)
        record |= change

    def delete_event(self, name: str) -> None:
        """Delete an event that no policy names."""
        _find(self.events, name)
        self._refuse_used_event(name, only_enabled=False)
        del self.events[name]

    def _refuse_used_event(self, name: str, *, only_enabled: bool) -> None:
        for policy in self.policies.values():
            used = any(event["name"] == name for event in policy["events"])
            if used and (policy["enabled"] or not only_enabled):
                raise RestError(409, "8", f'The event "{name}" is used by policy "{policy["name"]}".')

    @staticmethod
    def _check_event(record: Record) -> None:
        protocol = record.get("protocol", "")
        operations, filters = record["file_operations"], record["filters"]
        if bool(protocol) != bool(operations) or (filters and not protocol):
            raise RestError(400, "2", "protocol and file_operations go together; filters need both.")
        if filters and record["monitor_fileop_failure"]:
            raise RestError(400, "2", "Filters cannot be set together with monitor_fileop_failure.")
        for members, table in ((operations, _PROTOCOL_OPERATIONS), (filters, _FILTERS)):
            for name, value in members.items():
                _is_flag(name, value)
                if name not in table[protocol]:
                    raise invalid(name, value, f"not available for protocol {protocol}")

    # persistent stores -------------------------------------------------------------------------------

    def create_store(self, body: Mapping[str, Any]) -> Record:
        """Create the SVM's one persistent store."""
        record: Record = {"size": 1 << 30, "autosize_mode": "off"} | _checked(
            body, _STORE_FIELDS, fixed=frozenset()
        )
        _required(record, "name", "volume")
        if self.stores:
            raise exists(f"the SVM has persistent store {next(iter(self.stores))!r}")
        self.stores[record["name"]] = record
        return record

    def change_store(self, name: str, body: Mapping[str, Any]) -> None:
        """Change the store's size or volume."""
        record = _find(self.stores, name)
        record |= _checked(body, _STORE_FIELDS, fixed=frozenset({"name", "autosize_mode"}))

    def delete_store(self, name: str) -> None:
        """Delete a store that no policy names."""
        _find(self.stores, name)
        for policy in self.policies.values():
            if policy.get("persistent_store") == name:
                raise RestError(409, "8", f'The store "{name}" is used by policy "{policy["name"]}".')
        del self.stores[name]

    # policies ----------------------------------------------------------------------------------------

    def create_policy(self, body: Mapping[str, Any]) -> Record:
        """Create a policy; with a priority it is enabled at once, without one it stays disabled.

        Raises 9765027 when the priority is taken: the policy exists then, disabled.
        """
        change = _checked(body, _POLICY_FIELDS, fixed=frozenset({"enabled"}))
        _required(change, "name", "events")
        if "scope" not in change:
            raise RestError(400, "9764898", "A policy cannot be created without a scope.")
        if change["name"] in self.policies:
            raise exists(change["name"])
        priority = change.pop("priority", None)
        record: Record = {
            "engine": {"name": "native"},
            "mandatory": True,
            "passthrough_read": False,
            "allow_privileged_access": False,
        } | change
        self._check_policy(record)
        record["enabled"] = False
        self.policies[record["name"]] = record
        if priority is not None:
            self._enable(record, priority, code="9765027")
        return record

    def change_policy(self, name: str, body: Mapping[str, Any]) -> None:
        """Enable, disable or change a policy, one of the three (13.4)."""
        record = _find(self.policies, name)
        change = _checked(body, _POLICY_FIELDS, fixed=frozenset({"name"}))
        enabled, priority = change.pop("enabled", None), change.pop("priority", None)
        if enabled is False and priority is not None:
            raise RestError(400, "9765025", "A policy cannot be disabled when the priority is given.")
        if enabled and priority is None:
            raise RestError(400, "9765026", "The priority is needed to enable a policy.")
        if change and record["enabled"]:
            raise RestError(409, "9765036", f'The policy "{name}" is enabled and cannot be modified.')
        if enabled is False and not record["enabled"]:
            raise RestError(400, "9764907", f'The policy "{name}" is already disabled.')
        if priority is not None and record["enabled"]:
            raise RestError(400, "9764908", f'The policy "{name}" is already enabled.')
        self._check_policy(record | change)
        record |= change
        if priority is not None:
            self._enable(record, priority, code="9765029")
        elif enabled is False:
            record["enabled"] = False
            del record["priority"]

    def delete_policy(self, name: str) -> None:
        """Delete a disabled policy."""
        if _find(self.policies, name)["enabled"]:
            raise RestError(409, "9764941", f'The policy "{name}" is enabled and cannot be deleted.')
        del self.policies[name]

    def _enable(self, record: Record, priority: int, *, code: str) -> None:
        for other in self.policies.values():
            if other["enabled"] and other["priority"] == priority:
                raise RestError(409, code, f"Priority {priority} is already in use by {other['name']!r}.")
        record["enabled"], record["priority"] = True, priority

    def _check_policy(self, record: Record) -> None:
        engine = record["engine"]["name"]
        if engine != "native" and engine not in self.engines:
            raise not_found(f"engine {engine!r}")
        for event in record["events"]:
            if event["name"] not in self.events:
                raise not_found(f"event {event['name']!r}")
        for name, value in record["scope"].items():
            if name in _SCOPE_FLAGS:
                _is_flag(name, value)
            elif name not in _SCOPE_LISTS or not isinstance(value, list):
                raise invalid(f"scope.{name}", value, f"lists {sorted(_SCOPE_LISTS)}")
        synchronous = engine == "native" or self.engines[engine]["type"] == "synchronous"
        if record["passthrough_read"] and (engine == "native" or not synchronous):
            raise RestError(400, "9765038", "passthrough-read needs an external synchronous engine.")
        store = record.get("persistent_store")
        if store is not None and store not in self.stores:
            raise not_found(f"persistent store {store!r}")
        if store is not None and (record["mandatory"] or synchronous):
            needs = "A persistent store needs an asynchronous engine and mandatory=false."
            raise RestError(400, "2", needs, "persistent_store")


def _find(records: dict[str, Record], name: str) -> Record:
    try:
        return records[name]
    except KeyError:
        raise not_found(name) from None
