"""Runs checks one after the other, each for a bounded time, so that none can hide another.

One after the other, because ONTAP's management service runs on the file servers (ONTAP REST reference 7: no
parallel storms). Each in a thread of its own, because not every wait of a library has a limit: a name that is
looked up, a peer that trickles. A check that is not back in time has its result, its thread is left behind
(it cannot be ended, and as a daemon it holds nothing up), and the next check begins.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from typing import TypeVar

from fsxn_runtime.canary.model import Check, Outcome

Value = TypeVar("Value")


class NotInTimeError(Exception):
    """A call did not end within its time; it may still be running."""


def run_all(checks: Sequence[Check], seconds: float) -> list[Outcome]:
    """Run every check for at most `seconds`; one outcome each, in order, whatever the checks do."""
    return [_run(check, seconds) for check in checks]


def bounded(call: Callable[[], Value], seconds: float) -> Value:
    """Give what the call gives, or raise what it raises; NotInTimeError after `seconds`."""
    answers: SimpleQueue[tuple[Value | None, BaseException | None]] = SimpleQueue()

    def work() -> None:
        try:
            answers.put((call(), None))
        except BaseException as exc:  # noqa: BLE001 (the root of a thread: handed to who waits)
            answers.put((None, exc))

    threading.Thread(target=work, daemon=True, name="check").start()
    try:
        value, error = answers.get(timeout=seconds)
    except Empty:
        raise NotInTimeError(f"no answer within {seconds:g} s") from None
    if error is not None:
        raise error
    return value  # type: ignore[return-value]  # a call that raised nothing gave a Value


def _run(check: Check, seconds: float) -> Outcome:
    started = time.monotonic()

    def spent_ms() -> float:
        return round((time.monotonic() - started) * 1000, 1)

    try:
        said = bounded(check.run, seconds)
    except NotInTimeError:
        return Outcome(check, spent_ms(), timed_out=True)
    except BaseException as exc:  # noqa: BLE001 (the outcome of the check, whatever it is)
        return Outcome(check, spent_ms(), error=exc)
    return Outcome(check, spent_ms(), said=said)
