"""The wanted state as Terraform writes it, read into the model. Pure.

One object for each SVM, below "svms" and the name that the caller gave it:

    {"svm": "svm1", "enabled": true, "guard": true, "priority": 1, "policy": "fsxn_s3ap",
     "engine": {"port": 9898, "keep_alive_seconds": 120, "ssl_option": "no_auth",
                "type": "asynchronous", "client_certificate": null},
     "events": {"cifs": {"protocol": "cifs", "operations": ["create"], "filters": []}},
     "scope": {"include_volumes": ["*"]}, "store": {"volume": "fsxn_s3ap_store", "size_bytes": 1073741824},
     "certificates": {"type": "client_ca", "pem": ["-----BEGIN ..."]}, "keep_store": true}

Engine and store have the policy's name, events the policy's with theirs behind it. With ssl_option
mutual_auth "client_certificate" is {"name", "serial_number", "ca"} of a certificate that is on the SVM
already. "had_certificates" is not Terraform's: `following` sets it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fsxn_runtime.errors import MisconfiguredError
from fsxn_runtime.fpolicy.model import (
    CERTIFICATE_INFIX,
    Certificate,
    ClientCertificate,
    Engine,
    Event,
    Policy,
    Store,
    Wanted,
)
from fsxn_runtime.fpolicy.records import fingerprint, scope_of


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
                client_certificate=_client_certificate(engine),
            ),
            events=events,
            store=Store(policy, str(store["volume"]), int(store["size_bytes"])) if store else None,
            is_guarded=bool(document["guard"]),
            certificates=tuple(
                _certificate(policy, str(pem), str(certificates.get("type", "client_ca")))
                for pem in certificates["pem"]
            ),
            had_certificates=bool(document.get("had_certificates", False)),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as exc:
        raise MisconfiguredError(
            f"the wanted state cannot be read: {exc!r}", code="bad_wanted_state"
        ) from exc


def following(document: Mapping[str, Any], before: Mapping[str, Any] | None) -> dict[str, Any]:
    """Give a document that knows whether any before it had certificates, which must then be looked for."""
    had = before is not None and wanted_of(before).looks_at_certificates
    return {**document, "had_certificates": had}


def keeps_store(document: Mapping[str, Any]) -> bool:
    """Say whether removal leaves the store, which may hold notifications that nobody has read."""
    return bool(document.get("keep_store", True))


def _client_certificate(engine: Mapping[str, Any]) -> ClientCertificate | None:
    named = engine.get("client_certificate")
    if (engine["ssl_option"] == "mutual_auth") is not bool(named):
        raise ValueError("ssl_option mutual_auth and client_certificate go together")
    if not named:
        return None
    return ClientCertificate(str(named["name"]), str(named["serial_number"]), str(named["ca"]))


def _certificate(policy: str, pem: str, kind: str) -> Certificate:
    found = fingerprint(kind, pem)
    return Certificate(f"{policy}{CERTIFICATE_INFIX}{found}", found, pem, kind)
