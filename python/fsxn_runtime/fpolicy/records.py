"""ONTAP's records of FPolicy and our model, in both directions. Pure.

What ONTAP leaves out of an answer (false members, empty lists) reads as empty; a PATCH of an event merges, so
a member that shall go is sent as false (ONTAP REST reference 13.1, 13.2, 13.4).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

from fsxn_runtime.errors import RejectedError
from fsxn_runtime.fpolicy.model import (
    ClientCertificate,
    Engine,
    Event,
    Link,
    Policy,
    PutEvent,
    PutPolicy,
    Store,
)

Record = Mapping[str, Any]

SCOPE_LISTS: Final = tuple(
    f"{side}_{what}"
    for side in ("include", "exclude")
    for what in ("volumes", "shares", "export_policies", "extension")
)
SCOPE_FLAGS: Final = ("check_extensions_on_directories", "object_monitoring_with_no_extension")

ENGINE_FIELDS: Final = (
    "svm.uuid", "name", "primary_servers", "secondary_servers", "port", "type", "format", "ssl_option",
    "keep_alive_interval", "certificate",
)  # fmt: skip
EVENT_FIELDS: Final = (
    "svm.uuid", "name", "protocol", "file_operations", "filters", "volume_monitoring",
    "monitor_fileop_failure",
)  # fmt: skip
STORE_FIELDS: Final = ("svm.uuid", "name", "volume", "size")
POLICY_FIELDS: Final = (
    "svm.uuid", "name", "enabled", "priority", "engine.name", "events", "mandatory", "persistent_store",
    "passthrough_read", "allow_privileged_access", "scope",
)  # fmt: skip
CERTIFICATE_FIELDS: Final = ("uuid", "name", "type", "public_certificate")
LINK_FIELDS: Final = (
    "node.uuid", "policy.name", "server", "state", "disconnected_reason.message", "update_time",
)  # fmt: skip


# answers ---------------------------------------------------------------------------------------------


def engine_of(record: Record) -> Engine:
    """Read an engine."""
    return Engine(
        name=record["name"],
        servers=frozenset(record.get("primary_servers", ())),
        port=int(record["port"]),
        keep_alive_seconds=seconds(record.get("keep_alive_interval", "PT2M")),
        ssl_option=record.get("ssl_option", "no_auth"),
        secondary_servers=frozenset(record.get("secondary_servers", ())),
        kind=record.get("type", "synchronous"),
        wire_format=record.get("format", "xml"),
        client_certificate=_client_certificate(record),
    )


def event_of(record: Record) -> Event:
    """Read an event set."""
    return Event(
        name=record["name"],
        protocol=record.get("protocol", ""),
        operations=_members(record.get("file_operations", {})),
        filters=_members(record.get("filters", {})),
        monitors_volumes=bool(record.get("volume_monitoring", False)),
        monitors_failures=bool(record.get("monitor_fileop_failure", False)),
    )


def store_of(record: Record) -> Store:
    """Read a persistent store."""
    return Store(record["name"], record.get("volume", ""), int(record.get("size", 0)))


def policy_of(record: Record) -> Policy:
    """Read a policy. ONTAP's default is mandatory (ONTAP REST reference 13.4), so silence reads as that."""
    enabled = bool(record.get("enabled", False))
    return Policy(
        name=record["name"],
        engine=record.get("engine", {}).get("name", "native"),
        events=frozenset(event["name"] for event in record.get("events", ())),
        scope=scope_of(record.get("scope", {})),
        store=record.get("persistent_store", ""),
        is_mandatory=bool(record.get("mandatory", True)),
        reads_through=bool(record.get("passthrough_read", False)),
        allows_privileged=bool(record.get("allow_privileged_access", False)),
        is_enabled=enabled,
        priority=record.get("priority") if enabled else None,
    )


def scope_of(record: Record) -> frozenset[tuple[str, str]]:
    """Read a scope as pairs; flags that are off and lists that are empty leave none."""
    lists = {(field, str(item)) for field in SCOPE_LISTS for item in record.get(field, ())}
    return frozenset(lists | {(flag, "true") for flag in SCOPE_FLAGS if record.get(flag)})


def link_of(record: Record) -> Link:
    """Read a connection. Reasons are kept as they come: the known ones are not all."""
    return Link(
        node=record["node"]["uuid"],
        policy=record["policy"]["name"],
        server=record["server"],
        is_connected=record.get("state") == "connected",
        reason=str(record.get("disconnected_reason", {}).get("message", ""))[:200],
        changed_us=_moment_us(record.get("update_time")),
    )


def fingerprint(kind: str, pem: str) -> str:
    """Give what tells one installed certificate from another: its type and text, however lines are broken."""
    return hashlib.sha256(f"{kind} {''.join(pem.split())}".encode()).hexdigest()[:12]


def seconds(duration: str) -> int:
    """Read PT2M, PT120S, PT1M40S as seconds. Raises RejectedError."""
    match = re.fullmatch(r"PT(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?", duration)
    if not match or not any(match.groups()):
        raise RejectedError(f"duration is {duration[:40]!r}; it must be like PT2M", code="bad_duration")
    hours, minutes, rest = (int(group or 0) for group in match.groups())
    return hours * 3600 + minutes * 60 + rest


def _client_certificate(record: Record) -> ClientCertificate | None:
    """Read the SVM's certificate where it is used: whether another ssl_option takes it away is unknown."""
    if record.get("ssl_option") != "mutual_auth":
        return None
    named = record.get("certificate", {})
    return ClientCertificate(named.get("name", ""), named.get("serial_number", ""), named.get("ca", ""))


def _moment_us(text: str | None) -> int | None:
    return None if text is None else int(datetime.fromisoformat(text).timestamp() * 1_000_000)


def _members(record: Record) -> frozenset[str]:
    return frozenset(name for name, value in record.items() if value)


# bodies ----------------------------------------------------------------------------------------------


def engine_body(engine: Engine) -> dict[str, Any]:
    """Write everything of an engine but its name."""
    minutes, rest = divmod(engine.keep_alive_seconds, 60)
    body: dict[str, Any] = {
        "primary_servers": sorted(engine.servers),
        "secondary_servers": sorted(engine.secondary_servers),
        "port": engine.port,
        "type": engine.kind,
        "format": engine.wire_format,
        "ssl_option": engine.ssl_option,
        "keep_alive_interval": f"PT{minutes}M" if not rest else f"PT{engine.keep_alive_seconds}S",
    }
    return body | ({"certificate": asdict(engine.client_certificate)} if engine.client_certificate else {})


def event_body(step: PutEvent) -> dict[str, Any]:
    """Write everything of an event set but its name; what was on and shall be off is said."""
    event, before = step.event, step.observed
    body = {
        "file_operations": _flags(event.operations, before.operations if before else frozenset()),
        "filters": _flags(event.filters, before.filters if before else frozenset()),
        "volume_monitoring": event.monitors_volumes,
        "monitor_fileop_failure": event.monitors_failures,
    }
    return body if before and before.protocol == event.protocol else {"protocol": event.protocol, **body}


def policy_body(step: PutPolicy) -> dict[str, Any]:
    """Write everything of a policy but name, switch and priority: without a priority it stays disabled."""
    policy, before = step.policy, step.observed
    body: dict[str, Any] = {
        "engine": {"name": policy.engine},
        "events": [{"name": name} for name in sorted(policy.events)],
        "mandatory": policy.is_mandatory,
        "passthrough_read": policy.reads_through,
        "allow_privileged_access": policy.allows_privileged,
        "scope": scope_body(policy.scope, before.scope if before else frozenset()),
    }
    if policy.store or (before and before.store):
        body["persistent_store"] = policy.store  # that "" takes a store away is a guess
    return body


def scope_body(
    scope: frozenset[tuple[str, str]], before: frozenset[tuple[str, str]] = frozenset()
) -> dict[str, Any]:
    """Write a scope; what was set and shall not be is emptied."""
    fields = {field for field, _ in scope | before}
    lists = {f: sorted(item for name, item in scope if name == f) for f in SCOPE_LISTS if f in fields}
    return lists | {flag: (flag, "true") in scope for flag in SCOPE_FLAGS if flag in fields}


def _flags(on: frozenset[str], before: frozenset[str]) -> dict[str, bool]:
    return {name: name in on for name in sorted(on | before)}
