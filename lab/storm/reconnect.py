"""How long nodes are without a server when a task needs as long to start as on Fargate."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from lab.cloud.ecs_runner import TaskStatus
from lab.demo.outside import Outside
from lab.demo.story import verify
from lab.demo.tools import Check
from lab.demo.view import View
from lab.storm.gaps import gaps
from lab.storm.load import under_load
from lab.world import World

NODES: Final = (1, 2)
OBJECTIVE_SECONDS: Final = 30.0  # the SLO FPolicyReconnectTime_sec
RATE: Final = 10.0  # operations a second meanwhile
# What two killed servers may take with them (README, loss contract): the memory bound, plus what lies unread
# in the sockets of two nodes: a receive buffer of 256 KiB and a send buffer of up to 4 MiB (Linux, tcp_wmem)
# each, in frames of about 1 KB.
MAY_BE_LOST: Final = 2 * (10_000 + 2 * (262_144 + 4_194_304) // 1_000)


def reconnect(world: World, view: View) -> tuple[Mapping[str, Any], list[Check]]:
    """Kill and replace tasks under load; give the verification and what was measured."""
    checks: list[Check] = []

    def measured(title: str, change: Callable[[], None], bound: float) -> None:
        with view.step(title):
            with under_load(world, f"/load-{len(checks)}", RATE):
                since_us = time.time_ns() // 1000
                change()
                until_us = time.time_ns() // 1000
            seconds = gaps(connection_rows(world), NODES, since_us, until_us)
            view.detail(f"{seconds:.1f} s without a server")
        text = f"a node was without a server for {seconds:.1f} s"
        checks.append(Check(f"{title}: at most {bound:g} s", text, seconds <= bound))

    start, since = world.task_start_seconds, datetime.now(UTC)
    measured("one task, killed", lambda: kill_one(world, 1), start + OBJECTIVE_SECONDS)
    metric = reconnect_metric(world, since)
    checks.append(
        Check(
            "FPolicyReconnectTime_sec shows that one task is not enough for its objective",
            f"{metric:.0f} s; the objective is {OBJECTIVE_SECONDS:g} s",
            metric > OBJECTIVE_SECONDS,
        )
    )
    measured("scaled from 1 to 2", lambda: scale(world, 2), 0.0)
    measured("two tasks, one killed", lambda: kill_one(world, 2), OBJECTIVE_SECONDS)
    measured("two tasks, rolling deployment", lambda: deploy(world), 0.0)
    with view.step("compare ledger and outputs"):
        world.settle(600)
        world.snapshot()
        verification = verify(world, allow_lost=MAY_BE_LOST)
    lost = verification["delivery"]["lost"]
    checks.append(
        Check("two kills lose at most their bound", f"{lost:,} of {MAY_BE_LOST:,}", lost <= MAY_BE_LOST)
    )
    return verification, checks


def kill_one(world: World, tasks_wanted: int) -> None:
    """Kill the oldest task without warning, and wait until as many as before are connected again."""
    task = world.runner.tasks(world.service)[0]
    world.runner.kill(task, signal.SIGKILL)

    def replaced() -> bool:
        tasks = world.runner.tasks(world.service)
        return task.task_id not in {each.task_id for each in tasks} and _run(tasks, tasks_wanted)

    world.wait(replaced, world.task_start_seconds + 60, "the killed task's replacement")
    world.wait_connected(world.runner.tasks(world.service))


def scale(world: World, tasks_wanted: int) -> None:
    """Ask for so many tasks and wait until all are connected."""
    world.scale(tasks_wanted)
    world.wait_connected(world.wait_for_tasks(tasks_wanted))


def deploy(world: World) -> None:
    """Replace every task as ECS does, and wait until only new ones are there and connected."""
    old = {task.task_id for task in world.runner.tasks(world.service)}
    world.client("ecs").update_service(
        cluster=world.outputs["server"]["cluster_name"], service=world.service, forceNewDeployment=True
    )

    def replaced() -> bool:
        tasks = world.runner.tasks(world.service)
        return not old & {task.task_id for task in tasks} and _run(tasks, len(old))

    world.wait(replaced, 3 * world.task_start_seconds + 180, "the new tasks alone")
    world.wait_connected(world.runner.tasks(world.service))


def _run(tasks: list[TaskStatus], tasks_wanted: int) -> bool:
    return len(tasks) == tasks_wanted and all(task.status == "RUNNING" for task in tasks)


def connection_rows(world: World) -> list[dict[str, Any]]:
    """Give the ledger's rows of connections."""
    rows = (json.loads(line) for line in world.ledger_path.read_text().splitlines())
    return [row for row in rows if row["kind"] == "connection"]


def reconnect_metric(world: World, since: datetime) -> float:
    """Give the largest FPolicyReconnectTime_sec since then, from the local CloudWatch."""
    return Outside(world, since).metric("FPolicyReconnectTime_sec", "Maximum") or 0.0
