"""The switches for what is not known of ONTAP: each shows its behaviours on the wire."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.lab.ontap_sim.conftest import World
from tests.lab.ontap_sim.fake_server import FakeServer, text, unix_path
from tests.support.waiting import stays, wait_until

Start = Callable[..., World]

TAKES_ALL = {"store": None, "policy": "guard", "engine": "guard"}  # a second policy of the same scope


def names(server: FakeServer) -> list[str]:
    return [unix_path(payload) for payload in server.notifications]


@pytest.mark.parametrize("delivered", ["written", "acknowledged", "repeat"])
def test_what_counts_as_delivered_decides_what_a_break_loses(start: Start, delivered: str) -> None:
    """The server stops reading and then resets: most of 400 lie in the send buffers, a few in its own."""
    server = FakeServer(receive_buffer_bytes=8192)
    world = start(delivered=delivered)
    world.connect(server)
    server.reading.clear()
    world.create(*(f"/f{n}" for n in range(400)))
    wait_until(lambda: len(world.rows("notification", outcome="sent")) == 400)
    server.reset()
    wait_until(lambda: len([peer for peer in server.peers if peer.session_id]) == 4)
    status = world.client.wait_idle(replayed=True)
    wait_until(lambda: sum(len(peer.notifications) for peer in server.peers[2:]) == status["replayed"])
    seen = set(names(server))
    if delivered == "written":
        assert (status["stored"], len(seen) < 100) == (0, True)
    elif delivered == "acknowledged":  # lost is what the kernel of the server had taken
        assert 300 < status["stored"] < 400
        assert 350 < len(seen) < 400
    else:
        assert (status["stored"], len(seen)) == (400, 400)
    server.close()


@pytest.mark.parametrize(("delivered", "stored"), [("acknowledged", 0), ("repeat", 1)])
def test_what_went_out_over_a_connection_that_the_node_ended_is_never_sent_again(
    start: Start, server: FakeServer, delivered: str, stored: int
) -> None:
    """Four events; the connections are taken down and put up by hand; one more; then the server breaks."""
    world = start(delivered=delivered)
    world.connect(server)
    world.create("/a", "/b", "/c", "/d")
    wait_until(lambda: len(names(server)) == 4)
    for state in ("disconnected", "connected"):
        for record in world.client.connections("svm1"):
            keys = f"{record['node']['uuid']}/{record['policy']['name']}/{record['server']}"
            path = f"/protocols/fpolicy/{record['svm']['uuid']}/connections/{keys}"
            world.client.rest("PATCH", path, {"state": state})
    world.client.wait_connected("svm1")
    world.create("/e")
    wait_until(lambda: len(names(server)) == 5)
    server.stop()
    wait_until(lambda: len(world.rows("connection", state="disconnected")) == 4)
    assert world.client.status()["stored"] == stored


@pytest.mark.parametrize("policy_time", ["same", "own"])
def test_two_policies_stamp_one_operation_alike_or_not(
    start: Start, server: FakeServer, other: FakeServer, policy_time: str
) -> None:
    world = start(policy_time=policy_time)
    world.connect(server)
    world.client.configure_fpolicy("svm1", [other.host], other.port, priority=2, **TAKES_ALL)
    world.client.wait_connected("svm1")
    world.create("/a", "/b")
    wait_until(lambda: len(server.notifications) == len(other.notifications) == 2)
    times = [
        {unix_path(item): text(item, "GenerationTime") for item in one.notifications}
        for one in (server, other)
    ]
    assert (times[0] == times[1]) is (policy_time == "same")


@pytest.mark.parametrize("sharing", ["round_robin", "file_hash", "first"])
def test_notifications_are_shared_between_primary_servers_as_the_switch_says(
    start: Start, server: FakeServer, other: FakeServer, sharing: str
) -> None:
    world = start(primary_sharing=sharing)
    world.client.configure_fpolicy("svm1", [server.host, other.host], server.port)
    world.client.wait_connected("svm1")
    files = [f"/f{n}" for n in range(20)]
    for path in files:
        world.create(path)
        writes = [{"op": "write", "path": path, "length": size} for size in (10, 20)]
        world.client.operations(writes)
    wait_until(lambda: len(names(server)) + len(names(other)) == 60)
    split = set(names(server)) & set(names(other))
    if sharing == "round_robin":
        assert split
    elif sharing == "file_hash":
        assert not split
        assert names(server)
        assert names(other)
    else:
        assert len(names(server)) == 60


@pytest.mark.parametrize("counts", ["eagain", "any_break"])
def test_breaks_by_the_server_lock_out_if_the_switch_says_so(
    start: Start, server: FakeServer, counts: str
) -> None:
    world = start(lockout_counts=counts)
    world.connect(server)
    for _ in range(4):
        count = len(server.peers)
        server.stop()
        server.start()
        if counts == "eagain" or _ < 3:
            wait_until(
                lambda count=count: len([peer for peer in server.peers if peer.session_id]) >= count + 2
            )
            world.client.wait_connected("svm1")
    if counts == "eagain":
        assert not world.ems("fpolicy.eagain.disconnect")
        return
    wait_until(lambda: len(world.ems("fpolicy.eagain.disconnect")) == 2)
    dialled = len(server.peers)
    stays(lambda: len(server.peers) == dialled)


@pytest.mark.parametrize("code", [9370, 9307])
def test_a_server_that_is_not_there_has_the_code_of_the_switch(start: Start, code: int) -> None:
    world = start(tcp_failed_code=code)
    world.client.configure_fpolicy("svm1", ["127.0.0.9"], 9)
    reason = wait_until(lambda: world.client.connections("svm1")[0].get("disconnected_reason"))
    assert reason == {"code": code, "message": "TCP Connection to FPolicy server failed."}


def test_a_node_without_lif_has_no_connection_and_reports_nothing(start: Start, server: FakeServer) -> None:
    world = start(nodes_without_lif=[2])
    world.client.configure_fpolicy("svm1", [server.host], server.port)
    wait_until(lambda: world.client.connections("svm1")[0]["state"] == "connected")
    missing = world.client.connections("svm1")[1]
    assert (missing["state"], missing["disconnected_reason"]["code"]) == ("disconnected", 9305)
    world.create(*(f"/f{n}" for n in range(20)))
    wait_until(lambda: len(names(server)) == 20)
    assert {row["node"] for row in world.rows("notification")} == {1}


@pytest.mark.parametrize(("store", "outcome"), [("ps", "stored"), (None, "dropped")])
def test_an_outbox_is_bounded(start: Start, server: FakeServer, store: str | None, outcome: str) -> None:
    """Under back pressure that holds, each node keeps five in memory; the rest is stored or dropped."""
    world = start(outbox_notifications=5, node_spread="alternate")
    world.connect(server, store=store)
    for peer in server.peers:
        peer.back_pressure(apply=True)
    wait_until(lambda: world.client.status()["received"].get("BACK_PRESSURE_APPLY") == 2)
    world.create(*(f"/f{n}" for n in range(30)))
    status = world.client.status()
    assert (status["waiting"], status[outcome]) == (10, 20)
