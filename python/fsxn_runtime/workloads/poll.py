"""The poller: what a listing shows and no event told becomes messages of the workload's queue.

Invoked by a schedule with {"pattern": the event pattern of the workload's rule}. A run goes on where the
last one stopped, page by page, while time and its number of messages last.

Order of writes: a page's messages first, then the watermark. Dying in between asks for the page again: the
same work keys, so no work twice. Of two runs at once one is refused at its next write and ends.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any, Final

from fsxn_runtime.edge.aws_errors import aws_call
from fsxn_runtime.edge.clients import client
from fsxn_runtime.edge.clock import TimeBudget, now_us
from fsxn_runtime.edge.log import logger, set_level
from fsxn_runtime.edge.metrics import Emf
from fsxn_runtime.errors import ConflictError, FsxnError, MisconfiguredError
from fsxn_runtime.routing import parse_pattern
from fsxn_runtime.workloads import listing
from fsxn_runtime.workloads.clients import Files, Queue
from fsxn_runtime.workloads.listing import Scope
from fsxn_runtime.workloads.model import SkipReason, Watermark
from fsxn_runtime.workloads.poll_store import PollStore
from fsxn_runtime.workloads.settings import PollSettings

_log = logger("workload.poll")
# One page: a listing of 1,000 entries and at most 100 batches of messages at about 20 ms.
_PAGE_MS: Final = 10_000
_RESERVE_MS: Final = 2_000


class Outcome(StrEnum):
    """How a run ended (a metric dimension)."""

    COMPLETE = "complete"  # the pass came to its end
    UNFINISHED = "unfinished"  # time or messages were used up; the next run goes on
    CONFLICT = "conflict"  # another run wrote the watermark
    DISRUPTED = "disrupted"  # the access point's throughput changes: list later
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Poller:
    """Walks through the listing. `store` to `queue` are the outside."""

    settings: PollSettings
    scope: Scope
    store: PollStore
    files: Files
    queue: Queue

    def run(self, budget: TimeBudget, now: int, counts: Counter[str]) -> tuple[Outcome, Watermark]:
        """Go on with the pass, or begin one; adds to `counts` what each written page had.

        The number of messages is looked at between pages: a run may send a page more.
        """
        prefixes = self.scope.prefixes()
        if not prefixes:
            raise MisconfiguredError(
                "the pattern takes no file that a listing can show: it asks for other operations, or for "
                f"paths outside {self.settings.junction_path}",
                code="empty_scope",
            )
        known = self.store.get() or listing.first_watermark(
            now, process_existing=self.settings.process_existing
        )
        while counts["asked"] < self.settings.max_messages and budget.has(_PAGE_MS):
            known = listing.under_way(known, now, self.settings.overlap_seconds, prefixes)
            try:
                known = self._take_page(known, now, prefixes, counts)
            except ConflictError as exc:
                if exc.code != "token_refused":
                    return Outcome.CONFLICT, known
                if counts["restarted"]:
                    raise  # a token of this very run: no matter of age
                _log.warning("pass.restarted", error=exc)
                counts["restarted"] += 1
                known = listing.restarted(known, now, prefixes)
            if known.under_way is None:
                return Outcome.COMPLETE, known
        return Outcome.UNFINISHED, known

    def _take_page(self, known: Watermark, now: int, prefixes: list[str], counts: Counter[str]) -> Watermark:
        walk = known.under_way
        assert walk is not None
        page = self.files.page(walk.prefix, walk.token)
        messages, found = self.scope.messages(page, walk.since_us, now, self.settings.settle_seconds)
        self.queue.send_all(messages)
        known = self.store.put(listing.after_page(known, page, prefixes))
        counts.update(found)
        return known


def is_disrupted(parameter: str) -> bool:
    """Say whether the access point's state says so (module canary). Not knowing it is no reason to wait."""
    if not parameter:
        return False
    try:
        with aws_call("ssm:GetParameter"):
            answer = client("ssm", is_brief=True).get_parameter(Name=parameter, WithDecryption=True)
        return bool(json.loads(answer["Parameter"]["Value"])["state"] == "disrupted")
    except (FsxnError, ValueError, KeyError, TypeError) as exc:
        _log.warning("state.unknown", error=exc)
        return False


@cache
def _parts() -> tuple[PollSettings, PollStore, Files, Queue]:
    settings = PollSettings.from_env(os.environ)
    set_level(settings.log_level)
    return (
        settings,
        PollStore(client("dynamodb"), settings.state_table, settings.uc_id),
        Files(client("s3"), settings.access_point),
        Queue(client("sqs"), settings.queue_url),
    )


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """Poll once; answer how it ended and what it counted."""
    settings, store, files, queue = _parts()
    now, budget = now_us(), TimeBudget.of(context, _RESERVE_MS)
    scope = Scope(
        parse_pattern(event["pattern"]), settings.svm_name, settings.volume_name, settings.junction_path
    )
    poller = Poller(settings, scope, store, files, queue)
    counts: Counter[str] = Counter()
    outcome, known = Outcome.FAILED, None
    try:
        if is_disrupted(settings.state_parameter):
            outcome, known = Outcome.DISRUPTED, store.get()
        else:
            outcome, known = poller.run(budget, now, counts)
    finally:
        _measure(settings, outcome, known, counts)
    _log.info("poll.done", outcome=outcome, **counts)
    return {"outcome": outcome, **counts}


def _measure(
    settings: PollSettings, outcome: Outcome, known: Watermark | None, counts: Mapping[str, int]
) -> None:
    """Emit the run's metrics. A failed run says nothing of how far behind it is: the silence is the alarm."""
    emf = Emf(settings.metric_namespace, {"UcId": settings.uc_id})
    emf.count("WorkloadPolls_count", Reason=outcome)
    emf.count("WorkloadPolled_count", counts.get("asked", 0))
    for reason in SkipReason:
        if counts.get(reason):
            emf.count("WorkloadListedSkipped_count", counts[reason], Reason=reason)
    if known is not None:
        emf.put("WorkloadPollBehind_sec", listing.behind_us(known, now_us()) / 1_000_000, "Seconds")
    emf.flush()
