"""Roles: which REST paths an account may read or change. Pure.

Source: ONTAP REST reference 9.4: roles of the file system are fixed, SVMs may have their own. What the
built-in roles allow in detail is not documented; the table below is a guess at its coarsest.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from lab.ontap_sim.rest_errors import RestError, exists, invalid, not_found

Record = dict[str, Any]
Privileges = Mapping[str, str]  # REST path to access; the longest path that fits decides

_OWN_PASSWORD = "/api/security/authentication/password"  # noqa: S105 (a path)
_CLUSTER_ROLES: Mapping[str, Privileges] = {
    "fsxadmin": {"/api": "all"},
    "fsxadmin-readonly": {"/api": "readonly", _OWN_PASSWORD: "read_create"},
}
_SVM_ROLES: Mapping[str, Privileges] = {
    "vsadmin": {"/api": "all", "/api/cluster": "readonly"},
    "vsadmin-readonly": {"/api": "readonly", _OWN_PASSWORD: "read_create"},
}
_READS = ("GET", "HEAD", "OPTIONS")
_METHODS: Mapping[str, tuple[str, ...]] = {
    "none": (),
    "readonly": _READS,
    "read_create": (*_READS, "POST"),
    "read_modify": (*_READS, "PATCH"),
    "read_create_modify": (*_READS, "POST", "PATCH"),
    "all": (*_READS, "POST", "PATCH", "DELETE"),
}


class Roles:
    """The built-in roles, and those that SVMs were given."""

    def __init__(self, cluster_uuid: str, owners: Mapping[str, str]) -> None:
        """Take the owners' names by UUID, the cluster among them."""
        self._owners = owners
        self._cluster_uuid = cluster_uuid
        self._roles: dict[tuple[str, str], Privileges] = {}
        for owner in owners:
            table = _CLUSTER_ROLES if owner == cluster_uuid else _SVM_ROLES
            self._roles |= {(owner, name): privileges for name, privileges in table.items()}

    def exists(self, owner_uuid: str, name: str) -> bool:
        """Say whether an owner has a role of this name."""
        return (owner_uuid, name) in self._roles

    def allows(self, owner_uuid: str, name: str, method: str, path: str) -> bool:
        """Say whether a role may use a method on a path."""
        privileges = self._roles.get((owner_uuid, name), {})
        fitting = [prefix for prefix in privileges if path == prefix or path.startswith(f"{prefix}/")]
        return bool(fitting) and method in _METHODS[privileges[max(fitting, key=len)]]

    def records(self) -> Iterator[Record]:
        """Show every role with its privileges."""
        for (owner, name), privileges in self._roles.items():
            table = _CLUSTER_ROLES if owner == self._cluster_uuid else _SVM_ROLES
            yield {
                "owner": {"uuid": owner, "name": self._owners[owner]},
                "name": name,
                "scope": "cluster" if owner == self._cluster_uuid else "svm",
                "builtin": name in table,
                "privileges": [{"path": path, "access": access} for path, access in privileges.items()],
            }

    def privileges(self, owner_uuid: str, name: str) -> Iterator[Record]:
        """Show the privileges of one role. Raises RestError."""
        if not self.exists(owner_uuid, name):
            raise not_found(f"role {name}")
        for path, access in self._roles[owner_uuid, name].items():
            yield {
                "owner": {"uuid": owner_uuid, "name": self._owners[owner_uuid]},
                "name": name,
                "path": path,
                "access": access,
            }

    def create(self, body: Mapping[str, Any]) -> Record:
        """Give an SVM a role. FSx refuses roles of the file system. Raises RestError."""
        owner = owner_of(self._owners, body, default=self._cluster_uuid)
        if owner == self._cluster_uuid:
            raise RestError(403, "6", "Roles of the file system cannot be created on FSx for ONTAP.")
        name = body.get("name")
        if not isinstance(name, str) or not name:
            raise RestError(400, "2", 'Field "name" is required.', "name")
        if self.exists(owner, name):
            raise exists(name)
        privileges: dict[str, str] = {}
        for item in body.get("privileges", []):
            if item.get("access") not in _METHODS:
                raise invalid("privileges.access", item.get("access"), "|".join(_METHODS))
            privileges[str(item["path"])] = item["access"]
        self._roles[owner, name] = privileges
        return next(record for record in self.records() if _key(record) == (owner, name))

    def delete(self, record: Record) -> None:
        """Remove a role that is not built in. Raises RestError."""
        if record["builtin"]:
            raise RestError(400, "3", f'The role "{record["name"]}" is built in.')
        del self._roles[_key(record)]


def owner_of(owners: Mapping[str, str], body: Mapping[str, Any], *, default: str) -> str:
    """Find the owner that a body names by UUID or name. Raises RestError."""
    given = body.get("owner") or {"uuid": default}
    for uuid, name in owners.items():
        if given.get("uuid", uuid) == uuid and given.get("name", name) == name:
            return uuid
    raise not_found(f"owner {quote(str(given))}")


def _key(record: Record) -> tuple[str, str]:
    return record["owner"]["uuid"], record["name"]
