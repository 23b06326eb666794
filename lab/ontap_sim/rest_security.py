"""Accounts, roles, passwords and certificates over REST. Source: ONTAP REST reference 1.1 and 9."""

from __future__ import annotations

from collections.abc import Iterator

from lab.ontap_sim.accounts import Accounts
from lab.ontap_sim.certificates import Certificates
from lab.ontap_sim.cluster import Cluster
from lab.ontap_sim.rest_engine import Call, Collection, Made, Record
from lab.ontap_sim.rest_query import Resource

_ACCOUNT = Resource.of(
    "owner.name scope locked role.name password_hash_algorithm comment applications.application "
    "applications.authentication_methods applications.second_authentication_method",
    "owner.uuid name",
    owner="owner.uuid",
)
_ROLE = Resource.of(
    "owner.name scope builtin privileges.path privileges.access", "owner.uuid name", owner="owner.uuid"
)
_PRIVILEGE = Resource.of("owner.name access", "owner.uuid name path", owner="owner.uuid")
_CERTIFICATE = Resource.of(
    "common_name type scope svm.name svm.uuid serial_number ca expiry_time public_certificate", "uuid name"
)


def collections(accounts: Accounts) -> Iterator[Collection]:
    """Describe what lies below /api/security."""
    roles = accounts.roles

    def change_password(call: Call) -> Made:
        accounts.change_password(call.caller, call.body)
        return Made(None)

    def change(call: Call, record: Record) -> None:
        accounts.change(call.caller, record, call.body)

    yield Collection("security/authentication/password", "", _ACCOUNT, create=change_password)
    yield Collection(
        "security/accounts",
        "{owner.uuid}/{name}",
        _ACCOUNT,
        lambda _: accounts.records(),
        lambda call: Made(accounts.create(call.caller, call.body)),
        change,
        lambda _, record: accounts.delete(record),
    )
    yield Collection(
        "security/roles",
        "{owner.uuid}/{name}",
        _ROLE,
        lambda _: roles.records(),
        lambda call: Made(roles.create(call.body)),
        delete=lambda _, record: roles.delete(record),
    )
    yield Collection(
        "security/roles/{owner.uuid}/{name}/privileges",
        "{path}",
        _PRIVILEGE,
        lambda call: roles.privileges(call.names["owner.uuid"], call.names["name"]),
    )


def certificate_collection(certificates: Certificates, cluster: Cluster, fpolicy_ca_type: str) -> Collection:
    """Describe the certificates. FPolicy verifies servers by the SVM's certificates of `fpolicy_ca_type`."""

    def apply() -> None:
        for svm_uuid, config in cluster.configs.items():
            config.ca_certificates[:] = certificates.of(svm_uuid, fpolicy_ca_type)
            config.client_pairs = certificates.client_pairs(svm_uuid)

    def create(call: Call) -> Made:
        record = certificates.create(call.body, call.svm_uuid)
        apply()
        return Made(record)

    def delete(_: Call, record: Record) -> None:
        certificates.delete(record)
        apply()

    return Collection(
        "security/certificates",
        "{uuid}",
        _CERTIFICATE,
        lambda _: certificates.records(),
        create,
        delete=delete,
    )
