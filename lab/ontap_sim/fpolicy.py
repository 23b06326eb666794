"""FPolicy configuration of one SVM: engines, events, policies, and the rules between them. Pure.

Source: ONTAP REST reference 13.1 to 13.4. The codes are the ones listed there; where none is known, the
generic ones of section 4.1 stand in. Records are kept with every default written out; `shown` gives them as
REST does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterator, Mapping
from copy import deepcopy
from typing import Any

from lab.ontap_sim.fpolicy_fields import (
    BUFFER_DEFAULTS,
    BUFFER_FIELDS,
    ENGINE_DEFAULTS,
    ENGINE_FIELDS,
    EVENT_FIELDS,
    FILTERS,
    POLICY_DEFAULTS,
    POLICY_FIELDS,
    RESILIENCY_DEFAULTS,
    RESILIENCY_FIELDS,
    SCOPE_FLAGS,
    SCOPE_LISTS,
    STORE_FIELDS,
    Record,
    checked,
    is_flag,
    required,
)
from lab.ontap_sim.model import SimError
from lab.ontap_sim.rest_errors import RestError, exists, invalid, not_found

# Calls that can be made to succeed half way: 9765027 policy made but not enabled, 9765029 policy changed but
# not enabled or disabled, 9765031 configuration deleted in part, 9765037 policy made without its scope.
PARTIAL_CODES = ("9765027", "9765029", "9765031", "9765037")

# Templates of the cluster, seen in an SVM's collections only (13).
_CLUSTER_ENGINE: Record = ENGINE_DEFAULTS | {
    "name": "cluster_engine",
    "primary_servers": ["192.0.2.1"],
    "port": 9898,
}
_CLUSTER_POLICY: Record = POLICY_DEFAULTS | {
    "name": "cluster_policy",
    "engine": {"name": "cluster_engine"},
    "events": [],
    "scope": {},
    "enabled": False,
}


class FpolicyConfig:
    """The FPolicy objects of one SVM. Every method raises RestError and then has changed nothing,
    except where PARTIAL_CODES say otherwise."""

    def __init__(self, *, cluster_objects: bool = False, formats: Container[str] = ("xml",)) -> None:
        self._formats = formats
        self.engines: dict[str, Record] = {}
        self.events: dict[str, Record] = {}
        self.stores: dict[str, Record] = {}
        self.policies: dict[str, Record] = {}
        self.cluster_engines = {"cluster_engine": _CLUSTER_ENGINE} if cluster_objects else {}
        self.cluster_policies = {"cluster_policy": _CLUSTER_POLICY} if cluster_objects else {}
        self.ca_certificates: list[str] = []  # PEM; what servers are verified against
        self.client_pairs: dict[
            tuple[str, str, str], str
        ] = {}  # PEM of the SVM's client certificates and keys
        self._partial: Counter[str] = Counter()

    def fail_partly(self, code: str, times: int = 1) -> None:
        """Let the next calls that can end with this code do so. Raises SimError."""
        if code not in PARTIAL_CODES:
            raise SimError(f"code is {code!r}; allowed: {', '.join(PARTIAL_CODES)}")
        self._partial[code] += times

    def _fails_partly(self, code: str) -> bool:
        if not self._partial[code]:
            return False
        self._partial[code] -= 1
        return True

    def external_policies(self, *, enabled: bool = True) -> Iterator[tuple[str, Record]]:
        """Give the policies that have an external engine, the lowest priority number first (13.4)."""
        found = [policy for policy in self.policies.values() if policy["enabled"] is enabled]
        for policy in sorted(found, key=lambda policy: int(policy.get("priority") or 0)):
            if policy["engine"]["name"] != "native":
                yield policy["name"], policy

    # everything at once ------------------------------------------------------------------------------

    def create_all(self, body: Mapping[str, Any]) -> None:
        """Create engines, events, stores and policies in one call: all, or (but for 9765027) none."""
        kinds = {
            "engines": self.create_engine,
            "events": self.create_event,
            "persistent_stores": self.create_store,
            "policies": self.create_policy,
        }
        for name, value in body.items():
            if name not in kinds:
                raise RestError(400, "262179", f'Unexpected argument "{name}".', name)
            if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
                raise invalid(name, value, "list of objects")
        before = deepcopy((self.engines, self.events, self.stores, self.policies))
        try:
            for name, create in kinds.items():
                for item in body.get(name, []):
                    create(item)
        except RestError as exc:
            if exc.code not in PARTIAL_CODES:
                self.engines, self.events, self.stores, self.policies = before
            raise

    def delete_all(self) -> None:
        """Delete the whole configuration; refused while a policy is enabled."""
        if any(policy["enabled"] for policy in self.policies.values()):
            raise RestError(409, "9765030", "The configuration cannot be deleted while a policy is enabled.")
        self.policies.clear()
        if self._fails_partly("9765031"):
            raise RestError(500, "9765031", "Some parts of the configuration could not be deleted.")
        self.engines.clear()
        self.events.clear()
        self.stores.clear()

    # engines -----------------------------------------------------------------------------------------

    def create_engine(self, body: Mapping[str, Any]) -> Record:
        """Create an external engine."""
        record = ENGINE_DEFAULTS | checked(body, ENGINE_FIELDS, fixed=frozenset())
        required(record, "name", "primary_servers", "port")
        if record["name"] in {*self.engines, *self.cluster_engines, "native"}:
            raise exists(record["name"])
        record["buffer_size"] = BUFFER_DEFAULTS | record.get("buffer_size", {})
        record["resiliency"] = RESILIENCY_DEFAULTS | record.get("resiliency", {})
        self._check_engine(record)
        self.engines[record["name"]] = record
        return record

    def change_engine(self, name: str, body: Mapping[str, Any]) -> None:
        """Change an engine that no enabled policy uses."""
        record = self._own_engine(name)
        change = checked(body, ENGINE_FIELDS, fixed=frozenset({"name"}))
        self._refuse_used_engine(name, only_enabled=True)
        for member in ("buffer_size", "resiliency"):
            if member in change:
                change[member] = record[member] | change[member]
        self._check_engine(record | change)
        record |= change

    def delete_engine(self, name: str) -> None:
        """Delete an engine that no policy names."""
        self._own_engine(name)
        self._refuse_used_engine(name, only_enabled=False)
        del self.engines[name]

    def _own_engine(self, name: str) -> Record:
        if name in self.cluster_engines:
            raise RestError(400, "9764886", f'The engine "{name}" is a cluster-level FPolicy engine.')
        return _find(self.engines, name)

    def _refuse_used_engine(self, name: str, *, only_enabled: bool) -> None:
        for policy in self.policies.values():
            if policy["engine"]["name"] == name and (policy["enabled"] or not only_enabled):
                raise RestError(409, "9764942", f'At least one policy uses the engine "{name}".')

    def _check_engine(self, record: Record) -> None:
        if not record["primary_servers"]:
            raise invalid("primary_servers", [], "at least one IP address")
        servers = [*record["primary_servers"], *record["secondary_servers"]]
        if len(set(servers)) < len(servers):
            raise RestError(400, "9764922", "An IP address is named twice in the lists of servers.")
        checked(record["buffer_size"], BUFFER_FIELDS, fixed=frozenset())
        checked(record["resiliency"], RESILIENCY_FIELDS, fixed=frozenset())
        if record["ssl_option"] != "no_auth" and not self.ca_certificates:
            needs = "TLS needs the CA certificate of the server installed on the SVM."
            raise RestError(400, "2", needs, "ssl_option")
        if record["ssl_option"] == "mutual_auth" and self.client_pair(record) is None:
            needs = "mutual_auth needs a client certificate of the SVM, by name, serial number and CA."
            raise RestError(400, "2", needs, "certificate")
        if record["format"] not in self._formats:
            needs = "The simulator speaks protobuf when its configuration has a field map."
            raise RestError(400, "3", needs, "format")

    def client_pair(self, engine: Record) -> str | None:
        """Give the SVM's certificate, with its key, that an engine names; None when there is none such."""
        named = engine.get("certificate", {})
        return self.client_pairs.get(
            (named.get("name", ""), named.get("serial_number", ""), named.get("ca", ""))
        )

    # events ------------------------------------------------------------------------------------------

    def create_event(self, body: Mapping[str, Any]) -> Record:
        """Create an event set for one protocol."""
        record: Record = {
            "file_operations": {},
            "filters": {},
            "volume_monitoring": False,
            "monitor_fileop_failure": False,
        } | checked(body, EVENT_FIELDS, fixed=frozenset())
        required(record, "name")
        if record["name"] in self.events:
            raise exists(record["name"])
        _check_event(record)
        self.events[record["name"]] = record
        return record

    def change_event(self, name: str, body: Mapping[str, Any]) -> None:
        """Merge a change into an event that no enabled policy uses; earlier true members stay."""
        record = _find(self.events, name)
        change = checked(body, EVENT_FIELDS, fixed=frozenset({"name"}))
        self._refuse_used_event(name, only_enabled=True)
        for member in ("file_operations", "filters"):
            change[member] = record[member] | change.get(member, {})
        _check_event(record | change)
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

    # persistent stores -------------------------------------------------------------------------------

    def create_store(self, body: Mapping[str, Any]) -> Record:
        """Create the SVM's one persistent store."""
        record: Record = {"size": 1 << 30, "autosize_mode": "off"} | checked(
            body, STORE_FIELDS, fixed=frozenset()
        )
        required(record, "name", "volume")
        if self.stores:
            raise exists(f"the SVM has persistent store {next(iter(self.stores))!r}")
        self.stores[record["name"]] = record
        return record

    def change_store(self, name: str, body: Mapping[str, Any]) -> None:
        """Change the store's size or volume."""
        record = _find(self.stores, name)
        record |= checked(body, STORE_FIELDS, fixed=frozenset({"name", "autosize_mode"}))

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
        change = checked(body, POLICY_FIELDS, fixed=frozenset({"enabled"}))
        required(change, "name", "events")
        if "scope" not in change:
            raise RestError(400, "9764898", "A policy cannot be created without a scope.")
        if change["name"] in {*self.policies, *self.cluster_policies}:
            raise exists(change["name"])
        priority = change.pop("priority", None)
        record = deepcopy(POLICY_DEFAULTS) | change
        self._check_policy(record)
        record["enabled"] = False
        self.policies[record["name"]] = record
        if self._fails_partly("9765037"):
            record["scope"] = {}
            raise RestError(500, "9765037", f'The policy "{record["name"]}" was made without its scope.')
        if priority is not None:
            self._enable(record, priority, code="9765027")
        return record

    def change_policy(self, name: str, body: Mapping[str, Any]) -> None:
        """Enable, disable or change a policy (13.4); a change and its enabling may come in one call."""
        if name in self.cluster_policies:
            raise _cluster_policy(name)
        record = _find(self.policies, name)
        change = checked(body, POLICY_FIELDS, fixed=frozenset({"name"}))
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
            if self._fails_partly("9765029"):
                raise RestError(500, "9765029", f'The policy "{name}" could not be disabled.')
            record["enabled"] = False
            del record["priority"]

    def delete_policy(self, name: str) -> None:
        """Delete a disabled policy."""
        if name in self.cluster_policies:
            raise _cluster_policy(name)
        if _find(self.policies, name)["enabled"]:
            raise RestError(409, "9764941", f'The policy "{name}" is enabled and cannot be deleted.')
        del self.policies[name]

    def _enable(self, record: Record, priority: int, *, code: str) -> None:
        if self._fails_partly(code):
            raise RestError(500, code, f'The policy "{record["name"]}" could not be enabled.')
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
            if name in SCOPE_FLAGS:
                is_flag(name, value)
            elif name not in SCOPE_LISTS or not _is_texts(value):
                raise invalid(f"scope.{name}", value, f"lists of text {sorted(SCOPE_LISTS)}")
        synchronous = engine == "native" or self.engines[engine]["type"] == "synchronous"
        if engine == "native" or not synchronous:
            if record["passthrough_read"]:
                raise RestError(400, "9765038", "passthrough-read needs an external synchronous engine.")
            if record["allow_privileged_access"] or "privileged_user" in record:
                raise RestError(400, "2", "Privileged access needs an external synchronous engine.")
        store = record.get("persistent_store")
        if store is not None and store not in self.stores:
            raise not_found(f"persistent store {store!r}")
        if store is not None and (record["mandatory"] or synchronous):
            needs = "A persistent store needs an asynchronous engine and mandatory=false."
            raise RestError(400, "2", needs, "persistent_store")


def shown(record: Record) -> Record:
    """Give a record as GET does: no empty lists and objects, an event without false members (13.1, 13.2)."""
    is_event = "file_operations" in record
    kept: Record = {}
    for name, value in record.items():
        if isinstance(value, dict) and is_event:
            value = {member: True for member, flag in value.items() if flag}
        elif isinstance(value, dict):
            value = {member: inner for member, inner in value.items() if inner != []}
        if value not in ([], {}) and not (is_event and value is False):
            kept[name] = value
    return kept


def _check_event(record: Record) -> None:
    protocol = record.get("protocol", "")
    for members in ("file_operations", "filters"):
        for name, value in record[members].items():
            is_flag(name, value)
    operations = [name for name, value in record["file_operations"].items() if value]
    filters = [name for name, value in record["filters"].items() if value]
    if bool(protocol) != bool(operations) or (filters and not protocol):
        raise RestError(400, "2", "protocol and file_operations go together; filters need both.")
    if record["monitor_fileop_failure"] and (filters or not operations):
        needs = "monitor_fileop_failure needs protocol and file_operations, and takes no filters."
        raise RestError(400, "2", needs, "monitor_fileop_failure")
    for name in record["file_operations"]:
        if name not in FILTERS.get(protocol, {}):
            raise invalid(name, True, f"not available for protocol {protocol}")
    known = {item for taken in FILTERS["cifs"].values() for item in taken} | {"setattr_with_mode_change"}
    usable = {item for operation in operations for item in FILTERS[protocol][operation]}
    for name in record["filters"]:
        if name not in (usable if name in filters else known):
            raise invalid(name, True, f"{sorted(usable)} for {protocol} {sorted(operations)}")


def _cluster_policy(name: str) -> RestError:
    return RestError(400, "9764900", f'The policy "{name}" is a cluster-level FPolicy policy.')


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) and item for item in value)


def _find(records: dict[str, Record], name: str) -> Record:
    try:
        return records[name]
    except KeyError:
        raise not_found(name) from None
