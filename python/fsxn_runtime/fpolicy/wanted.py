"""The wanted state as Terraform writes it, read into the model. Pure.

One object for each SVM, below "svms" and the name that the caller gave it:

    {"svm": "svm1", "enabled": true, "guard": true, "priority": 1, "policy": "fsxn_s3ap",
     "engine": {"port": 9898, "keep_alive_seconds": 120, "ssl_option": "no_auth",
                "type": "asynchronous"},
     "events": {"cifs": {"protocol": "cifs", "operations": ["create"], "filters": []}},
     "scope": {"include_volumes": ["*"]}, "store": {"volume": "fsxn_s3ap_store", "size_bytes": 1073741824},
     "certificates": {"type": "client_ca", "pem": ["-----BEGIN ..."]}, "keep_store": true}

Engine and store have the policy's name, events the policy's with theirs behind it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from fsxn_runtime.errors import MisconfiguredError
from fsxn_runtime.fpolicy.model import (
    CERTIFICATE_INFIX,
    Certificate,
    Engine,
    Event,
    Policy,
    Store,
    Wanted,
)
from fsxn_runtime.fpolicy.records import scope_of


def wanted_of(document: Mapping[str, Any]) -> Wanted:
    """Read one SVM's wanted state. Raises MisconfiguredError when it is not what is described above."""
    try:
        policy, engine = str(document["policy"]), document["engine"]
        events = tuple(
            Event(
                f"{policy}_{name}",
                str(event["protocol"]),
                frozenset(event["operations"]),
                frozenset(event.get("filters", ())),
            )
            for name, event in sorted(document["events"].items())
        )
        store = document.get("store")
        certificates = document.get("certificates") or {"pem": []}
        return Wanted(
            svm=str(document["svm"]),
            policy=Policy(
                name=policy,
                engine=policy,
                events=frozenset(event.name for event in events),
                scope=scope_of(document["scope"]),
                store=policy if store else "",
                is_enabled=bool(document["enabled"]),
                priority=int(document["priority"]),
            ),
            engine=Engine(
                policy,
                frozenset(),
                int(engine["port"]),
                int(engine["keep_alive_seconds"]),
                str(engine["ssl_option"]),
                kind=str(engine.get("type", "asynchronous")),
            ),
            events=events,
            store=Store(policy, str(store["volume"]), int(store["size_bytes"])) if store else None,
            is_guarded=bool(document["guard"]),
            certificates=tuple(
                _certificate(policy, str(pem), str(certificates.get("type", "client_ca")))
                for pem in certificates["pem"]
            ),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as exc:
        raise MisconfiguredError(
            f"the wanted state cannot be read: {exc!r}", code="bad_wanted_state"
        ) from exc


def keeps_store(document: Mapping[str, Any]) -> bool:
    """Say whether removal leaves the store, which may hold notifications that nobody has read."""
    return bool(document.get("keep_store", True))


def _certificate(policy: str, pem: str, kind: str) -> Certificate:
    digest = hashlib.sha256("".join(pem.split()).encode()).hexdigest()
    return Certificate(f"{policy}{CERTIFICATE_INFIX}{digest[:12]}", pem, kind)
