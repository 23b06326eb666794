"""What ONTAP says, for a diagnosis: bounded reads with a deadline each, and for what fails the reason.

Source: ONTAP REST reference 8 (cluster), 10 (SVMs), 11 (volumes), 13 (FPolicy), 14 (messages), 15 (clients),
1.1 (certificates).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, Final

from fsxn_runtime.diagnose.collecting import Collector
from fsxn_runtime.errors import FsxnError
from fsxn_runtime.fpolicy import Ontap
from fsxn_runtime.ontap import OntapClient, path

_CALL_SECONDS: Final = 10.0
_MOST: Final = 500  # volumes, clients, connections: enough to see what is wrong, small enough for one answer
_MESSAGES: Final = 200
_MESSAGE_HOURS: Final = 24
# After one of these no further question is answered otherwise, and one more login may lock the account.
_FINAL_CODES: Final = frozenset(
    {"ontap_misconfigured", "ontap_pin_mismatch", "ontap_unauthorized", "ontap_unreachable"}
)


def look(parts: Mapping[str, Collector], left: Callable[[], float]) -> dict[str, Any]:
    """Ask one part after the other, as ONTAP's client does one thing at a time; give parts and errors.

    `left`: seconds that there are. What there is no time for is an error, too.
    """
    found: dict[str, Any] = {}
    errors: dict[str, dict[str, str]] = {}
    last: dict[str, str] | None = None
    for name, collector in parts.items():
        if left() < _CALL_SECONDS:
            last = last or {"code": "deadline", "message": "no time was left to ask"}
        if last is None:
            try:
                found[name] = collector()
            except FsxnError as exc:
                errors[name] = {"code": exc.code, "message": str(exc)}
                last = errors[name] if exc.code in _FINAL_CODES else None
        else:
            errors[name] = last
    return {"parts": found, "errors": errors}


class OntapSide:
    """One file system."""

    def __init__(self, client: OntapClient, now: datetime) -> None:
        self._client = client
        self._since = now - timedelta(hours=_MESSAGE_HOURS)

    def parts(self) -> dict[str, Collector]:
        """Give what can be asked, the most telling first. Each raises FsxnError."""
        return {
            "cluster": self.cluster,
            "svms": self.svms,
            "policies": self.policies,
            "engines": self.engines,
            "stores": self.stores,
            "connections": self.connections,
            "messages": self.messages,
            "volumes": self.volumes,
            "nfs_clients": self.nfs_clients,
            "certificates": self.certificates,
        }

    def cluster(self) -> dict[str, Any]:
        """Read version and clock."""
        fields = ("name", "version.full", "version.generation", "version.major", "version.minor")
        read = self._client.get(path("cluster"), fields=fields, deadline_seconds=_CALL_SECONDS)
        version = read.get("version", {})
        numbers = (version.get(part) for part in ("generation", "major", "minor"))
        ahead = self._client.clock_ahead_seconds(deadline_seconds=_CALL_SECONDS)
        return {
            "name": read.get("name", ""),
            "version": ".".join(str(number) for number in numbers),
            "release": version.get("full", ""),
            "clock_skew_seconds": None if ahead is None else round(ahead, 1),
        }

    def svms(self) -> list[dict[str, Any]]:
        """Read SVMs and the services of their interfaces."""
        fields = ("state", "ip_interfaces.name", "ip_interfaces.ip.address", "ip_interfaces.services")
        return [
            {
                "name": each["name"],
                "uuid": each["uuid"],
                "state": each.get("state", ""),
                "interfaces": [
                    {
                        "name": one.get("name", ""),
                        "address": one.get("ip", {}).get("address", ""),
                        "services": one.get("services", []),
                    }
                    for one in each.get("ip_interfaces", [])
                ],
            }
            for each in self._records(("svm", "svms"), ("name", "uuid", *fields))
        ]

    def policies(self) -> list[dict[str, Any]]:
        """Read every policy of every SVM, ours and others'."""
        fields = ("enabled", "priority", "mandatory", "engine.name", "persistent_store", "scope")
        return self._of_every_svm("policies", fields)

    def engines(self) -> list[dict[str, Any]]:
        """Read every engine."""
        fields = ("primary_servers", "secondary_servers", "port", "type", "ssl_option")
        return self._of_every_svm("engines", fields)

    def stores(self) -> list[dict[str, Any]]:
        """Read every Persistent Store."""
        return self._of_every_svm("persistent-stores", ("volume",))

    def connections(self) -> list[dict[str, Any]]:
        """Read every connection between a node and a server."""
        fields = ("node.name", "policy.name", "server", "type", "state", "disconnected_reason", "update_time")
        return self._of_every_svm("connections", fields)

    def messages(self) -> list[dict[str, str]]:
        """Read what ONTAP said of FPolicy and full volumes within a day, the last of it."""
        found = Ontap(self._client).ems(self._since.astimezone(UTC).isoformat(timespec="seconds"))
        return [{"name": each.name, "time": each.time, "text": each.text} for each in found[-_MESSAGES:]]

    def volumes(self) -> list[dict[str, Any]]:
        """Read volumes: where they are mounted, and how full."""
        fields = ("name", "svm.name", "state", "nas.path", "space.percent_used", "space.size")
        return [
            {
                "svm": each.get("svm", {}).get("name", ""),
                "name": each["name"],
                "state": each.get("state", ""),
                "junction_path": each.get("nas", {}).get("path", ""),
                "used_pct": each.get("space", {}).get("percent_used"),
                "size_bytes": each.get("space", {}).get("size"),
            }
            for each in self._records(("storage", "volumes"), fields)
        ]

    def nfs_clients(self) -> dict[str, Any]:
        """Count the NFS clients that were there lately by protocol, and name those that speak NFS 4.2."""
        fields = ("svm.name", "client_ip", "volume.name", "protocol", "idle_duration")
        clients = [
            {
                "svm": each.get("svm", {}).get("name", ""),
                "client_ip": each.get("client_ip", ""),
                "volume": each.get("volume", {}).get("name", ""),
                "protocol": each.get("protocol", ""),
                "idle": each.get("idle_duration", ""),
            }
            for each in self._records(("protocols", "nfs", "connected-clients"), fields)
        ]
        return {
            "by_protocol": dict(Counter(each["protocol"] for each in clients)),
            "clients": [each for each in clients if each["protocol"] == "nfs4.2"],
        }

    def certificates(self) -> list[dict[str, Any]]:
        """Read the server certificates: names and ends, to know what the system presents."""
        fields = ("common_name", "type", "expiry_time", "svm.name")
        found = self._records(("security", "certificates"), fields, {"type": "server"})
        return [
            {
                "common_name": each.get("common_name", ""),
                "expires": each.get("expiry_time", ""),
                "svm": each.get("svm", {}).get("name", ""),
            }
            for each in found
        ]

    def _of_every_svm(self, kind: str, fields: Iterable[str]) -> list[dict[str, Any]]:
        asked = ("svm.name", *fields) if kind == "connections" else ("name", *fields)
        return [
            {"svm_name": svm["name"], **{key: value for key, value in record.items() if key != "svm"}}
            for svm in self._records(("svm", "svms"), ("name", "uuid"))
            for record in self._records(("protocols", "fpolicy", svm["uuid"], kind), asked)
        ]

    def _records(
        self, parts: tuple[str, ...], fields: Iterable[str], query: Mapping[str, str] | None = None
    ) -> list[dict[str, Any]]:
        found = self._client.records(path(*parts), fields=fields, query=query, deadline_seconds=_CALL_SECONDS)
        return list(islice(found, _MOST))
