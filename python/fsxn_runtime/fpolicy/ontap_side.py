"""ONTAP's REST interface as far as the reconciler needs it. Source: ONTAP REST reference 10, 11, 13, 14."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from fsxn_runtime.edge.log import logger
from fsxn_runtime.errors import RejectedError
from fsxn_runtime.fpolicy import records
from fsxn_runtime.fpolicy.model import (
    Change,
    Connect,
    CreateStore,
    Delete,
    Disable,
    Enable,
    GrowStore,
    InstallCertificate,
    Kind,
    Link,
    Observed,
    PutEngine,
    PutEvent,
    PutPolicy,
)
from fsxn_runtime.fpolicy.watch import Ems, VolumeUse
from fsxn_runtime.ontap import OntapClient, path
from fsxn_runtime.ontap.errors import OntapConflictError, OntapNotFoundError, OntapRejectedError

_log = logger("fpolicy")

# Shorter than the lock's lease (store.py), so that no call of a run outlives its right to make it.
CALL_SECONDS: Final = 15.0
# Making a store makes its volume: a job.
STORE_SECONDS: Final = 25.0
# ONTAP REST reference 13.4: these two say that the policy is already as it shall be.
_ALREADY_DISABLED: Final = "9764907"
_ALREADY_ENABLED: Final = "9764908"


class Ontap:
    """One file system's REST interface, as far as FPolicy needs it."""

    def __init__(self, client: OntapClient) -> None:
        self._client = client

    def svm_uuid(self, name: str) -> str:
        """Look up an SVM. Raises RejectedError when there is none."""
        found = list(self._records(("svm", "svms"), ("uuid", "name"), {"name": name}))
        if len(found) != 1:
            raise RejectedError(
                f"the file system has {len(found)} SVMs named {name!r}; it must have one", code="no_such_svm"
            )
        return str(found[0]["uuid"])

    def side(self, svm_uuid: str, *, with_certificates: bool) -> OntapSide:
        """Give one SVM's FPolicy side."""
        return OntapSide(self._client, svm_uuid, with_certificates=with_certificates)

    def volumes(self, svm_uuid: str) -> list[VolumeUse]:
        """Read the SVM's volumes: what the volume map needs, and how full they are (reference 11)."""
        fields = ("name", "uuid", "msid", "svm.name", "nas.path", "space.percent_used")
        found = self._records(("storage", "volumes"), fields, {"svm.uuid": svm_uuid})
        return [
            VolumeUse(
                svm_uuid=svm_uuid,
                svm_name=record["svm"]["name"],
                name=record["name"],
                msid=record.get("msid"),
                junction_path=record.get("nas", {}).get("path", ""),
                used_pct=record.get("space", {}).get("percent_used"),
            )
            for record in found
        ]

    def ems(self, since: str) -> list[Ems]:
        """Read FPolicy's and full volumes' messages since a moment of ONTAP's clock (reference 14)."""
        fields = ("index", "node.name", "message.name", "message.severity", "time", "log_message")
        query = {"message.name": "fpolicy*|monitor.volume.full|spm.fpolicy*|fsm.low.memory"}
        if since:
            query["time"] = f">={since}"
        found = self._records(("support", "ems", "events"), fields, query)
        return [
            Ems(
                key=f"{record['node']['name']}/{record['index']}",
                name=record["message"]["name"],
                time=record["time"],
                text=str(record.get("log_message", ""))[:500],
            )
            for record in found
        ]

    def _records(
        self, parts: tuple[str, ...], fields: Iterable[str], query: Mapping[str, str]
    ) -> Iterator[dict[str, Any]]:
        return self._client.records(path(*parts), fields=fields, query=query, deadline_seconds=CALL_SECONDS)


class OntapSide:
    """FPolicy of one SVM. What a call changes is looked at again by the caller, whatever it answers."""

    def __init__(self, client: OntapClient, svm_uuid: str, *, with_certificates: bool) -> None:
        self._client = client
        self._svm_uuid = svm_uuid
        self._with_certificates = with_certificates

    def look(self) -> Observed:
        """Read everything of FPolicy. Cluster-level templates, which have no SVM, are not ours to see."""
        engines = [records.engine_of(r) for r in self._own("engines", records.ENGINE_FIELDS)]
        events = [records.event_of(r) for r in self._own("events", records.EVENT_FIELDS)]
        stores = [records.store_of(r) for r in self._own("persistent-stores", records.STORE_FIELDS)]
        policies = [records.policy_of(r) for r in self._own("policies", records.POLICY_FIELDS)]
        return Observed(
            engines={engine.name: engine for engine in engines},
            events={event.name: event for event in events},
            stores={store.name: store for store in stores},
            policies={policy.name: policy for policy in policies},
            links=self._links(),
            certificates={name: fingerprint for name, fingerprint, _ in self._certificates()},
        )

    def look_at_links(self, observed: Observed) -> Observed:
        """Read the connections alone again."""
        return replace(observed, links=self._links())

    def do(self, step: Change) -> None:
        """Do one step; what is so already is a success. Raises FsxnError."""
        match step:
            case InstallCertificate(certificate):
                body = {
                    "name": certificate.name,
                    "type": certificate.kind,
                    "svm": {"uuid": self._svm_uuid},
                    "public_certificate": certificate.pem,
                }
                self._client.post(path("security", "certificates"), body, deadline_seconds=CALL_SECONDS)
            case CreateStore(store):
                size = {"volume": store.volume, "size": store.size_bytes}
                self._post("persistent-stores", {"name": store.name, **size}, STORE_SECONDS)
            case GrowStore(name, size_bytes):
                self._patch("persistent-stores", name, {"size": size_bytes}, STORE_SECONDS)
            case PutEvent(event, before):
                self._put("events", event.name, records.event_body(step), exists=before is not None)
            case PutEngine(engine, exists):
                self._put("engines", engine.name, records.engine_body(engine), exists=exists)
            case PutPolicy(policy, before):
                self._put("policies", policy.name, records.policy_body(step), exists=before is not None)
            case Enable(name, priority):
                self._switch(name, {"enabled": True, "priority": priority}, _ALREADY_ENABLED)
            case Disable(name):
                self._switch(name, {"enabled": False}, _ALREADY_DISABLED)
            case Connect(link):
                self._connect(link)
            case Delete(kind, name):
                self._delete(kind, name)

    def _links(self) -> tuple[Link, ...]:
        return tuple(records.link_of(r) for r in self._all("connections", records.LINK_FIELDS))

    def _own(self, kind: str, fields: Iterable[str]) -> Iterator[dict[str, Any]]:
        for record in self._all(kind, fields):
            if record.get("svm", {}).get("uuid") == self._svm_uuid:
                yield record

    def _all(self, kind: str, fields: Iterable[str]) -> Iterator[dict[str, Any]]:
        return self._client.records(self._path(kind), fields=fields, deadline_seconds=CALL_SECONDS)

    def _certificates(self) -> Iterator[tuple[str, str, str]]:
        """Name, fingerprint and UUID of the SVM's certificates, read only where TLS is or was wanted."""
        if not self._with_certificates:
            return
        for record in self._client.records(
            path("security", "certificates"),
            fields=records.CERTIFICATE_FIELDS,
            query={"svm.uuid": self._svm_uuid},
            deadline_seconds=CALL_SECONDS,
        ):
            name, kind = record.get("name", ""), record.get("type", "")
            yield name, records.fingerprint(kind, record.get("public_certificate", "")), record["uuid"]

    def _put(self, kind: str, name: str, body: Mapping[str, Any], *, exists: bool) -> None:
        if exists:
            self._patch(kind, name, body, CALL_SECONDS)
        else:
            self._post(kind, {"name": name, **body}, CALL_SECONDS)

    def _post(self, kind: str, body: dict[str, Any], seconds: float) -> None:
        self._client.post(self._path(kind), body, deadline_seconds=seconds)

    def _patch(self, kind: str, name: str, body: Mapping[str, Any], seconds: float) -> None:
        self._client.patch(self._path(kind, name), dict(body), deadline_seconds=seconds)

    def _switch(self, name: str, body: Mapping[str, Any], already: str) -> None:
        try:
            self._patch("policies", name, body, CALL_SECONDS)
        except (OntapConflictError, OntapRejectedError) as exc:
            if exc.ontap_code != already:
                raise

    def _connect(self, link: Link) -> None:
        """Ask for one connection. One that is gone meanwhile is not an error: the next look shows what is."""
        body = {"state": "connected"}
        try:
            self._client.patch(
                self._path("connections", link.node, link.policy, link.server),
                body,
                deadline_seconds=CALL_SECONDS,
            )
        except (OntapConflictError, OntapNotFoundError, OntapRejectedError) as exc:
            _log.warning("link.not_asked", node=link.node, server=link.server, error=exc)

    def _delete(self, kind: Kind, name: str) -> None:
        try:
            if kind is Kind.CERTIFICATE:
                for found, _, uuid in list(self._certificates()):
                    if found == name:
                        self._client.delete(
                            path("security", "certificates", uuid), deadline_seconds=CALL_SECONDS
                        )
            else:
                self._client.delete(self._path(kind, name), deadline_seconds=STORE_SECONDS)
        except OntapNotFoundError:
            pass  # gone is what was wanted

    def _path(self, kind: str, *names: str) -> str:
        return path("protocols", "fpolicy", self._svm_uuid, kind, *names)
