"""Starter, finisher and sweep against a plain model: any order, any repetition, dying at any step.

What must hold, whatever happens: a work key has at most one success and at most one running execution, its
attempts are started one after the other, a closed item stays closed (but for an operator's redrive). And
when faults stop: nothing is stuck, every success is DONE, every failure has its dead letter and lineage.

Two ways to that end are tried apart, because each would hide a fault of the other: with the sweep, but
messages and reports that get lost; without the sweep, but everything delivered at least once.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace

from fsxn_runtime.edge.clock import TimeBudget
from fsxn_runtime.events import EventType
from fsxn_runtime.workloads.finish import take_report
from fsxn_runtime.workloads.model import FinishStep, Status, WorkKeyKind
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.support.file_events import file_event
from tests.support.workload_world import T0, Crash, Time, WorkloadWorld, message

SECOND = 1_000_000
ENDS = ["SUCCEEDED", "SUPERSEDED", "FAILED", "TIMED_OUT", "ABORTED", "RejectedError", "MisconfiguredError"]
GIVEN_UP = ("RejectedError", "MisconfiguredError")  # executions that failed with an error that stays
UNSUCCESSFUL = ("FAILED", "TIMED_OUT", "ABORTED", *GIVEN_UP)
crashes = st.none() | st.tuples(st.integers(0, 3), st.booleans())
picks = st.integers(0, 1000)


class Frame(RuleBasedStateMachine):
    """The frame over memory, with a queue and a bag of reports that repeat, reorder and lose."""

    @initialize(kind=st.sampled_from(WorkKeyKind), max_attempts=st.integers(1, 3), sweeps=st.booleans())
    def start(self, kind, max_attempts, sweeps):
        self.sweeps = sweeps
        self.world = WorkloadWorld(work_key=kind, max_attempts=max_attempts)
        self.now = T0
        self.sent = 0
        self.messages: list[str] = []
        self.reports: list[dict] = []
        self.started: list[str] = []  # ARNs in the order of their start
        self.ended: dict[str, str] = {}
        self.closed: dict[str, Status] = {}
        self.redriven: set[str] = set()

    @rule(key=st.sampled_from("ab"), kind=st.sampled_from(["create", "write", "delete", "rename"]))
    def operate(self, key, kind):
        """Change a file, and let the bus deliver its event.

        Without the sweep every operation has a file of its own: an item whose starter died, and whose file
        then changed, is one that only the sweep finds.
        """
        self.sent += 1
        key = key if self.sweeps else f"{key}{self.sent}"
        files = self.world.files.versions
        changes = {"event_id": f"{self.sent:032x}", "file_path": f"/vol1/{key}"}
        if kind in ("create", "write"):
            self.world.write(key, etag=f"e{self.sent}", at=self.now)
            changes["event_type"] = EventType.FILE_CREATE if kind == "create" else EventType.FILE_WRITE
        elif kind == "delete":
            files.pop(key, None)
            changes["event_type"] = EventType.FILE_DELETE
        else:
            if key in files:
                files["c"] = replace(files.pop(key), key="c")
            changes |= {"event_type": EventType.FILE_RENAME, "target_path": "/vol1/c"}
        self.messages.append(message(file_event(**changes)))

    @precondition(lambda self: self.messages)
    @rule(pick=picks, keep=st.booleans(), lost=st.booleans(), crash=crashes)
    def deliver(self, pick, keep, lost, crash):
        """Give the starter a message; a crash, or a queue that delivers twice, leaves it in the queue.

        With the sweep it may get lost instead, if there is an item: then the item is the debt.
        """
        body = self.messages.pop(pick % len(self.messages))
        done = self.survives(crash, lambda: self.world.starter.take(body, self.now))
        event_id = json.loads(body)["detail"]["event_id"]
        lost = lost and any(item.event_id == event_id for item in self.world.store.items.values())
        if not (lost and self.sweeps) and (keep or not done):
            self.messages.append(body)
        self.messages += self.world.queue.bodies
        self.world.queue.bodies.clear()
        self.note_starts()

    @precondition(lambda self: self.world.executions.running())
    @rule(pick=picks, status=st.sampled_from(ENDS), lost=st.booleans())
    def end(self, pick, status, lost):
        running = self.world.executions.running()
        self.finish_execution(running[pick % len(running)], status, lost and self.sweeps)

    def finish_execution(self, arn, status, lost):
        superseded = status == "SUPERSEDED"
        self.ended[arn] = status
        error = status if status in GIVEN_UP else ""
        status = "SUCCEEDED" if superseded else "FAILED" if error else status
        report = self.world.end(arn, status, superseded=superseded, error=error)
        if not lost:
            self.reports.append(report)

    @precondition(lambda self: self.reports)
    @rule(pick=picks, keep=st.booleans(), crash=crashes)
    def report(self, pick, keep, crash):
        """Give the finisher a status change; it may come again, and later than others."""
        report = self.reports.pop(pick % len(self.reports))
        done = self.survives(crash, lambda: take_report(self.world.finisher, report, self.now))
        if keep or not done:
            self.reports.append(report)
        self.note_starts()

    @precondition(lambda self: self.sweeps)
    @rule(crash=crashes)
    def sweep(self, crash):
        budget = TimeBudget.of(Time(), 1000)
        self.survives(crash, lambda: self.world.finisher.sweep(budget, self.now))
        self.note_starts()

    @precondition(lambda self: self.world.dead_letters.bodies)
    @rule(pick=picks)
    def redrive(self, pick):
        """An operator moves a dead letter back to the queue."""
        letters = self.world.dead_letters.bodies
        body = letters[pick % len(letters)]
        self.redriven.add(json.loads(body)["failure"]["work_key"])
        self.messages.append(body)

    @rule(seconds=st.integers(1, 5))
    def wait(self, seconds):
        self.now += seconds * SECOND

    def survives(self, crash, work):
        """Run one invocation; say whether the process lived to its end."""
        steps = self.world.steps
        steps.until_crash, steps.after_effect = crash or (None, False)
        try:
            work()
        except Crash:
            return False
        finally:
            steps.until_crash = None
        return True

    def note_starts(self):
        self.started += [arn for arn in self.world.executions.inputs if arn not in self.started]

    @invariant()
    def one_at_a_time_and_one_success(self):
        by_key: dict[str, list[str]] = {}
        for arn in self.started:
            by_key.setdefault(self.world.executions.inputs[arn]["work_key"], []).append(arn)
        for arns in by_key.values():
            attempts = [self.world.executions.inputs[arn]["attempt"] for arn in arns]
            assert attempts == list(range(1, len(arns) + 1))
            ends = [self.ended.get(arn, "RUNNING") for arn in arns]
            assert all(end in UNSUCCESSFUL for end in ends[:-1]), ends

    @invariant()
    def closed_stays_closed(self):
        for key, item in self.world.store.items.items():
            before = self.closed.get(key)
            if before is not None and item.status is not before:
                assert before is Status.FAILED
                assert key in self.redriven
            if item.status is Status.IN_PROGRESS:
                self.closed.pop(key, None)
            else:
                self.closed[key] = item.status

    @invariant()
    def an_item_says_what_its_executions_did(self):
        for key, item in self.world.store.items.items():
            ends = [
                self.ended.get(arn)
                for arn, given in self.world.executions.inputs.items()
                if given["work_key"] == key
            ]
            if item.status is Status.DONE:
                assert ends[-1] == "SUCCEEDED"
            if item.status is Status.FAILED:
                assert ends[-1] in UNSUCCESSFUL
                assert len(ends) >= self.world.finish_settings.max_attempts or ends[-1] in GIVEN_UP
                letters = [json.loads(body)["failure"] for body in self.world.dead_letters.bodies]
                assert (key, item.attempt) in {(each["work_key"], each["attempt"]) for each in letters}
                assert (key, item.execution_arn) in {
                    (record.work_key, record.step_functions_execution_arn)
                    for record in self.world.lineage.records
                }

    def teardown(self):
        """Faults stop: every debt must be paid within a bounded number of rounds."""
        if not hasattr(self, "world"):
            return
        for _ in range(10):
            self.now += 3 * SECOND
            bodies, self.messages = self.messages, []
            for body in bodies:
                self.world.starter.take(body, self.now)
            self.messages += self.world.queue.bodies
            self.world.queue.bodies.clear()
            for arn in self.world.executions.running():
                self.finish_execution(arn, "SUCCEEDED", lost=self.sweeps)
            if self.sweeps:
                self.world.finisher.sweep(TimeBudget.of(Time(), 1000), self.now)
            else:
                for report in self.reports:
                    take_report(self.world.finisher, report, self.now)
        self.note_starts()
        assert not self.messages
        statuses = Counter(item.status for item in self.world.store.items.values())
        assert statuses[Status.IN_PROGRESS] == 0
        self.one_at_a_time_and_one_success()
        self.an_item_says_what_its_executions_did()
        for report in self.reports:
            assert take_report(self.world.finisher, report, self.now) is FinishStep.IGNORE


Frame.TestCase.settings = settings(max_examples=settings.default.max_examples * 8, stateful_step_count=40)
TestFrame = Frame.TestCase
