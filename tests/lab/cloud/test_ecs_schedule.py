"""The scheduler's decision, by itself."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lab.cloud.ecs_schedule import Plan, TaskView, plan, retry_delay

OLD = TaskView("old", "d1", healthy=True)
NEW = TaskView("new", "d2", healthy=True)
NEW_STARTING = TaskView("new", "d2", healthy=False)


def step(desired: int, tasks: list[TaskView], minimum: int = 100, maximum: int = 200) -> Plan:
    return plan(desired=desired, minimum_percent=minimum, maximum_percent=maximum, primary="d2", tasks=tasks)


def test_a_missing_task_is_started() -> None:
    assert step(2, [NEW]) == Plan(1, ())


def test_the_newest_surplus_task_is_stopped() -> None:
    assert step(1, [NEW, TaskView("newest", "d2", healthy=True)]) == Plan(0, ("newest",))


def test_at_100_200_the_old_task_serves_until_the_new_one_is_healthy() -> None:
    assert step(1, [OLD]) == Plan(1, ())
    assert step(1, [OLD, NEW_STARTING]) == Plan(0, ())
    assert step(1, [OLD, NEW]) == Plan(0, ("old",))


def test_at_0_100_the_old_task_is_stopped_before_the_new_one_starts() -> None:
    assert step(1, [OLD], minimum=0, maximum=100) == Plan(0, ("old",))
    assert step(1, [], minimum=0, maximum=100) == Plan(1, ())


def test_a_failing_task_is_retried_at_once_then_ever_later() -> None:
    assert [retry_delay(n) for n in (0, 1, 2, 3, 4, 20)] == [0.0, 0.0, 1.0, 2.0, 4.0, 30.0]


@given(
    desired=st.integers(0, 8),
    minimum=st.integers(0, 100),
    maximum=st.integers(100, 200),
    old=st.integers(0, 8),
    healths=st.lists(st.booleans(), max_size=8),
)
def test_no_step_leaves_the_two_percentages(
    desired: int, minimum: int, maximum: int, old: int, healths: list[bool]
) -> None:
    """A service inside its bounds stays inside: never too few healthy tasks, never too many tasks."""
    tasks = [TaskView(f"old{n}", "d1", healthy=True) for n in range(old)]
    tasks += [TaskView(f"new{n}", "d2", healthy=h) for n, h in enumerate(healths[:desired])]
    upper = max(len(tasks), desired * maximum // 100)
    decided = step(desired, tasks, minimum, maximum)

    stopped = [task for task in tasks if task.task_id in decided.stop]
    healthy_before = sum(task.healthy for task in tasks)
    healthy_after = healthy_before - sum(task.healthy for task in stopped)
    assert healthy_after >= min(healthy_before, -(-desired * minimum // 100))
    assert len(tasks) + decided.start <= upper


@given(desired=st.integers(0, 6), old=st.integers(0, 6), minimum=st.integers(0, 100))
def test_repeated_steps_end_with_the_desired_new_tasks(desired: int, old: int, minimum: int) -> None:
    tasks = [TaskView(f"old{n}", "d1", healthy=True) for n in range(old)]
    for round_number in range(40):
        decided = step(desired, tasks, minimum)
        tasks = [task for task in tasks if task.task_id not in decided.stop]
        tasks += [TaskView(f"new{round_number}-{n}", "d2", healthy=True) for n in range(decided.start)]
    assert [task.deployment_id for task in tasks] == ["d2"] * desired
