"""Accounts, roles and passwords over REST. Source: ONTAP REST reference 9."""

from __future__ import annotations

from collections.abc import Iterator

from lab.ontap_sim.accounts import Accounts
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
