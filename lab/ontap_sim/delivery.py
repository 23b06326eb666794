"""One node's way to the servers of one policy: who gets a notification, and what becomes of it otherwise.

What cannot be given to a connection goes into the persistent store, else it is dropped and counted. Sources:
FPolicy wire reference 1 (primary and secondary servers), 7.3 (loss); ONTAP REST reference 13.3, 13.5, 14.
"""

from __future__ import annotations

import ssl
import time
import zlib
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lab.ontap_sim import wire
from lab.ontap_sim.asking import ANSWERS, Status
from lab.ontap_sim.config import Switches
from lab.ontap_sim.connection import Connection
from lab.ontap_sim.dialect import Dialect
from lab.ontap_sim.ems import EmsLog
from lab.ontap_sim.ledger import Ledger
from lab.ontap_sim.model import Operation, Svm
from lab.ontap_sim.store import Key, PersistentStore

_PRIMARY_IS_BACK = "A primary FPolicy server is connected."
STORE_FULL = "fpolicy.persistentStore.full"  # a guess: what ONTAP calls it is not known (14)


@dataclass(slots=True)
class Delivery:
    """What all channels share. `counts` are by what happened, `by_policy` the same for (SVM name, policy)."""

    ledger: Ledger
    switches: Switches
    ems: EmsLog = field(default_factory=EmsLog)
    counts: Counter[str] = field(default_factory=Counter)
    dialects: Mapping[str, Dialect] = field(default_factory=lambda: {"xml": wire})  # by engine format
    by_policy: dict[tuple[str, str], Counter[str]] = field(default_factory=dict)

    def count(self, svm: str, policy: str, outcome: str) -> None:
        """Count what happened to one notification."""
        self.counts[outcome] += 1
        self.by_policy.setdefault((svm, policy), Counter())[outcome] += 1


class Channel:
    """One node and one enabled policy: a connection to every server of its engine."""

    def __init__(
        self,
        node: int,
        svm: Svm,
        policy: str,
        engine: Mapping[str, Any],
        store: PersistentStore | None,
        delivery: Delivery,
        tls: Callable[[], ssl.SSLContext] | None = None,
    ) -> None:
        self.key: Key = (node, policy)
        self.svm = svm
        self.engine = dict(engine)
        self.store = store
        self.delivery = delivery
        self.dialect = delivery.dialects[engine.get("format", "xml")]
        self.tls = tls
        self.primaries = [Connection(self, server) for server in engine["primary_servers"]]
        self.secondaries = [Connection(self, server) for server in engine["secondary_servers"]]
        self._turn = 0

    @property
    def is_synchronous(self) -> bool:
        """Say whether clients wait for this policy's servers."""
        return bool(self.engine.get("type") == "synchronous")

    @property
    def connections(self) -> list[Connection]:
        """List the connections to all servers, the primary ones first."""
        return self.primaries + self.secondaries

    def open(self) -> None:
        """Dial the primary servers."""
        for connection in self.primaries:
            connection.dial()

    def close(self, reason: str) -> None:
        """End every connection in order; what was not written is kept or dropped."""
        for connection in self.connections:
            connection.stop(reason)

    def crash(self) -> None:
        """Break every connection, as a node that dies; what was only in its memory is gone."""
        for connection in self.connections:
            connection.crash()

    def changed(self) -> None:
        """Use the secondary servers only while no primary is connected (13.1)."""
        if any(connection.is_ready for connection in self.primaries):
            for connection in self.secondaries:
                if connection.wanted:
                    connection.stop(_PRIMARY_IS_BACK)
        elif all(connection.has_failed for connection in self.primaries):
            for connection in self.secondaries:
                if not connection.wanted and not connection.is_down_by_hand:
                    connection.dial()

    def offer(self, operation: Operation) -> None:
        """Send one notification, or keep it, or drop it."""
        mode = self.delivery.switches.on_back_pressure
        ready = [connection for connection in self.primaries if connection.is_ready]
        ready = ready or [connection for connection in self.secondaries if connection.is_ready]
        free = [connection for connection in ready if not connection.throttled or mode == "ignore"]
        if not free and mode == "hold":
            free = ready  # waits in the connection's outbox until the pressure is taken away
        if not free and ready and mode == "drop":
            self.drop(operation, "back_pressure")
        elif not free or not self._one_of(free, operation).enqueue(operation):
            self.keep(operation)

    async def ask(self, operation: Operation, *, mandatory: bool) -> Status:
        """Ask one server after the other until one answers; without an answer the policy decides (7.1)."""
        tried: list[Connection] = []
        while True:
            ready = [item for item in self.primaries if item.is_ready and not item.throttled]
            ready = ready or [item for item in self.secondaries if item.is_ready and not item.throttled]
            free = [connection for connection in ready if connection not in tried]
            if not free:
                return Status.NO_SERVER if mandatory else Status.UNASKED
            connection = self._one_of(free, operation)
            tried.append(connection)
            answer = await connection.ask(operation)
            if answer is not None:
                return ANSWERS.get(answer, Status.DENIED)

    def _one_of(self, free: list[Connection], operation: Operation) -> Connection:
        match self.delivery.switches.primary_sharing:
            case "first":
                return free[0]
            case "file_hash":
                name = operation.path.encode("utf-8", "surrogateescape")
                return free[zlib.crc32(name) % len(free)]
        self._turn += 1
        return free[self._turn % len(free)]

    def keep(self, operation: Operation) -> None:
        """Put a notification into the store, or drop it."""
        if self.store is None:
            self.drop(operation, "no_store")
        elif self.store.put(self.key, operation):
            self.delivery.count(self.svm.name, self.key[1], "stored")
            self.delivery.ledger.append([self.row(operation, "stored")])
        else:
            if self.store.dropped == 1:
                text = f'Persistent store "{self.store.name}" of Vserver "{self.svm.name}" is full.'
                self.tell(STORE_FULL, "error", text, volume=self.store.volume)
            self.drop(operation, "store_full")

    def drop(self, operation: Operation, reason: str) -> None:
        """Give a notification up."""
        self.delivery.count(self.svm.name, self.key[1], "dropped")
        self.delivery.ledger.append([{**self.row(operation, "dropped"), "reason": reason}])

    def row(
        self, operation: Operation, outcome: str, session: str = "", request: int = 0, replayed: bool = False
    ) -> dict[str, object]:
        """Build a ledger row; `seq` is that of the operation."""
        return {
            "kind": "notification",
            "seq": operation.seq,
            "node": self.key[0],
            "policy": self.key[1],
            "session_id": session,
            "request_id": request,
            "replayed": replayed,
            "outcome": outcome,
            "at_us": time.time_ns() // 1000,
        }

    def request_row(self, connection: Connection, request_id: int, outcome: str, detail: object) -> None:
        """Write down what became of one request of a synchronous policy."""
        row = {
            "kind": "request",
            "node": self.key[0],
            "policy": self.key[1],
            "server": connection.server,
            "session_id": connection.session_id,
            "request_id": request_id,
            "outcome": outcome,
            "detail": detail,
            "at_us": time.time_ns() // 1000,
        }
        self.delivery.ledger.append([row])

    def connection_row(self, connection: Connection, state: str, reason: str = "") -> None:
        """Write down that a connection was made or ended, and what the store held at that moment."""
        row: dict[str, object] = {
            "kind": "connection",
            "state": state,
            "svm_uuid": self.svm.uuid,
            "node": self.key[0],
            "policy": self.key[1],
            "server": connection.server,
            "type": "primary" if connection in self.primaries else "secondary",
            "session_id": connection.session_id,
            "reason": reason,
            "at_us": time.time_ns() // 1000,
        }
        stores = [] if self.store is None else [store_row(self.svm, self.store)]
        self.delivery.ledger.append([row, *stores])

    def tell(self, name: str, severity: str, text: str, **parameters: str) -> None:
        """Emit an EMS message of this node about this policy."""
        named = {"policy": self.key[1], "vserver": self.svm.name}
        self.delivery.ems.emit(self.key[0], name, severity, text, **parameters, **named)
        row = {"kind": "ems", "node": self.key[0], "name": name, "severity": severity, "text": text}
        self.delivery.ledger.append([{**row, **named, "at_us": time.time_ns() // 1000}])


def store_row(svm: Svm, store: PersistentStore) -> dict[str, object]:
    """Build the ledger row that says how full a store is."""
    return {
        "kind": "store",
        "svm_uuid": svm.uuid,
        "volume": store.volume,
        "records": len(store),
        "used_bytes": store.used_bytes,
        "size_bytes": store.size_bytes,
        "at_us": time.time_ns() // 1000,
    }
