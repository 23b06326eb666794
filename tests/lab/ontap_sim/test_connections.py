"""Connections of nodes to servers: several policies and SVMs, secondary servers, restarts, messages, TLS."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest

from lab.ontap_sim.certificate import Presented
from lab.ontap_sim.cluster import Cluster
from lab.ontap_sim.config import Switches
from lab.ontap_sim.delivery import STORE_FULL, Delivery
from lab.ontap_sim.ledger import Ledger
from lab.ontap_sim.model import Svm
from lab.ontap_sim.rest_errors import RestError
from tests.lab.ontap_sim.conftest import World
from tests.lab.ontap_sim.fake_server import FakeServer, unix_path
from tests.support.waiting import wait_until

Start = Callable[..., World]


def names(server: FakeServer) -> list[str]:
    return [unix_path(payload) for payload in server.notifications]


def states(world: World) -> set[tuple[str, str]]:
    return {(row["type"], row["state"]) for row in world.client.connections("svm1")}


def test_secondary_servers_are_used_only_while_no_primary_is_connected(
    start: Start, server: FakeServer, other: FakeServer
) -> None:
    world = start()
    world.connect(server, engine_settings={"secondary_servers": [other.host]})
    assert states(world) == {("primary", "connected"), ("secondary", "disconnected")}
    assert other.peers == []
    server.stop()
    wait_until(lambda: states(world) == {("primary", "disconnected"), ("secondary", "connected")})
    world.create("/a")
    wait_until(lambda: names(other) == ["/a"])
    server.start()
    wait_until(lambda: states(world) == {("primary", "connected"), ("secondary", "disconnected")})
    wait_until(lambda: all(peer.ended for peer in other.peers))
    world.create("/b")
    wait_until(lambda: names(server) == ["/b"])


def test_a_guard_policy_hears_the_same_and_has_no_part_in_the_store(
    start: Start, server: FakeServer, other: FakeServer
) -> None:
    """Two policies of one scope on two engines; the first one's server goes away: its events are stored."""
    world = start()
    world.connect(server)
    guard = {"store": None, "policy": "guard", "engine": "guard_eng", "priority": 2}
    world.client.configure_fpolicy("svm1", [other.host], other.port, **guard)
    world.client.wait_connected("svm1")
    assert len(server.peers) == len(other.peers) == 2
    world.create("/a")
    wait_until(lambda: names(server) == names(other) == ["/a"])
    server.stop()
    wait_until(lambda: ("primary", "disconnected") in states(world))
    world.create("/b", "/c")
    wait_until(lambda: sorted(names(other)) == ["/a", "/b", "/c"])
    counts = {entry["policy"]: entry for entry in world.client.status()["policies"]}
    assert counts["guard"] == {"svm": "svm1", "policy": "guard", "sent": 3, "stored": 0, "dropped": 0}
    order = [row["policy"] for row in world.rows("notification", seq=1)]
    assert sorted(order) == ["fsxn_s3ap", "guard"]
    other.stop()
    wait_until(lambda: ("primary", "connected") not in states(world))
    world.create("/d")
    assert [row["reason"] for row in world.rows("notification", policy="guard", outcome="dropped")] == [
        "no_store"
    ]
    server.start()
    wait_until(lambda: sorted(names(server)) == ["/a", "/b", "/c", "/d"])


def test_svms_have_connections_of_their_own(start: Start, server: FakeServer, other: FakeServer) -> None:
    world = start(svm_count=2)
    world.connect(server)
    world.client.configure_fpolicy("svm2", [other.host], other.port)
    world.client.wait_connected("svm2")
    world.client.operations([{"op": "create", "path": "/b", "volume": "vol2"}])
    world.create("/a")
    wait_until(lambda: (names(server), names(other)) == (["/a"], ["/b"]))
    records = world.client.rest("GET", "/protocols/fpolicy/*/connections?fields=svm.name")["records"]
    assert sorted(record["svm"]["name"] for record in records) == ["svm1", "svm1", "svm2", "svm2"]
    world.client.set_svm_running("svm2", running=False)
    wait_until(lambda: all(peer.ended for peer in other.peers))
    assert not any(peer.ended for peer in server.peers)


def test_a_stopped_svm_takes_no_operations(start: Start, server: FakeServer) -> None:
    world = start()
    world.connect(server)
    world.client.set_svm_running("svm1", running=False)
    with pytest.raises(Exception, match="SVM svm1 is stopped"):
        world.create("/a")
    assert {row["disconnected_reason"]["code"] for row in world.client.connections("svm1")} == {9305}
    (world.volume / "foreign").touch()
    wait_until(lambda: world.rows("operation", path="/vol1/foreign", monitored=False))
    (svm,) = world.client.rest("GET", "/svm/svms?fields=state")["records"]
    assert svm["state"] == "stopped"
    world.client.set_svm_running("svm1", running=True)
    world.client.wait_connected("svm1")
    world.create("/a")
    wait_until(lambda: names(server) == ["/a"])


def test_a_crash_breaks_connections_and_loses_what_the_node_had_not_written(
    start: Start, server: FakeServer
) -> None:
    """Back pressure holds a notification in each node's memory; node 1 crashes, node 2 does not."""
    world = start(node_spread="alternate", restart_seconds=0.2)
    world.connect(server)
    for peer in server.peers:
        peer.back_pressure(apply=True)
    wait_until(lambda: world.client.status()["received"].get("BACK_PRESSURE_APPLY") == 2)
    world.create("/a", "/b")
    world.client.restart_node(1, crash=True)
    wait_until(lambda: sum(peer.broken for peer in server.peers) == 1)
    (lost,) = world.rows("notification", outcome="dropped")
    assert (lost["node"], lost["reason"]) == (1, "node_crash")
    assert world.client.status()["waiting"] == 1
    world.client.wait_connected("svm1")
    assert world.rows("connection", node=1, state="connected")


def test_both_nodes_restart_at_once_and_the_store_keeps_what_happens_meanwhile(
    start: Start, server: FakeServer
) -> None:
    world = start(restart_seconds=0.3)
    world.connect(server)
    world.client.restart_node(1)
    world.client.restart_node(2)
    wait_until(lambda: all(peer.ended for peer in server.peers))
    world.create(*(f"/f{n}" for n in range(10)))
    assert world.client.status()["stored_backlog"] == 10
    world.client.wait_connected("svm1")
    wait_until(lambda: len(names(server)) == 10)


def test_the_log_tells_of_connections(start: Start, server: FakeServer) -> None:
    world = start()
    world.client.configure_fpolicy("svm1", [server.host], server.port)
    world.client.wait_connected("svm1")
    connected = world.ems("fpolicy.server.connect")
    assert [row["severity"] for row in connected] == ["notice", "notice"]
    for apply, name in ((True, "bkPressApply"), (False, "bkPressRemove")):
        for peer in server.peers:
            peer.back_pressure(apply=apply)
        wait_until(lambda name=name: len(world.ems(f"fpolicy.server.{name}")) == 2)
    server.stop()
    wait_until(lambda: len(world.ems("fpolicy.server.connectError")) == 2)
    assert len(world.ems("fpolicy.server.disconnect")) == 2
    server.start()
    world.client.wait_connected("svm1")
    world.client.disable_fpolicy("svm1")
    removed = world.ems("fpolicy.server.disconnect")[2:]
    assert len(removed) == 2
    assert all('reason: "FPolicy server is removed from external engine."' in row["text"] for row in removed)
    assert [row["state"] for row in world.rows("connection", node=1)] == [
        "connected",
        "disconnected",
        "connected",
        "disconnected",
    ]


def test_a_server_that_does_not_read_is_told_of_once_for_each_connection(start: Start) -> None:
    server = FakeServer(receive_buffer_bytes=8192)
    world = start(node_spread="alternate")
    small = {"buffer_size": {"send_buffer": 65536, "recv_buffer": 65536}}
    world.connect(server, engine_settings=small)
    server.reading.clear()
    world.create(*(f"/f{n}" for n in range(1500)))
    wait_until(lambda: len(world.ems("fpolicy.eagain.on.write")) == 2)
    server.reading.set()
    world.client.wait_idle()
    assert len(world.ems("fpolicy.eagain.on.write")) == 2
    server.close()


def test_a_full_store_says_so_and_a_store_that_grows_holds_more(start: Start) -> None:
    world = start()
    world.client.configure_fpolicy("svm1", ["127.0.0.9"], 9, store_bytes=10 * 600)
    world.create(*(f"/f{n}" for n in range(13)))
    status = world.client.status()
    assert (status["stored"], status["dropped"]) == (10, 3)
    assert len(world.ems(STORE_FULL)) == 1
    reasons = {row["reason"] for row in world.rows("notification", outcome="dropped")}
    assert reasons == {"store_full"}
    (volume,) = world.client.rest("GET", "/storage/volumes?name=fsxn_s3ap_store&fields=space.percent_used")[
        "records"
    ]
    assert volume["space"]["percent_used"] == 100
    world.client.mark("end")
    assert [row["used_bytes"] for row in world.rows("store")] == [6000]


def test_a_store_set_to_grow_holds_a_fifth_more(start: Start) -> None:
    world = start()
    base = f"/protocols/fpolicy/{world.client.svm_uuid('svm1')}/persistent-stores"
    body = {"name": "fsxn_s3ap_store", "volume": "ps", "size": 6000, "autosize_mode": "grow"}
    world.client.rest("POST", base, body)
    world.client.configure_fpolicy("svm1", ["127.0.0.9"], 9, store="fsxn_s3ap_store")
    world.create(*(f"/f{n}" for n in range(13)))
    assert world.client.status()["stored"] == 12


# TLS ---------------------------------------------------------------------------------------------------


def test_with_server_auth_a_server_is_trusted_by_the_svms_certificates_only(tmp_path: Path) -> None:
    """Refused without a certificate; then a server with the right one is connected, another is not."""
    asyncio.run(_with_server_auth(tmp_path))


async def _with_server_auth(tmp_path: Path) -> None:
    right, wrong = (Presented(tmp_path / name, name) for name in ("right", "wrong"))
    svm = Svm("svm1", "uuid", "FS1")
    ledger = Ledger(tmp_path / "ledger")
    switches = Switches(retry_initial_seconds=0.05, retry_max_seconds=0.1)
    cluster = Cluster("c", 1, (svm,), Delivery(ledger, switches))
    config = cluster.configs[svm.uuid]
    for host, context, expected in (("127.0.0.1", right.context, True), ("127.0.0.2", wrong.context, False)):
        greeted = asyncio.Event()
        server = await _greeting(host, context, greeted)
        port = server.sockets[0].getsockname()[1]
        engine = {"name": "eng", "primary_servers": [host], "port": port, "type": "asynchronous"}
        if not config.ca_certificates:
            with pytest.raises(RestError, match="CA certificate"):
                config.create_engine(engine | {"ssl_option": "server_auth"})
            config.ca_certificates.append(right.path.read_text())
        config.create_engine(engine | {"ssl_option": "server_auth"})
        policy = {"engine": {"name": "eng"}, "events": [], "scope": {}, "priority": 1}
        config.create_policy({"name": "pol", **policy})
        cluster.apply(svm.uuid)
        if expected:
            await asyncio.wait_for(greeted.wait(), 5)
        else:
            channel = cluster.nodes[0].channels[svm.uuid, "pol"]
            async with asyncio.timeout(5):
                while not channel.primaries[0].reason:
                    await asyncio.sleep(0.01)
            assert not greeted.is_set()
        config.change_policy("pol", {"enabled": False})
        cluster.apply(svm.uuid)
        config.delete_all()
        server.close()
        await server.wait_closed()
    cluster.close()
    await asyncio.sleep(0)  # lets the closed connections say so
    ledger.close()


async def _greeting(host: str, tls: ssl.SSLContext, greeted: asyncio.Event) -> asyncio.Server:
    """Listen for the handshake request of a node."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if b"NEGO_REQ" in await reader.read(1000):
            greeted.set()
        writer.close()

    return await asyncio.start_server(connected, host, 0, ssl=tls)
