"""A reconciler in a process of its own, with the real lock: it can be killed, and two can run at once.

    python -m tests.python.fpolicy.reconcile_process JSON

The one argument is `Told`. Every step is a line in `journal`; before the step named `stalls_before` the
process stands still, as one does that is about to be killed.
"""

from __future__ import annotations

import json
import signal
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import boto3
from fsxn_runtime.edge.metrics import Emf
from fsxn_runtime.errors import FsxnError
from fsxn_runtime.fpolicy import reconciler, store
from fsxn_runtime.fpolicy.clients import Tasks, VolumeMapObject
from fsxn_runtime.fpolicy.model import Change, Probe, Task
from fsxn_runtime.fpolicy.ontap_side import Ontap, OntapSide
from fsxn_runtime.fpolicy.reconciler import Reconciler
from fsxn_runtime.fpolicy.run import PATIENCE_SECONDS, WaitFor, name_of
from fsxn_runtime.fpolicy.store import Lock, Memory
from fsxn_runtime.ontap import OntapClient, OntapSecret

from tests.python.fpolicy.sim_world import RealClock

TABLE, BUCKET = "reconcile", "config"


@dataclass(frozen=True)
class Told:
    """What a process shall do, and where everything is."""

    owner: str
    hosts: list[str]
    journal: str
    secret: list[str]
    endpoint: str
    lease_us: int
    stalls_before: str = ""


class Journal:
    """What the process did, when, by a clock that all processes share."""

    def __init__(self, told: Told) -> None:
        self._owner = told.owner
        self._path = Path(told.journal)

    def write(self, what: str, step: str = "") -> None:
        line = json.dumps({"owner": self._owner, "what": what, "step": step, "at": time.monotonic()})
        with self._path.open("a") as file:
            file.write(line + "\n")


class WrittenSide(OntapSide):
    """A side whose steps are written down, one of which may never begin."""

    journal: Journal
    stalls_before: str

    def do(self, step: Change) -> None:
        if name_of(step).startswith(self.stalls_before or "\0"):
            self.journal.write("stalled", name_of(step))
            signal.pause()
        self.journal.write("begins", name_of(step))
        super().do(step)
        self.journal.write("did", name_of(step))


class WrittenOntap(Ontap):
    """ONTAP with such sides."""

    def __init__(self, client: OntapClient, journal: Journal, stalls_before: str) -> None:
        super().__init__(client)
        self._written = client, journal, stalls_before

    def side(self, svm_uuid: str, *, with_certificates: bool) -> OntapSide:
        client, journal, stalls_before = self._written
        side = WrittenSide(client, svm_uuid, with_certificates=with_certificates)
        side.journal, side.stalls_before = journal, stalls_before
        return side


class FixedTasks(Tasks):
    """Tasks that run and are ready, whatever ECS says."""

    def __init__(self, hosts: list[str]) -> None:
        self._hosts = hosts

    def running(self) -> list[Task]:
        return [Task(host, Probe.READY) for host in self._hosts]


def main() -> None:
    told = Told(**json.loads(sys.argv[1]))
    store.LEASE_US = told.lease_us  # type: ignore[misc]
    reconciler.LOCK_SECONDS = told.lease_us / 1_000_000 + 5  # type: ignore[misc]
    PATIENCE_SECONDS[WaitFor.LINGER] = 0.2
    journal = Journal(told)

    def client(service: str) -> object:
        return boto3.client(service, endpoint_url=told.endpoint)

    with OntapClient(OntapSecret(*told.secret)) as ontap:
        made = Reconciler(
            WrittenOntap(ontap, journal, told.stalls_before),
            FixedTasks(told.hosts),
            VolumeMapObject(client("s3"), BUCKET, "map.json"),
            Memory(client("dynamodb"), TABLE),
            Lock(client("dynamodb"), TABLE, told.owner),
            Emf("Test"),
            RealClock(),
        )
        journal.write("asks")
        try:
            made.reconcile()
            journal.write("ended")
        except FsxnError as exc:
            journal.write("failed", exc.code)


def arguments(told: Told) -> list[str]:
    """The command of such a process, from the repository's root."""
    return [sys.executable, "-m", __name__, json.dumps(asdict(told))]


if __name__ == "__main__":
    main()
