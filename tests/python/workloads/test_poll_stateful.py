"""Events and polling together against a plain model of a volume: nothing skipped, nothing twice.

Files are written at any time, before, behind and in front of a pass that walks through the listing, over S3
(no event) or over NFS (an event, which may come twice). Pollers, starters and their runs die at any step,
tokens are forgotten, runs are too short for the listing, and the storage's clock is up to a minute off.
What must hold: no version has two successes, whichever ways it came; and when faults stop, the last version
of every file has exactly one.
"""

from __future__ import annotations

import json
from collections import Counter

from fsxn_runtime.edge.clock import TimeBudget
from fsxn_runtime.errors import FsxnError
from fsxn_runtime.events import EventType
from fsxn_runtime.workloads.finish import take_report
from fsxn_runtime.workloads.model import Status
from fsxn_runtime.workloads.poll import Outcome
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.support.file_events import file_event
from tests.support.workload_world import T0, Crash, WorkloadWorld, message

SECOND = 1_000_000
crashes = st.none() | st.tuples(st.integers(0, 5), st.booleans())
KEYS = st.sampled_from(["in/a", "in/b", "in/ba", "in/c", "deep/in/d", "deep/e"])


class Pages:
    """A Lambda context with time for some pages."""

    def __init__(self, pages: int) -> None:
        self.left = pages

    def get_remaining_time_in_millis(self) -> int:
        self.left -= 1
        return 12_000 if self.left >= 0 else 0


class Hybrid(RuleBasedStateMachine):
    """One workload in mode HYBRID over memory."""

    @initialize(skew=st.integers(-60, 60), page_size=st.integers(1, 3), early=st.booleans())
    def start(self, skew, page_size, early):
        self.world = WorkloadWorld()
        self.world.files.page_size = page_size
        self.skew = skew
        self.now = T0
        self.count = 0
        self.messages: list[str] = []
        self.successes: Counter[str] = Counter()  # by path and ETag
        pattern = {
            "detail": {
                "event_type": ["FILE_WRITE"],
                "file_path": [{"prefix": "/vol1/in/"}, {"prefix": "/vol1/deep/"}],
            }
        }
        self.poller = self.world.poller(pattern, process_existing=early)
        if not early:
            self.world.steps.until_crash = None
            self.poller.run(TimeBudget.of(Pages(100), 0), self.now, Counter())

    @rule(key=KEYS, told=st.integers(0, 2))
    def write(self, key, told):
        """Write a file; `told` events of it reach the queue (none: it was written over S3)."""
        self.count += 1
        stamp = (self.now + self.skew * SECOND) // SECOND * SECOND  # the storage's clock, whole seconds
        self.world.write(key, etag=f"e{self.count}", at=stamp)
        event = file_event(
            event_id=f"{self.count:032x}", event_type=EventType.FILE_WRITE, file_path=f"/vol1/{key}"
        )
        self.messages += [message(event)] * told

    @rule(seconds=st.integers(0, 200))
    def wait(self, seconds):
        self.now += seconds * SECOND

    @rule(pages=st.integers(1, 4), maximum=st.integers(1, 4), crash=crashes)
    def poll(self, pages, maximum, crash):
        self.survives(crash, lambda: self.run_poller(pages, maximum))
        self.collect()

    def run_poller(self, pages, maximum=1000):
        poller = self.world.poller_like(self.poller, max_messages=maximum)
        return poller.run(TimeBudget.of(Pages(pages), 0), self.now, Counter())

    @rule()
    def forget_tokens(self):
        self.world.files.forget_tokens()

    @precondition(lambda self: self.messages)
    @rule(pick=st.integers(0, 1000), keep=st.booleans(), crash=crashes)
    def deliver(self, pick, keep, crash):
        body = self.messages.pop(pick % len(self.messages))
        if not self.survives(crash, lambda: self.world.starter.take(body, self.now)) or keep:
            self.messages.append(body)
        self.collect()

    @precondition(lambda self: self.world.executions.running())
    @rule(pick=st.integers(0, 1000), status=st.sampled_from(["SUCCEEDED", "FAILED"]))
    def end(self, pick, status):
        running = self.world.executions.running()
        self.finish(running[pick % len(running)], status)

    def finish(self, arn, status):
        seen = self.world.executions.inputs[arn]["object"]
        report = self.world.end(arn, status)
        if status == "SUCCEEDED":
            self.successes[seen["key"], seen["etag"]] += 1
        take_report(self.world.finisher, report, self.now)

    def collect(self):
        self.messages += self.world.queue.bodies
        self.world.queue.bodies.clear()

    def survives(self, crash, act):
        """Act, dying at the planned step; say whether it came to its end."""
        if crash is not None:
            self.world.steps.until_crash, self.world.steps.after_effect = crash
        try:
            act()
        except (Crash, FsxnError):
            return False
        finally:
            self.world.steps.until_crash = None
        return True

    @invariant()
    def no_version_is_processed_twice(self):
        assert all(count == 1 for count in getattr(self, "successes", {}).values()), self.successes

    def teardown(self):
        """Faults stop: two passes, and every version that is there has been processed."""
        if not hasattr(self, "world"):
            return
        self.now += 130 * SECOND  # a slow storage clock catches up with the last mark's overlap
        passes = 0
        while passes < 2:
            outcome, known = self.run_poller(pages=3)
            passes += outcome is Outcome.COMPLETE
            assert outcome in (Outcome.COMPLETE, Outcome.UNFINISHED)
        assert known.under_way is None
        self.collect()
        for _ in range(8):
            self.now += 3 * SECOND
            bodies, self.messages = self.messages, []
            for body in bodies:
                self.world.starter.take(body, self.now)
            self.collect()
            for arn in self.world.executions.running():
                self.finish(arn, "SUCCEEDED")
        assert not self.messages
        self.no_version_is_processed_twice()
        for key, version in self.world.files.versions.items():
            failed = [
                item
                for item in self.world.store.items.values()
                if item.file_path == f"/vol1/{key}" and item.status is Status.FAILED
            ]
            letters = [json.loads(body)["detail"]["file_path"] for body in self.world.dead_letters.bodies]
            assert self.successes[key, version.etag] == 1 or (f"/vol1/{key}" in letters and failed), key


Hybrid.TestCase.settings = settings(max_examples=settings.default.max_examples * 8, stateful_step_count=40)
TestHybrid = Hybrid.TestCase
