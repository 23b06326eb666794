"""The outside of starter and finisher in memory: tables, executions, files and queues, with crashes.

Every effect is a step. A crash planned for step n ends the process (`Crash`, which no handler catches)
either before or after that step's effect, as a real process can die on either side of a call.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from fsxn_runtime.edge.metrics import Emf
from fsxn_runtime.errors import ConflictError
from fsxn_runtime.events import format_timestamp
from fsxn_runtime.lineage import LineageRecord, RecordResult
from fsxn_runtime.pause import Mapping as SwitchMapping
from fsxn_runtime.pause import Switch
from fsxn_runtime.routing import parse_pattern
from fsxn_runtime.workloads.core import execution_name
from fsxn_runtime.workloads.finish import Finisher
from fsxn_runtime.workloads.listing import Scope
from fsxn_runtime.workloads.model import (
    Execution,
    ObjectVersion,
    Page,
    StateItem,
    Status,
    Watermark,
    WorkKeyKind,
)
from fsxn_runtime.workloads.poll import Poller
from fsxn_runtime.workloads.settings import FinishSettings, PollSettings, StartSettings
from fsxn_runtime.workloads.start import Starter

UC_ID = "inventory"
MACHINE = "arn:aws:states:us-east-1:111122223333:stateMachine:fsxn-s3ap-inventory"
T0 = 1_769_860_800_000_000  # 2026-01-31T12:00:00Z
Value = TypeVar("Value")


class Crash(BaseException):  # not an Exception: nothing may catch it, as nothing catches a SIGKILL
    """The process died."""


class Steps:
    """Counts effects and dies at the planned one."""

    def __init__(self) -> None:
        self.until_crash: int | None = None
        self.after_effect = False

    def take(self, effect: Callable[[], Value]) -> Value:
        """Do one effect, unless the process dies now."""
        if self.until_crash is None:
            return effect()
        self.until_crash -= 1
        if self.until_crash >= 0:
            return effect()
        self.until_crash = None
        if self.after_effect:
            effect()
        raise Crash


class MemoryStore:
    """StateStore's contract over a dict (test_store.py holds the two to one behaviour)."""

    def __init__(self, steps: Steps) -> None:
        self.steps = steps
        self.items: dict[str, StateItem] = {}
        self.duplicates: Counter[str] = Counter()

    def get(self, work_key: str) -> StateItem | None:
        return self.steps.take(lambda: self.items.get(work_key))

    def reserve(self, item: StateItem, ttl_us: int | None = None) -> StateItem | None:
        def effect() -> StateItem | None:
            existing = self.items.get(item.work_key)
            self.items.setdefault(item.work_key, item)
            return existing

        return self.steps.take(effect)

    def advance(self, seen: StateItem, following: StateItem) -> bool:
        return self._change(
            seen, lambda now: replace(following, event_id=now.event_id, file_path=now.file_path)
        )

    def close(self, seen: StateItem, status: Status, now_us: int, ttl_us: int) -> bool:
        updated_at = format_timestamp(now_us)
        return self._change(
            seen, lambda now: replace(now, status=status, updated_at=updated_at, execution_input="")
        )

    def count_duplicate(self, work_key: str) -> None:
        def effect() -> None:
            if work_key in self.items:
                self.duplicates[work_key] += 1

        self.steps.take(effect)

    def in_progress_before(self, time_us: int) -> Iterator[StateItem]:
        return iter([item for item in self.items.values() if item.status is Status.IN_PROGRESS])

    def _change(self, seen: StateItem, following: Callable[[StateItem], StateItem]) -> bool:
        def effect() -> bool:
            now = self.items.get(seen.work_key)
            if now is None or (now.status, now.attempt) != (seen.status, seen.attempt):
                return False
            self.items[seen.work_key] = following(now)
            return True

        return self.steps.take(effect)


class MemoryExecutions:
    """Step Functions: a name is taken for good; the same input while running is accepted again."""

    def __init__(self, steps: Steps) -> None:
        self.steps = steps
        self.inputs: dict[str, dict[str, Any]] = {}
        self.outcomes: dict[str, Execution] = {}
        self.refuses: Exception | None = None

    def start(self, item: StateItem) -> bool:
        def effect() -> bool:
            if self.refuses is not None:
                raise self.refuses
            given = json.loads(item.execution_input)
            arn = item.execution_arn
            assert arn.endswith(":" + execution_name(item.uc_id, item.work_key, item.attempt))
            if arn in self.inputs:
                return self.outcomes[arn].status == "RUNNING" and self.inputs[arn] == given
            self.inputs[arn] = given
            self.outcomes[arn] = Execution("RUNNING")
            return True

        return self.steps.take(effect)

    def look(self, execution_arn: str) -> Execution | None:
        return self.steps.take(lambda: self.outcomes.get(execution_arn))

    def running(self) -> list[str]:
        return [arn for arn, outcome in self.outcomes.items() if outcome.status == "RUNNING"]


class MemoryFiles:
    """The volume through its access point.

    A listing has pages of `page_size` in an order of its own, which is not that of the keys; a token is good
    until `forget_tokens`.
    """

    def __init__(self, steps: Steps, page_size: int = 2) -> None:
        self.steps = steps
        self.page_size = page_size
        self.versions: dict[str, ObjectVersion] = {}
        self.generation = 0

    def forget_tokens(self) -> None:
        self.generation += 1

    def page(self, prefix: str, token: str = "") -> Page:
        def effect() -> Page:
            generation, _, last = token.partition(":")
            if token and int(generation) != self.generation:
                raise ConflictError("InvalidArgument", code="token_refused")
            found = sorted(
                (key[::-1], version) for key, version in self.versions.items() if key.startswith(prefix)
            )
            rest = [each for each in found if each[0] > last]
            page = rest[: self.page_size]
            more = f"{self.generation}:{page[-1][0]}" if len(rest) > len(page) else ""
            return Page(tuple(version for _, version in page), more)

        return self.steps.take(effect)

    def look(self, key: str) -> ObjectVersion | None:
        return self.steps.take(lambda: self.versions.get(key))


class MemoryQueue:
    """A queue, or a dead-letter queue: what was sent, in order."""

    def __init__(self, steps: Steps) -> None:
        self.steps = steps
        self.bodies: list[str] = []
        self.delays: list[int] = []
        self.reasons: list[str] = []

    def send(self, body: str, *, delay_seconds: int = 0, reason: str = "") -> None:
        def effect() -> None:
            self.bodies.append(body)
            self.delays.append(delay_seconds)
            self.reasons.append(reason)

        self.steps.take(effect)

    def send_all(self, messages: Sequence[tuple[str, int]]) -> None:
        for body, delay in messages:
            self.send(body, delay_seconds=delay)


class MemoryPollStore:
    """PollStore's contract over one value (test_poll_store.py holds the two to one behaviour)."""

    def __init__(self, steps: Steps) -> None:
        self.steps = steps
        self.known: Watermark | None = None

    def get(self) -> Watermark | None:
        return self.steps.take(lambda: self.known)

    def put(self, known: Watermark) -> Watermark:
        def effect() -> Watermark:
            if known.revision != (self.known.revision if self.known else 0):
                raise ConflictError("another poller was first")
            self.known = replace(known, revision=known.revision + 1)
            return self.known

        return self.steps.take(effect)


class MemoryLineage:
    """The lineage table by its keys."""

    def __init__(self, steps: Steps) -> None:
        self.steps = steps
        self.records: list[LineageRecord] = []

    def record(self, record: LineageRecord) -> RecordResult:
        self.steps.take(lambda: self.records.append(record))
        return RecordResult(True)

    def flush(self, budget: object) -> tuple[int, int]:
        return 0, 0


class MemorySwitches:
    """Workloads' switches; a turn arrives after some looks, as Lambda takes its time."""

    def __init__(self, *workloads: str, looks: int = 0) -> None:
        self.at = dict.fromkeys(workloads, Switch.ON)
        self.looks = looks
        self.turns = 0
        self._coming: dict[str, tuple[int, Switch]] = {}

    def of(self, workload: str) -> SwitchMapping:
        return self.look("mapping", workload)

    def look(self, uuid: str, workload: str) -> SwitchMapping:
        left, target = self._coming.get(workload, (0, self.at[workload]))
        self._coming[workload] = (max(0, left - 1), target)
        self.at[workload] = Switch.MOVING if left else target
        return SwitchMapping(workload, uuid, self.at[workload], "2026-01-31T12:00:00Z")

    def turn(self, mapping: SwitchMapping, *, on: bool) -> None:
        assert self.at[mapping.workload] is not Switch.MOVING, "Lambda refuses that"
        self.turns += 1
        self._coming[mapping.workload] = (self.looks, Switch.ON if on else Switch.OFF)


class WorkloadWorld:
    """Starter and finisher of one workload over the parts above, and the metrics that they emitted."""

    def __init__(
        self,
        *,
        settle_seconds: int = 2,
        max_attempts: int = 3,
        work_key: WorkKeyKind = WorkKeyKind.FILE_VERSION,
        records_decisions: bool = False,
        labels: Mapping[str, str] | None = None,
    ) -> None:
        self.steps = Steps()
        self.store = MemoryStore(self.steps)
        self.executions = MemoryExecutions(self.steps)
        self.files = MemoryFiles(self.steps)
        self.queue = MemoryQueue(self.steps)
        self.dead_letters = MemoryQueue(self.steps)
        self.polls = MemoryPollStore(self.steps)
        self.lineage = MemoryLineage(self.steps)
        self.switches = MemorySwitches(UC_ID)
        self.metric_lines: list[dict[str, Any]] = []
        self.start_settings = StartSettings(
            uc_id=UC_ID,
            state_table="state",
            state_machine_arn=MACHINE,
            queue_url="queue",
            dlq_url="dlq",
            access_point="alias",
            junction_path="/vol1",
            settle_seconds=settle_seconds,
            work_key=work_key,
            records_decisions=records_decisions,
            labels=labels or {},
            metric_namespace="Test",
            log_level="INFO",
        )
        self.finish_settings = FinishSettings(
            uc_id=UC_ID,
            state_table="state",
            state_machine_arn=MACHINE,
            dlq_url="dlq",
            max_attempts=max_attempts,
            sweep_after_seconds=60,
            starter_mapping_id="mapping",
            metric_namespace="Test",
            log_level="INFO",
        )
        self.ledger = MemoryLineage(self.steps)
        self.starter = Starter(
            self.start_settings,
            self.store,
            self.executions,
            self.files,
            self.queue,
            self.ledger if records_decisions else None,
        )
        self.finisher = Finisher(
            self.finish_settings,
            self.store,
            self.executions,
            self.dead_letters,
            self.lineage,
            self.switches,
            self.emf(),
        )

    def poller(self, pattern: dict[str, Any] | None = None, **changes: Any) -> Poller:
        """A poller of /vol1 beside the starter, on the same queue."""
        settings = PollSettings(
            uc_id=UC_ID,
            state_table="state",
            queue_url="queue",
            access_point="alias",
            state_parameter="",
            svm_name="svm1",
            volume_name="vol1",
            junction_path="/vol1",
            settle_seconds=self.start_settings.settle_seconds,
            overlap_seconds=120,
            max_messages=1000,
            process_existing=False,
            metric_namespace="Test",
            log_level="INFO",
        )
        settings = replace(settings, **changes)
        wanted = pattern or {"source": ["fsxn.fpolicy"], "detail": {"event_type": ["FILE_CLOSE"]}}
        scope = Scope(parse_pattern(wanted), settings.svm_name, settings.volume_name, settings.junction_path)
        return Poller(settings, scope, self.polls, self.files, self.queue)

    def poller_like(self, poller: Poller, **changes: Any) -> Poller:
        """The same poller with other settings."""
        return replace(poller, settings=replace(poller.settings, **changes))

    def emf(self) -> Emf:
        """A collector whose lines end in `metric_lines`."""
        return Emf("Test", {"UcId": UC_ID}, write=lambda line: self.metric_lines.append(json.loads(line)))

    def metric(self, name: str) -> list[float]:
        """Every value of one metric so far."""
        self.finisher.emf.flush()
        found: list[float] = []
        for line in self.metric_lines:
            value = line.get(name, [])
            found += value if isinstance(value, list) else [value]
        return found

    def write(self, key: str, *, etag: str = "e1", at: int = T0, size: int = 10) -> None:
        """Put a file there, or a new version of it."""
        self.files.versions[key] = ObjectVersion(key, size, etag, at)

    def end(self, arn: str, status: str, *, superseded: bool = False, error: str = "") -> dict[str, Any]:
        """End a running execution; give the status change that Step Functions emits."""
        assert self.executions.outcomes[arn].status == "RUNNING"
        self.executions.outcomes[arn] = Execution(status, superseded, error)
        return {
            "executionArn": arn,
            "status": status,
            "input": json.dumps(self.executions.inputs[arn]),
            "output": json.dumps({"status": "superseded" if superseded else "processed"}),
            "error": error,
        }


def message(event: Any) -> str:
    """The body that EventBridge puts into the workload's queue."""
    return json.dumps(
        {"source": "fsxn.fpolicy", "detail-type": "FPolicy File Operation", "detail": event.to_dict()}
    )


class Time:
    """A Lambda context with plenty of time, or none."""

    def __init__(self, remaining_ms: int = 60_000) -> None:
        self.remaining_ms = remaining_ms

    def get_remaining_time_in_millis(self) -> int:
        return self.remaining_ms
