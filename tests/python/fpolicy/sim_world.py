"""A simulated ONTAP with servers behind it, driven through the product's own adapter."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from fsxn_runtime.fpolicy.model import Change, Engine, Observed, Probe, Task, Wanted
from fsxn_runtime.fpolicy.ontap_side import Ontap, OntapSide
from fsxn_runtime.fpolicy.run import Report, Run, Side
from fsxn_runtime.ontap import OntapClient, OntapSecret

from lab.ontap_sim.process import SimProcess
from tests.lab.ontap_sim.fake_server import FakeServer
from tests.python.fpolicy.worlds import WANTED
from tests.support.waiting import wait_until

HOSTS = ("127.0.0.21", "127.0.0.22", "127.0.0.23")


class RealClock:
    """The machine's clock, with time enough."""

    def __init__(self, left: float = 300.0) -> None:
        self._end = time.monotonic() + left

    def now(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(min(seconds, 0.05))  # nobody needs to be spared here

    def left(self) -> float:
        return self._end - time.monotonic()


class KilledError(BaseException):
    """The process died: nothing of ours runs any more, so it is no Exception."""


class Interposed:
    """A side with something between the calls."""

    def __init__(self, side: Side, between: Callable[[str], None]) -> None:
        self._side = side
        self._between = between

    def look(self) -> Observed:
        self._between("look")
        return self._side.look()

    def look_at_links(self, observed: Observed) -> Observed:
        self._between("look")
        return self._side.look_at_links(observed)

    def do(self, step: Change) -> None:
        self._between("before")
        self._side.do(step)
        self._between("after")


class SimWorld:
    """One or more SVMs with a volume each, and servers on loopback addresses that share a port."""

    def __init__(self, directory: Path, svms: int = 1, **switches: object) -> None:
        self.names = [f"svm{number}" for number in range(1, svms + 1)]
        config = {
            "svms": [
                {"name": name, "volumes": [{"name": f"{name}_vol", "directory": str(directory / name)}]}
                for name in self.names
            ],
            "switches": {
                "path_root": "namespace",
                "retry_initial_seconds": 0.05,
                "retry_max_seconds": 0.2,
                **switches,
            },
        }
        self.process = SimProcess(config, directory / "sim")
        self.sim = self.process.client
        self.client = OntapClient(secret_of(self.process))
        self.ontap = Ontap(self.client)
        first = FakeServer(HOSTS[0])
        self.port = first.port
        self.servers = {first.host: first} | {host: FakeServer(host, self.port) for host in HOSTS[1:]}
        self.wanted = replace(WANTED, engine=Engine("p", frozenset(), self.port))
        self._created = 0

    def close(self) -> None:
        self.client.close()
        self.process.stop()
        for server in self.servers.values():
            server.close()

    def side(self, svm: str = "svm1", *, with_certificates: bool = False) -> OntapSide:
        return self.ontap.side(self.ontap.svm_uuid(svm), with_certificates=with_certificates)

    def tasks(self, *hosts: str) -> list[Task]:
        return [Task(host, Probe.READY) for host in hosts]

    def run(
        self, *hosts: str, wanted: Wanted | None = None, between: Callable[[str], None] | None = None
    ) -> Report:
        """One run of the reconciler, with what runs now."""
        wanted = wanted or self.wanted
        side: Side = self.side(wanted.svm, with_certificates=wanted.looks_at_certificates)
        if between is not None:
            side = Interposed(side, between)
        return Run(wanted, side, RealClock(), lambda: None).reconcile(lambda: self.tasks(*hosts))

    def create(self, _: str = "") -> None:
        """Let a client make a file."""
        self._created += 1
        path = f"/made-{self._created:04}"
        self.sim.operations([{"op": "create", "path": path, "protocol": "NFS 3.0"}])

    def ledger(self) -> list[dict[str, Any]]:
        """Everything that the simulator wrote down."""
        return [json.loads(line) for line in Path(self.process.ready["ledger"]).read_text().splitlines()]

    def operations(self) -> list[dict[str, Any]]:
        """What the ledger says was done."""
        return [row for row in self.ledger() if row["kind"] == "operation"]

    def arrived(self) -> set[str]:
        """Paths that any server was told of, guard's notifications included."""
        return {path for server in self.servers.values() for _, path in server.paths()}

    def lost(self) -> set[str]:
        """Paths that nobody was told of, once nothing is on its way."""
        self.sim.wait_idle(20, replayed=True)
        made = {row["path"] for row in self.operations()}
        deadline = time.monotonic() + 2
        while made - self.arrived() and time.monotonic() < deadline:
            time.sleep(0.05)
        return made - self.arrived()

    def policy(self, name: str = "p", svm: str = "svm1") -> dict[str, Any]:
        return self.sim.rest("GET", f"/protocols/fpolicy/{self.sim.svm_uuid(svm)}/policies/{name}")

    def engine(self, name: str = "p", svm: str = "svm1") -> dict[str, Any]:
        return self.sim.rest("GET", f"/protocols/fpolicy/{self.sim.svm_uuid(svm)}/engines/{name}")

    def wait_connected(self, *hosts: str) -> None:
        """Wait until both nodes are connected to all of these and to nothing else."""

        def connected() -> bool:
            links = [link for link in self.side().look().links if link.policy == "p"]
            return len(links) == 2 * len(hosts) and all(link.is_connected for link in links)

        wait_until(connected)


def secret_of(process: SimProcess) -> OntapSecret:
    ready = process.ready
    certificate = Path(ready["certificate"]).read_text()
    place = ready["rest"].removeprefix("https://")
    return OntapSecret(ready["username"], ready["password"], place, certificate)


@contextmanager
def sim_world(directory: Path, svms: int = 1, **switches: object) -> Iterator[SimWorld]:
    world = SimWorld(directory, svms, **switches)
    try:
        yield world
    finally:
        world.close()
