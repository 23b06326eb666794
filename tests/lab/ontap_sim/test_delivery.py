"""What the servers receive: nodes, store and replay, breaks, back pressure; the ledger tells all of it."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.lab.ontap_sim.conftest import World
from tests.lab.ontap_sim.fake_server import FakeServer, text, unix_path
from tests.support.waiting import stays, wait_until

Start = Callable[..., World]

# The smallest buffer that the node works with: about 200 notifications with what the kernel adds.
SMALL_BUFFER = {"buffer_size": {"send_buffer": 65536, "recv_buffer": 65536}}


def names(server: FakeServer) -> list[str]:
    return [unix_path(payload) for payload in server.notifications]


def test_both_nodes_dial_and_share_the_operations(start: Start, server: FakeServer) -> None:
    world = start()
    world.connect(server)
    assert len(server.peers) == 2
    assert len({peer.session_id for peer in server.peers}) == 2
    world.create(*(f"/f{n}" for n in range(40)))
    wait_until(lambda: len(server.notifications) == 40)
    assert sorted(names(server)) == sorted(f"/f{n}" for n in range(40))
    assert all(peer.notifications for peer in server.peers)
    assert {text(item, "GenerationTime") for item in server.notifications} == {
        str(row["time_us"]) for row in world.rows("operation")
    }


def test_a_node_spreads_over_its_servers(start: Start, server: FakeServer) -> None:
    world = start()
    other = FakeServer("127.0.0.2", server.port)
    world.client.configure_fpolicy("svm1", [server.host, other.host], server.port)
    world.client.wait_connected("svm1")
    world.create(*(f"/f{n}" for n in range(40)))
    wait_until(lambda: len(server.notifications) + len(other.notifications) == 40)
    assert len(server.notifications) in range(18, 23)
    other.close()


def test_the_ledger_has_every_operation_and_every_notification(start: Start, server: FakeServer) -> None:
    """A storm and a foreign program at the same time; what is monitored is sent once, the rest is silent."""
    world = start()
    world.connect(server)
    world.client.storm(300, wait=False)
    (world.volume / "foreign.txt").write_text("x")
    wait_until(lambda: world.rows("operation", path="/vol1/foreign.txt", operation="NFS_WR"))
    world.client.wait_idle()
    operations = world.rows("operation")
    monitored = {row["seq"] for row in operations if row["monitored"]}
    sent = [row["seq"] for row in world.rows("notification", outcome="sent")]
    assert len(operations) == 302
    assert [row["seq"] for row in operations] == list(range(1, 303))
    assert sorted(sent) == sorted(monitored)
    assert 0 < len(monitored) < 302
    wait_until(lambda: len(server.notifications) == len(sent))
    codes = Counter(row["operation"] for row in operations if row["monitored"])
    assert Counter(code for code, _ in server.paths()) == codes
    times = [row["time_us"] for row in operations]
    assert times == sorted(set(times))


def test_a_notification_is_in_the_ledger_before_it_is_read(start: Start, server: FakeServer) -> None:
    world = start()
    world.connect(server)
    for number in range(20):
        world.create(f"/f{number}")
        wait_until(lambda count=number + 1: len(server.notifications) == count)
        assert world.rows("notification", seq=number + 1, outcome="sent")


def test_while_no_server_is_there_events_are_stored_and_come_back_out_of_order(
    start: Start, server: FakeServer
) -> None:
    world = start()
    world.connect(server)
    world.create("/before")
    wait_until(lambda: len(server.notifications) == 1)
    server.stop()
    wait_until(lambda: world.client.connections("svm1")[0]["state"] == "disconnected")
    wait_until(lambda: world.client.connections("svm1")[1]["state"] == "disconnected")
    rows = world.create(*(f"/f{n:02}" for n in range(60)))
    assert world.client.status()["stored_backlog"] == 60
    server.start()
    world.client.wait_idle(replayed=True)
    wait_until(lambda: len(server.notifications) == 61)
    for peer in server.peers:
        replayed = [name for name in map(unix_path, peer.notifications) if name != "/before"]
        assert len(replayed) < 3 or replayed != sorted(replayed)
    times = {unix_path(item): text(item, "GenerationTime") for item in server.notifications}
    assert all(times[row["path"].removeprefix("/vol1")] == str(row["time_us"]) for row in rows)
    assert len(world.rows("notification", outcome="stored")) == 60
    assert len(world.rows("notification", outcome="sent", replayed=True)) == 60


def test_a_live_event_goes_out_before_the_rest_of_the_backlog(start: Start) -> None:
    """The server reads nothing until the nodes' buffers are full of replayed events; then one happens."""
    server = FakeServer(receive_buffer_bytes=8192)
    world = start(node_spread="alternate")
    world.client.configure_fpolicy("svm1", ["127.0.0.1"], server.port, engine_settings=SMALL_BUFFER)
    world.client.wait_connected("svm1")
    server.stop()
    wait_until(lambda: all(row["state"] == "disconnected" for row in world.client.connections("svm1")))
    world.create(*(f"/stored{n}" for n in range(1500)))
    server.reading.clear()
    server.start()
    wait_until(lambda: len(server.peers) == 4)
    world.client.wait_connected("svm1")
    (live,) = world.create("/live")
    assert world.client.status()["waiting"] == 1
    server.reading.set()
    world.client.wait_idle(replayed=True)
    sent = world.rows("notification", outcome="sent")
    place = next(place for place, row in enumerate(sent) if row["seq"] == live["seq"])
    assert not sent[place]["replayed"]
    assert sum(row["replayed"] for row in sent[place:]) > 300
    server.close()


def test_without_a_store_events_of_an_outage_are_dropped(start: Start, server: FakeServer) -> None:
    world = start()
    world.connect(server, store=None)
    server.stop()
    wait_until(lambda: all(row["state"] == "disconnected" for row in world.client.connections("svm1")))
    world.create("/a", "/b")
    assert world.client.status()["dropped"] == 2
    assert len(world.rows("notification", outcome="dropped")) == 2
    server.start()
    world.client.wait_connected("svm1")
    assert server.notifications == []


def test_a_full_store_drops(start: Start) -> None:
    world = start()
    world.client.configure_fpolicy("svm1", ["127.0.0.9"], 9, store_bytes=3 * 600)
    world.create(*(f"/f{n}" for n in range(5)))
    status = world.client.status()
    assert (status["stored"], status["dropped"]) == (3, 2)


def test_while_the_policy_is_disabled_nothing_is_captured_and_the_backlog_lives(
    start: Start, server: FakeServer
) -> None:
    world = start()
    world.client.configure_fpolicy("svm1", ["127.0.0.9"], 9)
    world.create("/stored")
    world.client.disable_fpolicy("svm1")
    (row,) = world.create("/unseen")
    assert row["monitored"] is False
    world.connect(server)
    wait_until(lambda: names(server) == ["/stored"])
    assert world.client.wait_idle()["stored_backlog"] == 0


@pytest.mark.parametrize(("timeout", "kept"), [("PT10S", True), ("PT0S", False)])
def test_the_session_is_kept_within_the_session_timeout_only(
    start: Start, server: FakeServer, timeout: str, kept: bool
) -> None:
    world = start()
    world.connect(server, engine_settings={"session_timeout": timeout})
    before = {peer.session_id for peer in server.peers}
    server.stop()
    server.start()
    wait_until(lambda: len([peer for peer in server.peers[2:] if peer.session_id]) == 2)
    assert ({peer.session_id for peer in server.peers[2:]} == before) is kept


def test_what_was_written_to_a_socket_is_gone_even_if_nobody_read_it(
    start: Start, server: FakeServer
) -> None:
    """The server stops reading and breaks: the ledger says `sent` for what it never saw."""
    world = start()
    world.connect(server)
    server.reading.clear()
    world.create(*(f"/f{n}" for n in range(30)))
    wait_until(lambda: len(world.rows("notification", outcome="sent")) == 30)
    read = len(server.notifications)
    server.stop()
    server.start()
    world.client.wait_connected("svm1")
    status = world.client.wait_idle()
    assert read < 30
    assert (status["sent"], status["stored"], status["stored_backlog"]) == (30, 0, 0)


def test_what_does_not_fit_into_the_send_buffer_is_stored_at_the_break(start: Start) -> None:
    """A server that does not read: the node holds the rest, breaks after the stall time, and replays it."""
    server = FakeServer(receive_buffer_bytes=8192)
    world = start(stall_seconds=0.5, node_spread="alternate")
    world.connect(server, engine_settings=SMALL_BUFFER)
    server.reading.clear()
    world.create(*(f"/f{n}" for n in range(1500)))
    wait_until(lambda: world.rows("notification", outcome="stored"))
    server.reading.set()
    status = world.client.wait_idle(replayed=True)
    outcomes = Counter(row["seq"] for row in world.rows("notification", outcome="sent"))
    assert len(outcomes) == 1500
    assert status["dropped"] == 0
    assert max(outcomes.values()) == 1
    server.close()


def test_after_four_breaks_by_a_full_buffer_a_node_stays_away_until_it_is_told(start: Start) -> None:
    """The server answers handshakes and reads nothing else; both nodes give up after four stalls."""
    server = FakeServer(receive_buffer_bytes=8192)
    world = start(stall_seconds=0.1, node_spread="alternate")
    world.connect(server, engine_settings=SMALL_BUFFER)
    server.reading.clear()
    world.create(*(f"/f{n}" for n in range(3500)))
    wait_until(lambda: len(server.peers) >= 8)
    wait_until(lambda: all(row["state"] == "disconnected" for row in world.client.connections("svm1")))
    server.reading.set()
    dialled = len(server.peers)
    stays(lambda: len(server.peers) == dialled)  # a node that does try again does so within 0.1 s
    for record in world.client.connections("svm1"):
        keys = f"{record['node']['uuid']}/{record['policy']['name']}/{record['server']}"
        path = f"/protocols/fpolicy/{record['svm']['uuid']}/connections/{keys}"
        world.client.rest("PATCH", path, {"state": "connected"})
    world.client.wait_connected("svm1")
    assert len(server.peers) == dialled + 2
    server.close()


@pytest.mark.parametrize("retry_limit", ["stop", "keep_trying"])
def test_a_node_that_spent_its_retries_does_what_the_switch_says(start: Start, retry_limit: str) -> None:
    """Every handshake of two nodes fails: three times each, by an engine that allows two retries."""
    server = FakeServer(version="9.9")
    world = start(retry_limit=retry_limit)
    retries = {"max_connection_retries": 2}
    world.client.configure_fpolicy("svm1", [server.host], server.port, engine_settings=retries)
    wait_until(lambda: len(server.peers) >= 6)
    if retry_limit == "stop":
        stays(lambda: len(server.peers) == 6)
    else:
        wait_until(lambda: len(server.peers) > 6)
    server.close()


@pytest.mark.parametrize(("mode", "outcome"), [("hold", None), ("store", "stored"), ("drop", "dropped")])
def test_back_pressure_does_what_the_switch_says(
    start: Start, server: FakeServer, mode: str, outcome: str | None
) -> None:
    world = start(on_back_pressure=mode)
    world.connect(server)
    for peer in server.peers:
        peer.back_pressure(apply=True)
    wait_until(lambda: world.client.status()["received"].get("BACK_PRESSURE_APPLY") == 2)
    world.create("/a")
    assert [row["outcome"] for row in world.rows("notification")] == ([outcome] if outcome else [])
    assert world.client.status()["waiting"] == (mode == "hold")
    for peer in server.peers:
        peer.back_pressure(apply=False)
    wait_until(lambda: world.client.status()["received"].get("BACK_PRESSURE_REM") == 2)
    wait_until(lambda: names(server) == ([] if mode == "drop" else ["/a"]))


def test_disabling_the_policy_ends_the_connections_after_what_was_written(
    start: Start, server: FakeServer
) -> None:
    world = start()
    world.connect(server)
    server.reading.clear()
    world.create(*(f"/f{n}" for n in range(30)))
    wait_until(lambda: len(world.rows("notification", outcome="sent")) == 30)
    world.client.disable_fpolicy("svm1")
    server.reading.set()
    wait_until(lambda: all(peer.ended for peer in server.peers))
    assert len(server.notifications) == 30
    assert world.client.connections("svm1") == []


def test_an_old_protocol_version_carries_no_time(start: Start) -> None:
    old = FakeServer(version="1.0")
    world = start()
    world.connect(old)
    world.create("/a")
    wait_until(lambda: len(old.notifications) == 1)
    assert text(old.notifications[0], "GenerationTime") == ""
    old.close()


def test_a_version_that_was_not_offered_ends_the_connection_with_an_alert(start: Start) -> None:
    wrong = FakeServer(version="9.9")
    world = start()
    world.client.configure_fpolicy("svm1", [wrong.host], wrong.port)
    wait_until(lambda: any(b"ALERT_MSG" in item for peer in wrong.peers for item in peer.payloads))
    reason = wait_until(lambda: world.client.connections("svm1")[0].get("disconnected_reason"))
    assert "Handshake failed" in reason["message"]
    wrong.close()


def test_replayed_events_can_carry_the_time_of_the_replay(start: Start, server: FakeServer) -> None:
    world = start(replay_time="replay")
    world.client.configure_fpolicy("svm1", ["127.0.0.9"], 9)
    (row,) = world.create("/a")
    world.connect(server)
    wait_until(lambda: len(server.notifications) == 1)
    assert int(text(server.notifications[0], "GenerationTime")) > row["time_us"]


def test_a_node_restart_loses_nothing(start: Start, server: FakeServer) -> None:
    world = start(restart_seconds=0.2)
    world.connect(server)
    world.client.storm(400, rate_per_second=1000, wait=False)
    world.client.restart_node(1)
    wait_until(lambda: len(server.peers) == 3)
    world.client.wait_connected("svm1")
    world.client.wait_idle(replayed=True)
    monitored = {row["seq"] for row in world.rows("operation", monitored=True)}
    assert {row["seq"] for row in world.rows("notification", outcome="sent")} == monitored
    wait_until(lambda: len(server.notifications) == len(monitored))


def test_a_connection_taken_down_by_hand_stays_down_until_it_is_put_up(
    start: Start, server: FakeServer
) -> None:
    world = start()
    world.connect(server)
    record = world.client.connections("svm1")[0]
    keys = f"{record['node']['uuid']}/{record['policy']['name']}/{record['server']}"
    path = f"/protocols/fpolicy/{record['svm']['uuid']}/connections/{keys}"
    world.client.rest("PATCH", path, {"state": "disconnected"})
    assert world.client.rest("GET", path)["state"] == "disconnected"
    assert len(server.peers) == 2
    world.client.rest("PATCH", path, {"state": "connected"})
    world.client.wait_connected("svm1")
    assert len(server.peers) == 3


def test_a_storm_of_two_thousand_a_second_is_kept_up_with(start: Start, server: FakeServer) -> None:
    """Measured as processor time, because the machine may be shared: less than 1 s of it."""
    world = start()
    world.connect(server)
    before = processor_seconds(world.process.pid)
    world.client.storm(2000)
    world.client.wait_idle()
    used = processor_seconds(world.process.pid) - before
    wait_until(lambda: len(server.notifications) == len(world.rows("operation", monitored=True)))
    assert used < 1.0


def processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")  # utime and stime, proc(5)


def test_an_operation_in_a_folder_that_another_program_just_made_is_possible(start: Start) -> None:
    world = start()
    for number in range(20):
        (world.volume / f"d{number}").mkdir()
        world.create(f"/d{number}/file")
    codes = [row["operation"] for row in world.rows("operation")]
    assert codes == ["NFS_CREAT_DIR", "NFS_CREAT"] * 20


def test_the_snapshot_has_every_file_with_its_hash(start: Start) -> None:
    world = start()
    world.client.operations([{"op": "create", "path": "/a"}, {"op": "write", "path": "/a", "text": "hello"}])
    (world.volume / "b").write_text("")
    world.client.mark("end")
    assert world.client.snapshot() == 2
    assert [(row["path"], row["size"], row["sha256"][:8]) for row in world.rows("file")] == [
        ("/vol1/a", 5, "2cf24dba"),
        ("/vol1/b", 0, "e3b0c442"),
    ]
    assert [row["event"] for row in world.rows("run")] == ["end"]
