from __future__ import annotations

from collections.abc import Sequence

import pytest
from fsxn_runtime.storm import Act, Action, perform


class Clock:
    """A clock that moves when somebody sleeps or works."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.now += seconds


class Driver:
    """Performs a group in `seconds` and remembers when each began."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self.clock = clock
        self.seconds = seconds
        self.groups: list[tuple[float, int]] = []

    def perform(self, group: Sequence[Act]) -> None:
        self.groups.append((self.clock.now, len(group)))
        self.clock.now += self.seconds


def run(count: int, rate: float, seconds: float = 0.0) -> tuple[Driver, int, float]:
    clock = Clock()
    driver = Driver(clock, seconds)
    operations = [Act(Action.CREATE, f"/{number}", "NFS 3.0", "192.0.2.1") for number in range(count)]
    made, took = perform(operations, driver, rate, clock=clock, sleep=clock.sleep)
    return driver, made, took


@pytest.mark.parametrize("rate", [1.0, 40.0, 1000.0, 50_000.0])
def test_the_rate_is_kept(rate: float):
    driver, made, took = run(2000, rate)
    assert made == 2000
    (_, last) = driver.groups[-1]
    assert (2000 - last) / rate == pytest.approx(took)


def test_without_a_rate_nothing_waits():
    _, made, took = run(1001, 0)
    assert (made, took) == (1001, 0.0)


def test_a_slow_driver_is_not_hurried_afterwards():
    """Each group takes longer than its share; the pauses between starts are the driver's, never shorter."""
    driver, _, took = run(400, 1000.0, seconds=1.0)
    assert took == pytest.approx(len(driver.groups))
