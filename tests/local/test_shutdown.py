"""The server's end in the middle of a storm, with warning and without."""

from __future__ import annotations

import signal
from collections.abc import Callable

import pytest

from lab.cloud.ecs_runner import TaskStatus
from lab.ontap_sim.client import SimClient
from lab.world import World
from tests.support.local import verify

pytestmark = [pytest.mark.local, pytest.mark.xdist_group("local")]

STORM = 600
UNREAD = 20
# What a killed server may take with it (README, loss contract): the memory bound, plus what lies unread in
# the sockets of two nodes: a receive buffer of 256 KiB and a send buffer of up to 4 MiB (Linux, tcp_wmem)
# each, in frames of about 1 KB.
MEMORY_BOUND = 10_000
SOCKET_BOUND = 2 * (262_144 + 4_194_304) // 1_000


def end_in_a_storm(world: World, folder: str, end: Callable[[TaskStatus], None]) -> None:
    """End the server in a storm; ECS starts another task and the reconciler points ONTAP at it."""
    (task,) = world.runner.tasks(world.service)
    before = sent(world.sim)
    world.sim.storm(STORM, wait=False, seed=7, folder=folder)
    world.wait(lambda: sent(world.sim) - before > STORM // 5, 30, "a part of the storm")
    end(task)

    def replaced() -> bool:
        others = [other for other in world.runner.tasks(world.service) if other.task_id != task.task_id]
        return [other.status for other in others] == ["RUNNING"]

    world.wait(replaced, 60, "a new server task")
    world.wait_connected(world.runner.tasks(world.service))
    world.sim.wait_idle(60, replayed=True)


def sent(sim: SimClient) -> int:
    return int(sim.status()["sent"])


def test_sigterm_at_full_rate_loses_nothing(world: World):
    """What was handed over is delivered, what comes meanwhile waits in the Persistent Store."""
    replayed = world.sim.status()["replayed"]
    end_in_a_storm(world, "/terminated", lambda task: world.runner.kill(task, signal.SIGTERM))
    assert world.sim.status()["replayed"] > replayed
    result = verify(world)
    assert result["findings"] == []
    assert result["delivery"]["lost"] == 0


def test_sigkill_loses_at_most_the_documented_bound_and_the_verifier_says_how_much(world: World):
    """The server is halted until its sockets hold unread events, so that the kill does lose some."""

    def halt_and_kill(task: TaskStatus) -> None:
        world.runner.kill(task, signal.SIGSTOP)
        before = sent(world.sim)
        world.wait(lambda: sent(world.sim) - before >= UNREAD, 30, "events that nobody reads")
        world.runner.kill(task, signal.SIGKILL)

    end_in_a_storm(world, "/killed", halt_and_kill)
    within = verify(world, allow_lost=MEMORY_BOUND + SOCKET_BOUND)
    assert within["findings"] == []
    lost = within["delivery"]["lost"]
    assert UNREAD <= lost <= MEMORY_BOUND + SOCKET_BOUND
    print(f"a killed server took {lost} events with it; the bound is {MEMORY_BOUND + SOCKET_BOUND}")
    strict = verify(world, allow_lost=lost - 1)
    assert (strict["findings"][0]["code"], strict["findings"][0]["count"]) == ("event.lost", lost)
