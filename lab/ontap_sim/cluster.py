"""The nodes and the FPolicy configuration of every SVM: who is told of an operation, and by which node."""

from __future__ import annotations

import asyncio
import ssl
import uuid
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from lab.ontap_sim.asking import PASSES, Status
from lab.ontap_sim.config import Switches, switched
from lab.ontap_sim.connection import Connection
from lab.ontap_sim.delivery import Channel, Delivery, store_row
from lab.ontap_sim.fpolicy import FpolicyConfig
from lab.ontap_sim.fpolicy_fields import Record
from lab.ontap_sim.model import Operation, SimError, Svm
from lab.ontap_sim.rest_errors import RestError, not_found
from lab.ontap_sim.screening import wanted
from lab.ontap_sim.store import PersistentStore
from lab.ontap_sim.tls import node_context

_AUTOSIZE_PERCENT = 120  # how far a volume grows by itself: a guess, ONTAP's default for volumes
_REMOVED = "FPolicy server is removed from external engine."  # what disabling a policy looks like


@dataclass(slots=True)
class Node:
    """One node of the cluster."""

    number: int
    name: str
    uuid: str
    absences: int = 0  # restarts that are not over
    channels: dict[tuple[str, str], Channel] = field(default_factory=dict)  # by SVM UUID and policy name

    @property
    def up(self) -> bool:
        """Say whether the node works."""
        return self.absences == 0


class Cluster:
    """Everything that FPolicy is on the storage side. All methods run on the event loop."""

    def __init__(self, name: str, node_count: int, svms: tuple[Svm, ...], delivery: Delivery) -> None:
        self.name = name
        self.uuid = str(uuid.uuid5(uuid.NAMESPACE_DNS, name))
        self.delivery = delivery
        self.svms = {svm.uuid: svm for svm in svms}
        self.configs = {
            svm.uuid: FpolicyConfig(
                cluster_objects=delivery.switches.cluster_objects, formats=delivery.dialects
            )
            for svm in svms
        }
        self.stores: dict[str, PersistentStore] = {}  # by SVM UUID
        self.nodes = [
            Node(number, f"{name}-{number:02}", str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{name}-{number:02}")))
            for number in range(1, node_count + 1)
        ]
        self._alternate = 0
        self._stopped: set[str] = set()  # UUIDs of SVMs
        self._restarts: set[asyncio.Task[None]] = set()

    # configuration -----------------------------------------------------------------------------------

    def apply(self, svm_uuid: str) -> None:
        """Bring stores and connections in line with the SVM's configuration, after every change of it."""
        self._apply_store(svm_uuid)
        enabled = {} if svm_uuid in self._stopped else dict(self.configs[svm_uuid].external_policies())
        for node in self.nodes:
            wanted = enabled if self._serves(node) else {}
            for key in [key for key in node.channels if key[0] == svm_uuid]:
                if key[1] not in wanted:
                    node.channels.pop(key).close(_REMOVED)
            for name, policy in wanted.items():
                if (svm_uuid, name) not in node.channels:
                    self._open(node, svm_uuid, name, policy)

    def _serves(self, node: Node) -> bool:
        return node.up and node.number not in self.delivery.switches.nodes_without_lif

    def _open(self, node: Node, svm_uuid: str, name: str, policy: Record) -> None:
        config = self.configs[svm_uuid]
        engine = config.engines[policy["engine"]["name"]]
        channel = Channel(
            node.number,
            self.svms[svm_uuid],
            name,
            engine,
            self.stores.get(svm_uuid) if policy.get("persistent_store") else None,
            self.delivery,
            None if engine["ssl_option"] == "no_auth" else partial(_context, config, engine),
        )
        node.channels[svm_uuid, name] = channel
        channel.open()

    def _apply_store(self, svm_uuid: str) -> None:
        record = next(iter(self.configs[svm_uuid].stores.values()), None)
        store = self.stores.get(svm_uuid)
        if record is None:
            self.stores.pop(svm_uuid, None)
            return
        if store is None or store.volume != record["volume"]:
            switches: Switches = self.delivery.switches
            store = self.stores[svm_uuid] = PersistentStore(
                record["name"],
                record["volume"],
                record["size"],
                switches.replay_order,
                switches.replay_window,
                switches.seed,
            )
            for channel in self._channels(svm_uuid):
                if channel.store is not None:
                    channel.store = store
        if store.configured_bytes != record["size"]:
            store.configured_bytes = store.size_bytes = record["size"]
        grows = record["autosize_mode"] != "off"
        default = record["size"] * _AUTOSIZE_PERCENT // 100
        store.limit_bytes = (store.maximum_bytes or default) if grows else 0

    def _channels(self, svm_uuid: str) -> list[Channel]:
        return [item for node in self.nodes for key, item in node.channels.items() if key[0] == svm_uuid]

    def config_of(self, svm_name: str) -> FpolicyConfig:
        """Find an SVM's configuration by the SVM's name. Raises SimError."""
        return self.configs[self._svm(svm_name).uuid]

    def switch(self, changes: Mapping[str, Any]) -> None:
        """Change some of the LIVE_SWITCHES, from the next notification on. Raises SimError."""
        switches = self.delivery.switches = switched(self.delivery.switches, changes)
        for store in self.stores.values():
            store.order, store.window = switches.replay_order, switches.replay_window

    # operations --------------------------------------------------------------------------------------

    def policies_for(self, operation: Operation) -> tuple[str, ...]:
        """Name the enabled policies that want this operation."""
        return self._wanting(operation, enabled=True)

    def is_missed(self, operation: Operation) -> bool:
        """Say whether a disabled policy would want this operation, and no enabled one does."""
        return not self._wanting(operation, enabled=True) and bool(self._wanting(operation, enabled=False))

    def _wanting(self, operation: Operation, *, enabled: bool) -> tuple[str, ...]:
        svm_uuid = operation.volume.svm.uuid
        if svm_uuid in self._stopped:
            return ()
        events = self.configs[svm_uuid].events
        return tuple(
            name
            for name, policy in self.configs[svm_uuid].external_policies(enabled=enabled)
            if wanted(operation, policy, (events[event["name"]] for event in policy["events"]))
        )

    def notify(self, operation: Operation, policies: tuple[str, ...]) -> None:
        """Let the operation's node tell the servers of these policies."""
        node = self._node_of(operation)
        svm_uuid = operation.volume.svm.uuid
        for name in policies:
            channel = node.channels.get((svm_uuid, name))
            if channel:
                channel.offer(operation)
            else:
                self._keep_without_channel(node, operation, name)

    def asks(self) -> bool:
        """Say whether any enabled policy is synchronous, so that clients may have to wait."""
        return any(channel.is_synchronous for node in self.nodes for channel in node.channels.values())

    async def ask(self, operation: Operation) -> tuple[Status, frozenset[str]]:
        """Ask the servers of every synchronous policy that wants this operation, until one refuses it.

        Gives how it ended and the policies that know of it now.
        """
        node, svm_uuid = self._node_of(operation), operation.volume.svm.uuid
        asked: set[str] = set()
        status = Status.ALLOWED
        for name in self.policies_for(operation):
            channel = node.channels.get((svm_uuid, name))
            if channel is not None and channel.is_synchronous:
                asked.add(name)
                mandatory = bool(self.configs[svm_uuid].policies[name]["mandatory"])
                status = await channel.ask(operation, mandatory=mandatory)
                if status not in PASSES:
                    break
        return status, frozenset(asked)

    def _keep_without_channel(self, node: Node, operation: Operation, name: str) -> None:
        """The policy was disabled, or every node went away, after the operation had been captured."""
        svm = operation.volume.svm
        policy = self.configs[svm.uuid].policies.get(name, {})
        store = self.stores.get(svm.uuid) if policy.get("persistent_store") else None
        engine: Record = {"primary_servers": [], "secondary_servers": []}
        Channel(node.number, svm, name, engine, store, self.delivery).keep(operation)

    def _node_of(self, operation: Operation) -> Node:
        nodes = [node for node in self.nodes if self._serves(node)] or self.nodes
        if self.delivery.switches.node_spread == "alternate":
            self._alternate += 1
            return nodes[self._alternate % len(nodes)]
        name = operation.path.encode("utf-8", "surrogateescape")
        return nodes[zlib.crc32(name) % len(nodes)]

    # nodes and connections ---------------------------------------------------------------------------

    def restart(self, number: int, *, crash: bool = False) -> None:
        """Take a node away for a while; its partner takes the operations over. Raises SimError.

        A planned restart ends the connections in order. A crash breaks them, and what the node had not yet
        written is lost; the persistent store is not. A second restart while it is away makes it stay longer.
        """
        node = next((node for node in self.nodes if node.number == number), None)
        if node is None:
            raise SimError(f"node is {number}; there are {len(self.nodes)}")
        if crash:
            for channel in node.channels.values():
                channel.crash()
            node.channels.clear()
        node.absences += 1
        self._apply_all()
        task = asyncio.get_running_loop().create_task(self._come_back(node))
        self._restarts.add(task)
        task.add_done_callback(self._restarts.discard)

    async def _come_back(self, node: Node) -> None:
        await asyncio.sleep(self.delivery.switches.restart_seconds)
        node.absences -= 1
        self._apply_all()

    def set_running(self, svm_name: str, *, running: bool) -> None:
        """Start or stop an SVM: a stopped one has no connections and takes no operations. Raises SimError."""
        uuid = self._svm(svm_name).uuid
        (self._stopped.discard if running else self._stopped.add)(uuid)
        self.apply(uuid)

    def is_running(self, svm_uuid: str) -> bool:
        """Say whether an SVM is running."""
        return svm_uuid not in self._stopped

    def _apply_all(self) -> None:
        for svm_uuid in self.svms:
            self.apply(svm_uuid)

    def _svm(self, name: str) -> Svm:
        for svm in self.svms.values():
            if svm.name == name:
                return svm
        raise SimError(f"svm is {name!r}; there are {[svm.name for svm in self.svms.values()]}")

    def connection_records(self, svm_uuid: str) -> Iterator[Record]:
        """List node x policy x server, as REST shows it."""
        svm = self.svms[svm_uuid]
        for node in self.nodes:
            for name, policy in self.configs[svm_uuid].external_policies():
                channel = node.channels.get((svm_uuid, name))
                engine = self.configs[svm_uuid].engines[policy["engine"]["name"]]
                by_server = {item.server: item for item in channel.connections} if channel else {}
                for server in engine["primary_servers"] + engine["secondary_servers"]:
                    yield {
                        "svm": {"uuid": svm.uuid, "name": svm.name},
                        "node": {"uuid": node.uuid, "name": node.name},
                        "policy": {"name": name},
                        "server": server,
                        "type": "primary" if server in engine["primary_servers"] else "secondary",
                    } | _state(by_server.get(server))

    def connection(self, svm_uuid: str, node_uuid: str, policy: str, server: str) -> Connection:
        """Find one connection. Raises RestError."""
        for node in self.nodes:
            channel = node.channels.get((svm_uuid, policy))
            if node.uuid != node_uuid or channel is None:
                continue
            for connection in channel.connections:
                if connection.server == server:
                    return connection
            raise RestError(400, "9764954", f"The server {server} is not one of the policy's engine.")
        raise not_found(f"connection of node {node_uuid} and policy {policy}")

    def status(self) -> Mapping[str, Any]:
        """Count what was sent, stored, replayed and dropped, and what still waits."""
        channels = [channel for node in self.nodes for channel in node.channels.values()]
        connections = [item for channel in channels for item in channel.connections]
        counts = self.delivery.counts
        return {
            "sent": counts["sent"],
            "replayed": counts["replayed"],
            "stored": counts["stored"],
            "dropped": counts["dropped"],
            "policies": [
                {
                    "svm": svm,
                    "policy": policy,
                    **{name: counts[name] for name in ("sent", "stored", "dropped")},
                }
                for (svm, policy), counts in self.delivery.by_policy.items()
            ],
            "stores": [store_row(self.svms[uuid], store) for uuid, store in self.stores.items()],
            "stored_backlog": sum(len(store) for store in self.stores.values()),
            "waiting": sum(connection.waiting for connection in connections),
            "received": {key[9:]: counts[key] for key in sorted(counts) if key.startswith("received_")},
            "connections": [record for svm_uuid in self.svms for record in self.connection_records(svm_uuid)],
        }

    def close(self) -> None:
        """End every connection."""
        for node in self.nodes:
            for channel in node.channels.values():
                channel.close("The node shuts down.")
            node.channels.clear()


def _state(connection: Connection | None) -> Record:
    if connection is None:
        reason = {"code": 9305, "message": "No local lif present to connect to FPolicy server."}
        return {"state": "disconnected", "disconnected_reason": reason}
    record: Record = {"state": "connected" if connection.is_ready else "disconnected"}
    record["update_time"] = _time(connection.updated_at)
    if connection.is_ready:
        record["session_uuid"] = connection.session_id
    elif connection.reason:
        record["disconnected_reason"] = connection.reason
    return record


def _context(config: FpolicyConfig, engine: Record) -> ssl.SSLContext:
    """Look at the SVM's certificates as they are when a node dials."""
    own = config.client_pair(engine) if engine["ssl_option"] == "mutual_auth" else None
    return node_context(config.ca_certificates, own or "")


def _time(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
