"""The management side of the simulator: accounts, jobs, faults, the request log, and REST over all of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lab.ontap_sim import rest_cluster, rest_fpolicy, rest_security, rest_storage
from lab.ontap_sim.accounts import Accounts
from lab.ontap_sim.certificate import Presented, fingerprint
from lab.ontap_sim.certificates import Certificates
from lab.ontap_sim.clock import Clock
from lab.ontap_sim.cluster import Cluster
from lab.ontap_sim.config import AccountSettings, Config, sessions
from lab.ontap_sim.ems import EmsLog
from lab.ontap_sim.faults import Faults
from lab.ontap_sim.http import Connections
from lab.ontap_sim.jobs import Jobs
from lab.ontap_sim.model import SimError
from lab.ontap_sim.request_log import RequestLog
from lab.ontap_sim.rest import Rest
from lab.ontap_sim.storage import Storage
from lab.ontap_sim.volume import VolumeContent


class Management:
    """What the management endpoints stand for. Used on the event loop."""

    def __init__(
        self,
        config: Config,
        cluster: Cluster,
        volumes: Sequence[VolumeContent],
        clock: Clock,
        ems: EmsLog,
        ssd_bytes: Callable[[], int],
    ) -> None:
        switches = config.switches
        self._clock = clock
        self._ems = ems
        self._sessions = config.sessions
        self.connections: Connections = set()  # open ones, of all management endpoints
        self._nodes = {node.number for node in cluster.nodes}
        svms = {svm.uuid: svm.name for svm in config.svms}
        self.accounts = Accounts((cluster.uuid, cluster.name), svms, switches, clock.seconds)
        for settings in (AccountSettings(config.username, config.password), *config.accounts):
            self.accounts.add(settings)
        self.jobs = Jobs(
            clock,
            queued_seconds=switches.job_queued_seconds,
            running_seconds=switches.job_running_seconds,
            kept_seconds=switches.job_kept_seconds,
        )
        self.presented = Presented(config.directory, cluster.name)
        self.certificates = Certificates((cluster.uuid, cluster.name), svms)
        self.certificates.set_presented(self.presented.path.read_text())
        self.storage = Storage(cluster, volumes)
        self.faults = Faults()
        self.requests = RequestLog()
        collections = [
            *rest_cluster.collections(cluster, config.volumes, self.jobs, ems, lambda: self._sessions),
            *rest_fpolicy.collections(cluster, self.storage.adopt_stores),
            *rest_security.collections(self.accounts),
            rest_security.certificate_collection(self.certificates, cluster, switches.fpolicy_ca_type),
            *rest_storage.collections(cluster, self.storage, ssd_bytes),
        ]
        self.rest = Rest(collections, self.accounts, self.jobs, self.faults, self.requests, clock)

    def control(
        self, method: str, action: tuple[str, ...], query: Mapping[str, str], body: Any
    ) -> Mapping[str, Any]:
        """Do what the control interface asks. Raises SimError.

        POST /faults adds a rule (faults.Fault), GET shows them, DELETE forgets them and sets the clock right.
        GET /requests?since=N gives the REST requests after the N-th. POST /clock sets the storage system's
        clock `offset_seconds` off the machine's. POST /ems lets a node say something. POST /sessions replaces
        the clients' sessions. POST /certificate presents another certificate (`_exchange`).
        """
        match method, *action:
            case ["GET", "faults"]:
                return {"faults": self.faults.records()}
            case ["POST", "faults"]:
                self.faults.add(body)
                return {}
            case ["DELETE", "faults"]:
                self.faults.clear()
                self._clock.offset_seconds = 0.0
                return {}
            case ["GET", "requests"]:
                return self.requests.since(int(query.get("since", "0")))
            case ["POST", "clock"]:
                self._clock.offset_seconds = float(body["offset_seconds"])
                return {}
            case ["POST", "ems"]:
                return self._emit(**body)
            case ["POST", "sessions"]:
                self._sessions = sessions(body)
                return {}
            case ["POST", "certificate"]:
                return self._exchange(**body)
        raise SimError(f"there is no {method} /{'/'.join(action)}")

    def _emit(
        self,
        name: str,
        severity: str,
        text: str = "",
        node: int = 1,
        parameters: Mapping[str, str] | None = None,
    ) -> Mapping[str, Any]:
        if node not in self._nodes:
            raise SimError(f"node is {node}; there are {sorted(self._nodes)}")
        self._ems.emit(node, name, severity, text, **(parameters or {}))
        return {}

    def _exchange(
        self, lifetime_days: float = 7.0, *, installed: bool = True, restore: bool = False
    ) -> Mapping[str, Any]:
        """Present a new certificate, or with `restore` the first one, and break what is connected.

        With `installed` the list of certificates shows it too; without, somebody else seems to answer.
        """
        path = self.presented.first if restore else self.presented.make(lifetime_days)
        self.presented.present(path)
        pem = path.read_text()
        if installed or restore:
            self.certificates.set_presented(pem)
        for writer in list(self.connections):
            writer.transport.abort()
        return {"certificate": str(path), "sha256": fingerprint(pem)}

    def close(self) -> None:
        """Stop the jobs."""
        self.jobs.close()
