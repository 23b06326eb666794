"""ONTAP stays pointed at the tasks through everything that is planned, and nothing is lost.

The real function, invoked by ECS events, schedule and command; the real server; the simulator's ledger.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from lab.premises import SVM
from lab.world import World
from tests.server import frames
from tests.support.local import run, verify

pytestmark = [pytest.mark.local, pytest.mark.xdist_group("local")]

RATE = 15.0  # operations a second
STORM = 450  # so the load goes on for 30 s, which is longer than any of the changes takes
POLICY = "fsxn_s3ap_local"


@contextmanager
def under_load(world: World, folder: str) -> Iterator[None]:
    """Clients work at a constant rate meanwhile, and a while longer."""
    before = len(operations(world))
    world.sim.storm(STORM, wait=False, rate_per_second=RATE, folder=folder, seed=11)
    world.wait(lambda: len(operations(world)) > before, 10, "the load")
    yield
    world.wait(lambda: len(operations(world)) - before >= STORM, 60, "the end of the load")
    world.sim.wait_idle(60, replayed=True)


def operations(world: World) -> list[dict[str, object]]:
    rows = [json.loads(line) for line in world.ledger_path.read_text().splitlines()]
    return [row for row in rows if row["kind"] == "operation"]


def sent_by(world: World, name: str) -> int:
    rows = [json.loads(line) for line in world.ledger_path.read_text().splitlines()]
    return sum(row["kind"] == "notification" and row["policy"] == name for row in rows)


def policy(world: World, name: str = POLICY) -> dict[str, object]:
    return world.sim.rest("GET", f"/protocols/fpolicy/{world.sim.svm_uuid(SVM)}/policies/{name}")


def nothing_is_lost(world: World) -> None:
    """Every operation was captured, and its event arrived."""
    result = verify(world)
    assert result["findings"] == []
    assert result["delivery"]["lost"] == 0
    assert policy(world)["enabled"]
    world.wait(lambda: not policy(world, f"{POLICY}_guard")["enabled"], 20, "the end of the guard")


def test_scaling_from_1_to_3_to_2_to_1_under_load_loses_nothing(world: World) -> None:
    with under_load(world, "/scaled"):
        for count in (3, 2, 1):
            world.scale(count)
            world.wait_connected(world.wait_for_tasks(count))
    made = [row for row in operations(world) if str(row["operation"]).endswith("_CREAT")]
    assert all(row["monitored"] for row in made)
    assert sent_by(world, f"{POLICY}_guard") > 0  # the load did meet a change
    nothing_is_lost(world)


def test_a_rolling_deployment_under_load_loses_nothing(world: World) -> None:
    """The old task serves until the new one is connected; both are named meanwhile."""
    (old,) = world.runner.tasks(world.service)
    cluster = world.outputs["server"]["cluster_name"]
    with under_load(world, "/deployed"):
        world.client("ecs").update_service(cluster=cluster, service=world.service, forceNewDeployment=True)

        def replaced() -> bool:
            tasks = world.runner.tasks(world.service)
            return len(tasks) == 1 and tasks[0].task_id != old.task_id and tasks[0].status == "RUNNING"

        world.wait(replaced, 60, "the new task alone", lambda: world.log_end("tasks"))
        world.wait_connected(world.runner.tasks(world.service))
    nothing_is_lost(world)


def test_a_node_restart_under_load_loses_nothing(world: World) -> None:
    with under_load(world, "/restarted"):
        world.sim.restart_node(1)
    world.wait_connected(world.runner.tasks(world.service))
    nothing_is_lost(world)


def test_a_policy_that_a_hand_disabled_is_enabled_by_the_command(world: World) -> None:
    world.sim.disable_fpolicy(SVM, POLICY)
    result = run(world, "fsxn", "fpolicy", "reconcile", "--json")
    assert result.returncode == 0, result.stderr
    (svm,) = json.loads(result.stdout)["svms"]
    # The minute's run may have been first, and addresses that changed meanwhile are put in before.
    assert svm["steps"][-1:] in ([f"Enable {POLICY} at 1"], [])
    world.wait_connected(world.runner.tasks(world.service))
    status = run(world, "fsxn", "fpolicy", "status")
    assert (status.returncode, "as wanted" in status.stdout) == (0, True), status.stdout + status.stderr


def test_the_volume_map_is_kept_by_the_reconciler(world: World) -> None:
    place = world.outputs["server"]["volume_map"]
    body = world.client("s3").get_object(Bucket=place["bucket"], Key=place["key"])["Body"].read()
    assert json.loads(body) == world.sim.volume_map()


def test_a_node_that_tells_of_a_changed_volume_sets_the_reconciler_to_work(world: World) -> None:
    """A node connects and says that a volume was mounted; the log line reaches the function by the filter."""
    logs, group = world.client("logs"), world.outputs["functions"]["reconcile"]["log_group_name"]

    def asked() -> int:
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group)
        return sum('"reconcile.asked"' in event["message"] for page in pages for event in page["events"])

    before = asked()
    told = b"<VolNotf><VolMsid>2147484674</VolMsid><Action>MOUNT</Action><IsActive>true</IsActive></VolNotf>"
    with socket.create_connection((world.wait_for_tasks(1)[0].address, 9898), 5) as node:
        node.sendall(frames.handshake(svm_uuid=world.sim.svm_uuid(SVM), policy="another"))
        assert b"NEGO_RESP" in node.recv(4096)
        node.sendall(frames.message("VOL_NOTFICATION", told))
        world.wait(lambda: asked() > before, 20, "the reconciler's run for the changed volume")
