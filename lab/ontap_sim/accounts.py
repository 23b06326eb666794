"""Accounts: who may log in, by which password, and how passwords change.

Source: ONTAP REST reference 2 and 9. Passwords are kept as hashes. What FSx sets for lock-out, who may change
whose password, and whether a reset by AWS unlocks, is unknown: those are switches.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from lab.ontap_sim.config import AccountSettings, Switches
from lab.ontap_sim.rest_errors import RestError, exists, invalid
from lab.ontap_sim.roles import Roles, owner_of

Record = dict[str, Any]

_MAX_PASSWORD = 128
_SPECIAL = frozenset("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")
_DEFAULT_APPLICATIONS = ("http", "ssh")
_PATCHABLE = frozenset({"applications", "comment", "locked", "password", "role"})
_CREATABLE = _PATCHABLE | {"name", "owner", "password_hash_algorithm"}


@dataclass(slots=True)
class Account:
    """One account. `hashes` are its passwords', the present one first."""

    owner_uuid: str
    name: str
    role: str
    applications: list[Record]
    comment: str = ""
    locked: bool = False
    locked_until: float = float("inf")
    failures: int = 0
    hashes: list[bytes] = field(default_factory=list)
    changed_at: float = float("-inf")

    @property
    def key(self) -> tuple[str, str]:
        """Give what names the account."""
        return self.owner_uuid, self.name

    def uses(self, application: str) -> bool:
        """Say whether the account may log in this way with a password."""
        return any(
            item["application"] == application and "password" in item["authentication_methods"]
            for item in self.applications
        )

    def unlock(self) -> None:
        """Let the account log in again."""
        self.locked, self.locked_until, self.failures = False, float("inf"), 0


class Accounts:
    """The account table of the file system and its SVMs."""

    def __init__(
        self,
        cluster: tuple[str, str],
        svms: Mapping[str, str],
        switches: Switches,
        now: Callable[[], float],
    ) -> None:
        """Take the cluster's UUID and name, the SVMs' names by UUID, and a clock (seconds)."""
        self.cluster_uuid = cluster[0]
        self._owners = {cluster[0]: cluster[1], **svms}
        self.roles = Roles(cluster[0], self._owners)
        self._switches = switches
        self._now = now
        self._accounts: dict[tuple[str, str], Account] = {}

    def add(self, settings: AccountSettings) -> None:
        """Add an account of the configuration file, whatever the password policy says."""
        owners = [uuid for uuid, name in self._owners.items() if name == settings.svm]
        account = Account(
            owner_uuid=owners[0] if owners else self.cluster_uuid,
            name=settings.name,
            role=settings.role,
            applications=[_application(name) for name in settings.applications],
            hashes=[_hash(settings.password)],
        )
        self._accounts[account.key] = account

    # logging in --------------------------------------------------------------------------------------

    def authenticate(self, header: str, owner_uuid: str) -> Account:
        """Check HTTP Basic against the accounts of one owner. Raises RestError 401.

        Wrong passwords are counted; too many lock the account.
        """
        name, password = _credentials(header)
        account = self._accounts.get((owner_uuid, name))
        if account is None or not account.uses("http") or self._is_locked(account):
            raise _unauthorized()
        if not self._is_password(account, password):
            account.failures += 1
            if 0 < self._switches.max_failed_logins <= account.failures:
                account.locked = True
                account.locked_until = self._now() + self._switches.lockout_seconds
            raise _unauthorized()
        account.failures = 0
        return account

    def _is_password(self, account: Account, password: str) -> bool:
        given = _hash(password)
        valid = account.hashes[:1]
        if self._now() < account.changed_at + self._switches.old_password_seconds:
            valid = account.hashes[:2]
        return any(hmac.compare_digest(given, known) for known in valid)

    def _is_locked(self, account: Account) -> bool:
        if account.locked and self._now() >= account.locked_until:
            account.unlock()
        return account.locked

    # records -----------------------------------------------------------------------------------------

    def records(self) -> Iterator[Record]:
        """Show every account."""
        return (self._record(account) for account in self._accounts.values())

    def _record(self, account: Account) -> Record:
        shown: Record = {
            "owner": {"uuid": account.owner_uuid, "name": self._owners[account.owner_uuid]},
            "name": account.name,
            "scope": "cluster" if account.owner_uuid == self.cluster_uuid else "svm",
            "locked": self._is_locked(account),
            "role": {"name": account.role},
            "password_hash_algorithm": "sha512",
            "applications": account.applications,
        }
        return shown | ({"comment": account.comment} if account.comment else {})

    # changes -----------------------------------------------------------------------------------------

    def create(self, caller: Account, body: Mapping[str, Any]) -> Record:
        """Create an account; only the file system's administrators may. Raises RestError."""
        _only(body, _CREATABLE)
        owner = owner_of(self._owners, body, default=caller.owner_uuid)
        if caller.role != "fsxadmin" and owner != caller.owner_uuid:
            raise _forbidden()
        account = Account(owner, _name(body), "", _applications(body))
        if account.key in self._accounts:
            raise exists(account.name)
        account.role = self._role(owner, body.get("role", {"name": "vsadmin"}))
        account.comment = str(body.get("comment", ""))
        account.locked = _flag("locked", body.get("locked", False))
        self._set_password(account, body.get("password"))
        self._accounts[account.key] = account
        return self._record(account)

    def change(self, caller: Account, record: Record, body: Mapping[str, Any]) -> None:
        """Change an account; `applications` replaces the whole list. Raises RestError and changes nothing."""
        _only(body, _PATCHABLE)
        account = self._accounts[record["owner"]["uuid"], record["name"]]
        role = self._role(account.owner_uuid, body["role"]) if "role" in body else account.role
        applications = _applications(body) if "applications" in body else account.applications
        locked = _flag("locked", body["locked"]) if "locked" in body else account.locked
        if locked and not account.locked and self._is_last_administrator(account):
            raise RestError(400, "7077896", "Cannot lock the account of the last console admin user.")
        if "password" in body:
            others = self._switches.may_change_others == "fsxadmin" and caller.role == "fsxadmin"
            if caller.key != account.key and not others:
                raise _forbidden()
            self._set_password(account, body["password"])
        account.role, account.applications = role, applications
        account.comment = str(body.get("comment", account.comment))
        if "locked" in body:
            account.unlock()
            account.locked = locked

    def delete(self, record: Record) -> None:
        """Delete an account."""
        del self._accounts[record["owner"]["uuid"], record["name"]]

    def change_password(self, caller: Account, body: Mapping[str, Any]) -> None:
        """Change one's own password; those of others are for a role that FSx gives nobody (9.2, way B)."""
        _only(body, frozenset({"name", "owner", "password", "password_hash_algorithm"}))
        owner = owner_of(self._owners, body, default=caller.owner_uuid)
        if (owner, _name(body)) != caller.key:
            raise _forbidden()
        self._set_password(caller, body.get("password"))

    def reset(self, owner_uuid: str, name: str, password: str) -> None:
        """Set a password as AWS does: without a look at earlier ones. Unknown names are left alone."""
        account = self._accounts.get((owner_uuid, name))
        if account:
            self._check_composition(account.name, password)
            self._put_password(account, password)
            if self._switches.reset_unlocks == "yes":
                account.unlock()

    def _set_password(self, account: Account, password: object) -> None:
        if not any(account.uses(item["application"]) for item in account.applications):
            raise RestError(400, "7077911", "The account is not set up for password authentication.")
        if not isinstance(password, str):
            raise RestError(400, "2", 'Field "password" is required.', "password")
        self._check_composition(account.name, password)
        hashed = _hash(password)
        if account.hashes[:1] == [hashed]:
            raise _refused("7077925", "The new password must be different from the old password.")
        count = self._switches.password_history
        if hashed in account.hashes[:count]:
            raise _refused("7077924", f"The new password must be different from the last {count} passwords.")
        self._put_password(account, password)

    def _put_password(self, account: Account, password: str) -> None:
        account.hashes.insert(0, _hash(password))
        account.changed_at = self._now()

    def _check_composition(self, name: str, password: str) -> None:
        switches = self._switches
        if name.lower() in password.lower():
            raise _refused("7077918", "The password cannot contain the username.")
        if len(password) < switches.password_min_length:
            raise _refused(
                "7077919", f"The minimum length for new password is {switches.password_min_length}."
            )
        if len(password) > _MAX_PASSWORD:
            raise _refused("7077940", "The password exceeds the maximum supported length.")
        if not any(c.isalpha() for c in password) or not any(c.isdigit() for c in password):
            raise _refused("7077920", "The new password must have both letters and numbers.")
        if sum(c in _SPECIAL for c in password) < switches.password_min_special:
            least = switches.password_min_special
            raise _refused("7077921", f"The minimum number of special characters required is {least}.")

    def _role(self, owner_uuid: str, given: object) -> str:
        name = given.get("name") if isinstance(given, Mapping) else given
        if not isinstance(name, str) or not self.roles.exists(owner_uuid, name):
            raise RestError(400, "7077906", f'A role with the name "{name}" does not exist.', "role")
        return name

    def _is_last_administrator(self, account: Account) -> bool:
        others = (item for item in self._accounts.values() if item is not account and not item.locked)
        return account.role == "fsxadmin" and not any(item.role == "fsxadmin" for item in others)


def _application(name: str) -> Record:
    return {
        "application": name,
        "authentication_methods": ["password"],
        "second_authentication_method": "none",
    }


def _applications(body: Mapping[str, Any]) -> list[Record]:
    """Read the list of applications: names, or objects."""
    given = body.get("applications", list(_DEFAULT_APPLICATIONS))
    if not isinstance(given, list):
        raise invalid("applications", given, "a list")
    found: list[Record] = []
    for item in given:
        if isinstance(item, str):
            found.append(_application(item))
        elif isinstance(item, Mapping) and isinstance(item.get("application"), str):
            found.append(_application(item["application"]) | dict(item))
        else:
            raise invalid("applications", item, "an application")
    return found


def _name(body: Mapping[str, Any]) -> str:
    name = body.get("name")
    if not isinstance(name, str) or not 3 <= len(name) <= 64:
        raise invalid("name", name, "3 to 64 characters")
    return name


def _flag(field_name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise invalid(field_name, value, "true|false")
    return value


def _only(body: Mapping[str, Any], allowed: frozenset[str]) -> None:
    for name in body:
        if name not in allowed:
            raise RestError(400, "262179", f'Unexpected argument "{name}".', name)


def _credentials(header: str) -> tuple[str, str]:
    scheme, _, given = header.partition(" ")
    try:
        name, colon, password = base64.b64decode(given, validate=True).decode().partition(":")
    except ValueError:
        raise _unauthorized() from None
    if scheme != "Basic" or not colon:
        raise _unauthorized()
    return name, password


def _hash(password: str) -> bytes:
    return hashlib.sha256(password.encode()).digest()


def _unauthorized() -> RestError:
    return RestError(401, "6691623", "User is not authorized.")


def _forbidden() -> RestError:
    return RestError(403, "6", "You are not permitted to perform this operation.")


def _refused(code: str, message: str) -> RestError:
    return RestError(400, code, message, "password")
