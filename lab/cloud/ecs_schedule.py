"""What an ECS service scheduler would start and stop next. Pure: no clock, no processes.

Source: Amazon ECS developer guide, "Rolling update deployment" (minimumHealthyPercent rounds up,
maximumPercent rounds down, both relative to the desired count).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

RETRY_LIMIT_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class TaskView:
    """One task that is wanted (nobody asked it to stop). Oldest first in every sequence."""

    task_id: str
    deployment_id: str
    healthy: bool  # RUNNING, and its health check (if it has one) succeeds


@dataclass(frozen=True, slots=True)
class Plan:
    """The next step: how many tasks of the primary deployment to start, and which tasks to stop."""

    start: int
    stop: tuple[str, ...]


def plan(
    *, desired: int, minimum_percent: int, maximum_percent: int, primary: str, tasks: Sequence[TaskView]
) -> Plan:
    """Say what brings `tasks` nearer to `desired` tasks of deployment `primary`, within both percentages."""
    new = [task for task in tasks if task.deployment_id == primary]
    old = [task for task in tasks if task.deployment_id != primary]
    minimum = -(-desired * minimum_percent // 100)
    maximum = desired * maximum_percent // 100

    surplus = new[desired:]  # the newest
    kept = new[:desired]
    healthy = sum(task.healthy for task in [*kept, *old])
    spare = max(0, healthy - minimum)
    drained = [task for task in old if not task.healthy] + [task for task in old if task.healthy][:spare]

    start = max(0, min(desired - len(kept), maximum - len(tasks)))
    return Plan(start, tuple(task.task_id for task in [*surplus, *drained]))


def retry_delay(failures: int) -> float:
    """Seconds to wait before the next task, after `failures` tasks in a row that died soon after their start.

    The first replacement is immediate; then 1 s, doubling, as ECS throttles restarts of a failing task.
    """
    return 0.0 if failures <= 1 else min(RETRY_LIMIT_SECONDS, 2.0 ** (failures - 2))
