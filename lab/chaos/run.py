"""One run: acts by their schedule while clients work, then everything works again, then the account."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from lab.chaos import debts
from lab.chaos.acts import Stage
from lab.chaos.schedule import Act, Schedule, loses
from lab.demo.story import verify
from lab.premises import ONTAP_SECRET
from lab.world import World, WorldError

# Operations a second. Each file takes about 40 ms of CPU to its lineage record (lab/cloud/README.md).
RATE: Final = 8.0
STORM_SECONDS: Final = 4.0
STEP_SECONDS: Final = 0.1
# A function that died leaves its messages hidden for six times its time limit, minutes: too long here.
VISIBILITY_SECONDS: Final = 15
# Deadlines after the faults: sweep (60 s, each minute), retries of rotation and of asynchronous calls.
BACK_SECONDS: Final = 180.0
SETTLE_SECONDS: Final = 420.0
# A killed task's stated bound, as in README's loss contract (tests/local/test_shutdown.py has the sum).
ANY: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Account:
    """What a run ended with; `debts` is empty when everything is as it must be."""

    verification: Mapping[str, Any]
    debts: list[str]
    lost: int  # within the bound of a kill or a node's crash
    records_told: int  # lineage records that the table did not take, each told by `record.lost`
    unanswered: int  # versions that an attempt recorded as done, and died before its answer
    struck: Mapping[str, int]  # AWS calls that went wrong, by call and effect
    notes: list[str] = field(default_factory=list)  # acts that could not be done as planned


def chaos(world: World, schedule: Schedule, tell: Callable[[str], None] = lambda _: None) -> Account:
    """Run a schedule in a laboratory that is at rest, settle, and give the account. Raises WorldError."""
    begin, began_ms = world.ledger_path.stat().st_size, time.time_ns() // 1_000_000
    before = _lost(world, 0)
    with short_visibility(world), _lengths(world) as (now, lengths):
        stage = Stage(world)
        kills: list[float] = []
        notes: list[str] = []
        try:
            with _clients(world, schedule):
                for due, act, begins in _in_order(schedule):
                    _wait_until(due, now)
                    if begins:
                        note = stage.begin(act)
                        tell(f"{act}{f' ({note})' if note else ''}")
                        notes += [f"{act}: {note}"] if note else []
                        kills += [now()] if loses(act) else []
                    else:
                        stage.end(act)
                _wait_until(schedule.seconds, now)
        finally:
            struck = stage.end_all()
        tell("faults end")
        found = _settle(world)
        found += _owed(world, begin, kills, lengths)
    verification = verify(world, allow_lost=ANY)
    told = debts.told_records(_log_lines(world, began_ms))
    unanswered = debts.unanswered(_successes(world), _status(world))
    found += debts.of_findings(verification["findings"], told, unanswered)
    lost = _lost(world, begin)
    if len(lost) + len(before) != verification["delivery"]["lost"]:
        found.append(
            f"{len(lost) + len(before)} are lost; events verify counts {verification['delivery']['lost']}"
        )
    return Account(verification, found, len(lost), len(told), len(unanswered), struck, notes)


def _settle(world: World) -> list[str]:
    """Wait until everything is back and nothing moves; give what does not come back."""
    steps: Mapping[str, Callable[[], object]] = {
        "a server task, connected to every node": lambda: world.wait_connected(world.wait_for_tasks(1)),
        "the end of the rotation": lambda: world.wait(lambda: not _rotates(world), BACK_SECONDS, "rotation"),
        "every stored notification sent": lambda: world.sim.wait_idle(BACK_SECONDS, replayed=True),
        "nothing under way": lambda: world.settle(SETTLE_SECONDS),
    }
    found = []
    for what, step in steps.items():
        try:
            step()
        except (WorldError, TimeoutError) as exc:
            found.append(f"not back: {what}: {exc}")
    world.snapshot()
    return found


def _rotates(world: World) -> bool:
    described = world.client("secretsmanager").describe_secret(SecretId=ONTAP_SECRET)
    return any("AWSPENDING" in stages for stages in described["VersionIdsToStages"].values())


def _lost(world: World, begin: int) -> list[debts.Lost]:
    with world.ledger_path.open("rb") as ledger, world.events_path.open("rb") as events:
        return debts.lost(ledger, events, begin)


def _owed(world: World, begin: int, kills: list[float], lengths: list[debts.Length]) -> list[str]:
    """Give the operations that are lost and may not be."""
    lost = _lost(world, begin)
    return [f"lost: {each}" for each in debts.unexplained(lost, kills, lengths)]


def _log_lines(world: World, since_ms: int) -> Iterator[str]:
    """Give what the functions have logged since then."""
    logs = world.client("logs").get_paginator("filter_log_events")
    for function in world.outputs["functions"].values():
        for page in logs.paginate(logGroupName=function["log_group_name"], startTime=since_ms):
            for event in page["events"]:
                yield from event["message"].splitlines()


def _successes(world: World) -> Iterator[tuple[str, str]]:
    """Give work key and execution of each lineage record of success; a growth has no execution."""
    pages = (
        world.client("dynamodb")
        .get_paginator("scan")
        .paginate(
            TableName=world.outputs["lineage_table_name"],
            FilterExpression="#s = :success AND attribute_exists(step_functions_execution_arn)",
            ExpressionAttributeNames={"#s": "status"},
            ExpressionAttributeValues={":success": {"S": "success"}},
        )
    )
    for page in pages:
        for item in page["Items"]:
            yield item["work_key"]["S"], item["step_functions_execution_arn"]["S"]


def _status(world: World) -> Callable[[str], str]:
    states = world.client("stepfunctions")
    return lambda execution: str(states.describe_execution(executionArn=execution)["status"])


def _in_order(schedule: Schedule) -> list[tuple[float, Act, bool]]:
    """Give begins and ends by their time."""
    begins = [(act.at, act, True) for act in schedule.acts]
    ends = [(act.at + act.lasts, act, False) for act in schedule.acts if act.lasts]
    return sorted([*begins, *ends], key=lambda entry: (entry[0], entry[2]))


def _wait_until(due: float, now: Callable[[], float]) -> None:
    while (left := due - now()) > 0:
        time.sleep(min(left, STEP_SECONDS))


@contextmanager
def _lengths(world: World) -> Iterator[tuple[Callable[[], float], list[debts.Length]]]:
    """Note how long the ledger is; give the run's clock too."""
    began, ended = time.monotonic(), threading.Event()
    lengths: list[debts.Length] = []

    def now() -> float:
        return time.monotonic() - began

    def run() -> None:
        while not ended.is_set():
            lengths.append(debts.Length(now(), world.ledger_path.stat().st_size))
            ended.wait(STEP_SECONDS)

    thread = threading.Thread(target=run, name="lengths", daemon=True)
    thread.start()
    try:
        yield now, lengths
    finally:
        ended.set()
        thread.join()


@contextmanager
def _clients(world: World, schedule: Schedule) -> Iterator[None]:
    """Let clients work, by the schedule's seed; what they do does not depend on what goes wrong."""
    ended = threading.Event()

    def run() -> None:
        for number in itertools.count():
            if ended.is_set():
                return
            world.sim.storm(
                round(RATE * STORM_SECONDS),
                rate_per_second=RATE,
                seed=schedule.storm_seed + number,
                folder=f"/chaos-{schedule.seed}-{number}",
            )

    thread = threading.Thread(target=run, name="clients")
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@contextmanager
def short_visibility(world: World) -> Iterator[None]:
    """Let what a dead function had come back within the run; the queues' own times are minutes."""
    sqs, urls = world.client("sqs"), [world.queues["ingestion"], world.queues["work"]]
    before = {}
    for url in urls:
        answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout"])
        before[url] = answer["Attributes"]["VisibilityTimeout"]
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": str(VISIBILITY_SECONDS)})
    try:
        yield
    finally:
        for url, seconds in before.items():
            sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": seconds})
