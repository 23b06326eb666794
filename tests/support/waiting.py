"""Wait on a condition with a deadline: the only ways a test may let time pass."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Value = TypeVar("Value")


def wait_until(condition: Callable[[], Value], seconds: float = 20.0) -> Value:
    """Return the first true value of `condition`; fail after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"not true within {seconds} s"
        time.sleep(0.02)


def stays(condition: Callable[[], object], seconds: float = 1.0) -> None:
    """Fail as soon as `condition` is false within `seconds`: for what must not happen.

    Choose `seconds` well above the time after which it would happen; a slow machine can only hide a failure.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert condition(), f"not true for {seconds} s"
        time.sleep(0.02)
