"""The demo's chapter about capacity: it fills, is forecast, grows within limits, and beyond them by a grant.

In two parts, because a grant lives for half a minute at least: the first gives it, the second sees it ended.
Expected sizes are worked out here from the rules that the documents state, not by the product's code.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Self

from lab.demo.outside import GIB, Outside
from lab.demo.tools import Check, run_tool
from lab.demo.view import View
from lab.inbox import Inbox
from lab.premises import SSD_GIB, VOLUME
from lab.world import World, WorldError

VOLUME_GIB = 1024  # the simulated volume's size at the start
PAST_DAYS = 30  # as far as the forecast looks back
PAST_HOURS = 6  # between two points of the past
USED_GIB = 800.0
DAILY_GIB = 7.8  # the volume will be full within the 30 days from which on a forecast is told
# What is moved in later: each time the volume is above 80 %, the SSD tier only at the last.
MOVED_IN_GIB = (1300.0, 1550.0, 1700.0)
TARGET_PERCENT = 70  # of its size that a resource holds after it has grown (policy.target_pct)
LEAD_DAYS = 30  # of foreseen growth that fit as well (policy.lead_days)
TOLERANCE_GIB = 5.0  # for the files that are in the volume besides, and what a forecast differs by
DAILY_CAP_GIB = 500  # the guardrail's, for volumes
GRANT_MINUTES = 0.5  # the shortest that there is
ACTOR = "demo"
CHAPTER_SECONDS = 120.0  # both parts and what is told between them; the daily cap begins anew at midnight UTC
SECONDS = 20.0  # a deadline for what takes a second or two

VOLUME_GROW = "volume_grow"
CAP_EXCEEDED = "daily_cap_exceeded"


def past(used_gib: float, daily_gib: float, days: int, hours: int) -> list[list[int]]:
    """Give steady growth up to now as pairs: seconds ago, bytes held."""
    return [
        [ago * 3600, round((used_gib - daily_gib * ago / 24) * GIB)] for ago in range(days * 24, -1, -hours)
    ]


def grown_gib(used_gib: float, daily_gib: float = 0.0) -> float:
    """Give the size at which what is used and foreseen is the part aimed at; FSx counts MiB."""
    return math.ceil((used_gib + daily_gib * LEAD_DAYS) * 1024 * 100 / TARGET_PERCENT) / 1024


def seconds_to_midnight(now: datetime) -> float:
    """Give the seconds until the UTC day ends."""
    midnight = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    return (midnight - now).total_seconds()


class Capacity:
    """Use as a context manager: it listens to the notification topic. `checks` is what it has shown."""

    def __init__(self, world: World, view: View) -> None:
        self._world = world
        self._view = view
        self._outside = Outside(world)
        self._stack = ExitStack()
        self.checks: list[Check] = []

    def __enter__(self) -> Self:
        topic = self._world.outputs["topic_arn"]
        self._inbox = self._stack.enter_context(Inbox(self._world.emulator, topic))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def fill_and_grow(self) -> None:
        """Tell the first part. Raises WorldError when it cannot go on."""
        left = seconds_to_midnight(datetime.now(UTC))
        if left < CHAPTER_SECONDS:
            with self._view.step("wait for midnight UTC: the daily cap begins anew"):
                self._world.wait(_is_over(left), left + 1, "midnight")
        with self._view.step(f"a volume fills over {PAST_DAYS} simulated days; forecast"):
            self._fill()
            self._forecast()
        with self._view.step("growth: proposed, approved, done"):
            self._grow()
        with self._view.step("more data, more growth: denied by the daily cap"):
            operation = self._deny()
        with self._view.step("break-glass lets it through"):
            self._break_glass(operation)
        with self._view.step("the SSD tier is above 80 %: the file system grows instead"):
            self._left_over = self._propose_volume(1)
            self._grow_file_system()

    def grant_ends(self) -> None:
        """Tell the second part: wait for the grant's end, and ask once more."""
        with self._view.step("the break-glass grant ends by itself; denied again"):
            expires = self._outside.grant_expires()
            if expires is None:
                raise WorldError("there is no grant in the guardrail table")
            left = (expires - datetime.now(UTC)).total_seconds()
            self._world.wait(_is_over(left), max(left, 0) + 1, "the end of the grant")
            before = self._outside.volume_gib()
            answer = self._approve(self._left_over)
            self._inbox.wait_for("Guardrail break-glass ended", seconds=SECONDS)
            told = len(self._inbox.found("Guardrail break-glass ended"))
            after = self._outside.volume_gib()
            self._check(
                "The grant ended by itself",
                f"the next growth was {_said(answer)}; its end was told {_times(told)}",
                _is_denied(answer) and after == before and told == 1,
            )

    def _fill(self) -> None:
        self._world.sim.fsx("fill", volume=VOLUME, bytes=round(USED_GIB * GIB))
        points = past(USED_GIB, DAILY_GIB, PAST_DAYS, PAST_HOURS)
        self._world.sim.fsx("history", volume=VOLUME, points=points)

    def _forecast(self) -> None:
        world, outside = self._world, self._outside
        words = (f"Volume {VOLUME}: full in",)
        outside.invoke("forecast", {"source": "aws.events", "detail-type": "Scheduled Event"})
        self._inbox.wait_for(*words, seconds=SECONDS)
        outside.invoke("forecast", {"source": "aws.events", "detail-type": "Scheduled Event"})
        told = len(self._inbox.found(*words))
        level = outside.told_level()
        resource = {"FileSystemId": world.file_system_id, "Resource": world.volume_id}
        days = outside.metric("DaysUntilFull", "Minimum", **resource) or math.nan
        wanted = (VOLUME_GIB - USED_GIB) / DAILY_GIB
        self._view.detail(f"full in {days:.1f} days")
        self._check(
            f"A volume filled by {DAILY_GIB} GiB a day for {PAST_DAYS} simulated days",
            f"forecast twice: full in {days:.1f} days (DaysUntilFull), told {_times(told)}",
            told == 1 and level == "warned" and abs(days - wanted) < 1,
        )

    def _grow(self) -> None:
        outside, volume_id = self._outside, self._world.volume_id
        operation = self._proposal(volume_id)
        told = self._inbox.wait_for("Expansion proposed", operation, seconds=SECONDS)
        before = outside.volume_gib()
        answer = self._approve(operation)
        after = outside.volume_gib()
        self._finish(operation, volume_id)
        wanted = grown_gib(USED_GIB, DAILY_GIB)
        recorded = outside.lineage(volume_id) == ["success"]
        self._view.detail(f"{before:,.0f} to {after:,.0f} GiB")
        self._check(
            "Expansion proposed a growth by itself and did it after approval",
            f"FSx had {before:,.0f} GiB before, has {after:,.0f} GiB now; "
            f"{_holds('in the lineage', recorded)}",
            answer["outcome"] == "started"
            and told
            and recorded
            and before == VOLUME_GIB
            and abs(after - wanted) < TOLERANCE_GIB,
        )

    def _deny(self) -> str:
        outside = self._outside
        operation = self._propose_volume(0)
        before = outside.volume_gib()
        answer = self._approve(operation)
        after = outside.volume_gib()
        more = grown_gib(MOVED_IN_GIB[0]) - VOLUME_GIB
        audited = ("denied", CAP_EXCEEDED, "not_executed") in outside.audit(VOLUME_GROW)
        self._view.detail(str(answer["reason"]))
        self._check(
            f"A second growth the same day, {more:,.0f} GiB together with the first",
            f"{_said(answer)}; {_holds('in the audit', audited)}; "
            f"FSx had {before:,.0f} GiB before, has {after:,.0f} GiB now",
            _is_denied(answer) and after == before and audited and more > DAILY_CAP_GIB,
        )
        return operation

    def _break_glass(self, operation: str) -> None:
        outside = self._outside
        environment = self._world.outputs["capacity"]["environment"]
        counted_before = outside.metric("GuardrailBypass", "Sum", Environment=environment) or 0
        grant = ["fsxn", "guardrails", "break-glass", "--reason", "demo", "--actor", ACTOR]
        given = run_tool(self._world, [*grant, "--minutes", str(GRANT_MINUTES)])
        if given.returncode != 0:
            raise WorldError(f"fsxn guardrails break-glass failed: {given.stderr.strip()}")
        answer = self._approve(operation)
        after = outside.volume_gib()
        self._finish(operation, self._world.volume_id)
        told = self._inbox.wait_for("Guardrail bypassed", seconds=SECONDS)
        counted = (outside.metric("GuardrailBypass", "Sum", Environment=environment) or 0) - counted_before
        audited = ("bypassed", CAP_EXCEEDED, "executed") in outside.audit(VOLUME_GROW)
        wanted = grown_gib(MOVED_IN_GIB[0])
        self._view.detail(f"{after:,.0f} GiB")
        self._check(
            f"A break-glass grant of {GRANT_MINUTES * 60:.0f} seconds let the same growth through",
            f"{_said(answer)}; FSx has {after:,.0f} GiB; GuardrailBypass {counted:.0f}; "
            f"{_holds('in the audit', audited)}; {_holds('alerted', told)}",
            answer["outcome"] == "started"
            and abs(after - wanted) < TOLERANCE_GIB
            and counted == 1
            and audited
            and told,
        )

    def _grow_file_system(self) -> None:
        world, outside = self._world, self._outside
        self._move_in(2)
        answer = self._ask()
        operation = self._proposal(world.file_system_id)
        before = outside.ssd_gib()
        started = self._approve(operation)
        self._finish(operation, world.file_system_id)
        after, wanted = outside.ssd_gib(), math.ceil(grown_gib(MOVED_IN_GIB[2]))
        self._view.detail(f"{before:,} to {after:,} GiB")
        self._check(
            "Asked for a volume whose SSD tier is above 80 %, the file system grew",
            f"FSx had {before:,} GiB of SSD before, has {after:,} GiB now",
            answer["resource_id"] == world.file_system_id
            and started["outcome"] == "started"
            and before == SSD_GIB
            and after == wanted,
        )

    def _propose_volume(self, step: int) -> str:
        """Move data in, ask for a growth of the volume, give the proposal's id."""
        self._move_in(step)
        self._ask()
        return self._proposal(self._world.volume_id)

    def _ask(self) -> dict[str, Any]:
        """Ask for a growth of the volume, if its alarm has not asked already: then that proposal is open."""
        world = self._world
        answer = self._fsxn("expansion", "grow", world.file_system_id, "--volume", world.volume_id)
        if (answer["outcome"], answer["reason"]) == ("waiting", "operation_open"):
            return answer
        if answer["outcome"] != "proposed":
            raise WorldError(f"expansion was asked to grow {VOLUME} and answered {answer}")
        return answer

    def _proposal(self, resource_id: str) -> str:
        """Give the id of the resource's open proposal."""
        found: list[str] = []

        def proposed() -> bool:
            found[:] = self._outside.operations("proposed", resource_id)
            return bool(found)

        self._world.wait(proposed, SECONDS, f"a proposal to grow {resource_id}")
        return found[0]

    def _move_in(self, step: int) -> None:
        self._world.sim.fsx("fill", volume=VOLUME, bytes=round(MOVED_IN_GIB[step] * GIB))
        self._world.sim.fsx("metrics")

    def _approve(self, operation: str) -> dict[str, Any]:
        return self._fsxn("expansion", "approve", operation, "--actor", ACTOR)

    def _finish(self, operation: str, resource_id: str) -> None:
        """Let expansion look at what is open, as its schedule does, until it is completed."""

        def completed() -> bool:
            self._outside.invoke("expand", {"action": "check"})
            return operation in self._outside.operations("completed", resource_id)

        self._world.wait(completed, SECONDS, f"the end of growth {operation}")

    def _fsxn(self, *arguments: str) -> dict[str, Any]:
        """Run a command of fsxn and give its answer. Raises WorldError when it could not ask."""
        result = run_tool(self._world, ["fsxn", *arguments, "--json"])
        if result.returncode not in (0, 1):
            raise WorldError(f"fsxn {' '.join(arguments)} failed: {result.stderr.strip()}")
        answer: dict[str, Any] = json.loads(result.stdout)
        return answer

    def _check(self, title: str, text: str, ok: bool) -> None:
        self.checks.append(Check(title, text, ok))


def _is_over(seconds: float) -> Callable[[], bool]:
    """Say, whenever asked, whether so much time has gone by."""
    end = time.monotonic() + seconds
    return lambda: time.monotonic() > end


def _is_denied(answer: dict[str, Any]) -> bool:
    return (answer["outcome"], answer["reason"]) == ("denied", CAP_EXCEEDED)


def _said(answer: dict[str, Any]) -> str:
    return f"{answer['outcome']}: {answer['reason']}" if answer["reason"] else str(answer["outcome"])


def _holds(words: str, ok: bool) -> str:
    return words if ok else f"NOT {words}"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
