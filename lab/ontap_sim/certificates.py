"""The installed certificates of the file system and its SVMs, as REST shows and changes them.

Source: ONTAP REST reference 1.1, 13.1. The management endpoint's is of type server. Which type FPolicy reads
to verify a server is unknown: a switch.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from cryptography import x509
from cryptography.x509.oid import NameOID

from lab.ontap_sim.clock import shown
from lab.ontap_sim.rest_errors import RestError, exists, invalid
from lab.ontap_sim.roles import owner_of

Record = dict[str, Any]

_TYPES = ("client", "server", "client_ca", "server_ca", "root_ca")
_FIELDS = frozenset(
    {"common_name", "intermediate_certificates", "name", "private_key", "public_certificate", "svm", "type"}
)


class Certificates:
    """The table of certificates. Private keys are never shown."""

    def __init__(self, cluster: tuple[str, str], svms: Mapping[str, str]) -> None:
        """Take the cluster's UUID and name, and the SVMs' names by UUID."""
        self._cluster_uuid, self._cluster_name = cluster
        self._svms = svms
        self._records: dict[str, Record] = {}
        self._keys: dict[str, str] = {}  # by the certificate's UUID
        self._presented = ""

    def set_presented(self, pem: str) -> None:
        """Put the management endpoint's certificate in the place of the one before."""
        self._records.pop(self._presented, None)
        record = self._record(pem, "server", "", self._cluster_name)
        self._presented = record["uuid"]
        self._records[self._presented] = record

    def records(self) -> Iterator[Record]:
        """Show every certificate."""
        return iter(self._records.values())

    def of(self, svm_uuid: str, kind: str) -> list[str]:
        """Give the PEM texts of an SVM's certificates of a type, or of any type of CA."""
        wanted = ("client_ca", "server_ca", "root_ca") if kind == "any" else (kind,)
        found = (item for item in self._records.values() if item.get("svm", {}).get("uuid") == svm_uuid)
        return [item["public_certificate"] for item in found if item["type"] in wanted]

    def client_pairs(self, svm_uuid: str) -> dict[tuple[str, str, str], str]:
        """Give an SVM's client certificates with their keys, by common name, serial number and CA."""
        return {
            (item["common_name"], item["serial_number"], item["ca"]): item["public_certificate"]
            + self._keys[key]
            for key, item in self._records.items()
            if item["type"] == "client" and item.get("svm", {}).get("uuid") == svm_uuid
        }

    def create(self, body: Mapping[str, Any], svm_uuid: str) -> Record:
        """Install a certificate; `svm_uuid` is that of the endpoint called. Raises RestError."""
        for name in body:
            if name not in _FIELDS:
                raise RestError(400, "262179", f'Unexpected argument "{name}".', name)
        kind, pem = body.get("type"), body.get("public_certificate")
        if kind not in _TYPES:
            raise invalid("type", kind, "|".join(_TYPES))
        if not isinstance(pem, str):
            raise RestError(
                400, "2", "The laboratory installs certificates, it makes none.", "public_certificate"
            )
        if kind in ("client", "server") and "private_key" not in body:
            raise RestError(400, "2", 'Field "private_key" is required.', "private_key")
        owner = svm_uuid
        if "svm" in body:
            owner = owner_of(self._svms, {"owner": body["svm"]}, default="")
        record = self._record(pem, kind, owner, str(body.get("name", "")))
        same = ("type", "serial_number", "common_name", "svm")
        for other in self._records.values():
            if all(other.get(name) == record.get(name) for name in same):
                raise exists(f"certificate {record['name']}")
        self._records[record["uuid"]] = record
        self._keys[record["uuid"]] = str(body.get("private_key", ""))
        return record

    def delete(self, record: Record) -> None:
        """Remove a certificate. Raises RestError."""
        if record["uuid"] == self._presented:
            raise RestError(409, "8", "The certificate is used by the management endpoint.")
        del self._records[record["uuid"]], self._keys[record["uuid"]]

    def _record(self, pem: str, kind: str, svm_uuid: str, name: str) -> Record:
        try:
            certificate = x509.load_pem_x509_certificate(pem.encode())
        except ValueError as exc:
            raise invalid("public_certificate", f"{len(pem)} characters", "a PEM certificate") from exc
        names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        common_name = str(names[0].value) if names else ""
        issuers = certificate.issuer.get_attributes_for_oid(NameOID.COMMON_NAME)
        record: Record = {
            "uuid": str(uuid.uuid4()),
            "name": name or f"{common_name}_{certificate.serial_number:X}",
            "common_name": common_name,
            "type": kind,
            "scope": "svm" if svm_uuid else "cluster",
            "serial_number": f"{certificate.serial_number:X}",
            "ca": str(issuers[0].value) if issuers else "",
            "expiry_time": shown(certificate.not_valid_after_utc),
            "public_certificate": pem,
        }
        return record | ({"svm": {"uuid": svm_uuid, "name": self._svms[svm_uuid]}} if svm_uuid else {})
