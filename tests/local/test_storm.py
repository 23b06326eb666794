"""Operations while no server is there, and bursts: through the Persistent Store to lineage."""

from __future__ import annotations

import json
import zlib

import pytest

from lab.world import World
from tests.support.local import recorded, run, storm_command, verify

pytestmark = [pytest.mark.local, pytest.mark.xdist_group("local")]

COUNT = 1000
REPLAY_SECONDS = 300.0  # the objective ReplayCompletionTime_sec
BURST = 20


@pytest.mark.timeout(300)  # some 40 s on two free cores
def test_a_storm_of_1000_without_a_server_reaches_lineage(world: World) -> None:
    """`fsxn events storm --downtime` does all of it; everything is stored, replayed, and processed once."""
    before = world.sim.status()
    done = run(world, *storm_command(world, COUNT, "--downtime", "1", "--folder", "/thousand"))
    assert done.returncode == 0, done.stderr
    result = verify(world)
    after = world.sim.status()
    assert result["findings"] == []
    assert after["operations"] - before["operations"] == COUNT
    owed = after["monitored"] - before["monitored"]
    assert owed > COUNT // 2
    assert after["stored"] - before["stored"] > owed // 2  # the rest waited for the engine's new address
    assert result["delivery"]["replayed"] >= owed
    assert result["replay"]["catch_up_seconds"] < REPLAY_SECONDS
    assert result["replay"]["displacement_max"] > 0
    assert result["flow"]["store_used_most"] > result["flow"]["store_used_after"] == 0
    told = {each["name"] for each in result["flow"]["system_events"] if each["mark"] == "server_down"}
    assert {"fpolicy.server.disconnect", "fpolicy.server.connectError"} <= told


def test_five_files_during_downtime_replayed_as_3_1_2_5_4_are_each_processed_once(world: World) -> None:
    """The order once seen on a real system, from one node; the session's sequence numbers show it."""
    names = one_nodes_names(5)
    world.stop_server()
    world.sim.switch(replay_order="documented")
    world.sim.operations([{"op": "mkdir", "path": "/classic", "protocol": "NFS 3.0"}])
    for number, name in enumerate(names, 1):  # one by one: files go to the bucket first, several at once
        world.sim.operations([{"op": "create", "path": name, "protocol": "NFS 3.0"}])
        world.wait(lambda n=number: world.sim.status()["stored_backlog"] == n, 10, f"{name} in the store")
    world.start_server()
    world.sim.wait_idle(60, replayed=True)
    world.sim.switch(replay_order="shuffle")
    assert verify(world)["findings"] == []
    rows = [json.loads(line)["event"] for line in world.events_path.read_text().splitlines()]
    events = [event for event in rows if event["file_path"].removeprefix("/vol1") in names]
    assert len({event["session_id"] for event in events}) == 1
    assert all(event["replayed"] for event in events)
    events.sort(key=lambda event: event["sequence_number"])
    order = [names.index(event["file_path"].removeprefix("/vol1")) + 1 for event in events]
    assert order == [3, 1, 2, 5, 4]
    assert [recorded(world, f"/vol1{name}") for name in names] == [1] * 5


def one_nodes_names(count: int) -> list[str]:
    """Names whose operations the simulator gives to one of its two nodes (switch `node_spread: file`)."""
    names = (f"/classic/f{number}" for number in range(100))
    return [name for name in names if zlib.crc32(name.encode()) % 2 == 0][:count]


def test_a_burst_of_20_files_is_processed_file_by_file(world: World) -> None:
    names = [f"/burst-{number:02}.txt" for number in range(BURST)]
    world.sim.operations(
        [
            {"op": kind, "path": name, "protocol": "SMB 3.1", **({"length": 100} if kind == "write" else {})}
            for kind in ("create", "write", "close")
            for name in names
        ]
    )
    assert verify(world)["findings"] == []
    assert [recorded(world, f"/vol1{name}") for name in names] == [1] * BURST
