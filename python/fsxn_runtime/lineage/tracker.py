"""The one writer of lineage."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from typing import Any, Final, ParamSpec, TypeVar

from fsxn_runtime.edge.clients import BRIEF_TIMEOUT_SECONDS, client
from fsxn_runtime.edge.clock import TimeBudget, now_us
from fsxn_runtime.edge.log import logger
from fsxn_runtime.edge.metrics import Emf
from fsxn_runtime.errors import FsxnError
from fsxn_runtime.lineage.items import to_item
from fsxn_runtime.lineage.model import LineageRecord, RecordResult
from fsxn_runtime.lineage.recording import Recording
from fsxn_runtime.lineage.settings import LineageSettings
from fsxn_runtime.lineage.store import LineageStore

_log = logger("lineage")
_P = ParamSpec("_P")
_R = TypeVar("_R")

# Records held for `flush`: 1 KB each as a rule, and an invocation writes ten or so.
MAX_BUFFERED: Final = 100
# Rounds of `flush` and the pauses before them: throttling passes within a second or two, or not soon.
_PAUSES_SECONDS: Final = (0.0, 0.2, 0.8, 2.0)
# One write: connecting and answering time out after three seconds each, for a pointer and the record.
_WRITE_MS: Final = 4 * BRIEF_TIMEOUT_SECONDS * 1000


class LineageTracker:
    """Writes records and counts what it could not write. Not for use by several threads at once.

    Without settings they come from the environment; a wrong setting raises MisconfiguredError here, before
    any work is done. The client is a brief one: what records work must not make it wait.
    """

    def __init__(
        self,
        settings: LineageSettings | None = None,
        *,
        store: LineageStore | None = None,
        emf: Emf | None = None,
        clock: Callable[[], int] = now_us,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._settings = settings or LineageSettings.from_env(os.environ)
        self._store = store or LineageStore(client("dynamodb", is_brief=True), self._settings.table)
        self._emf = emf or Emf(self._settings.metric_namespace)
        self._clock = clock
        self._pause = pause
        self._buffer: deque[tuple[LineageRecord, FsxnError]] = deque()

    def record(self, record: LineageRecord) -> RecordResult:
        """Store one record; say whether it is stored. Idempotency key: `items.sort_key`.

        Never raises into the work that it describes: the work is done, and failing it would do it again.
        What the store is too busy for is kept for `flush`, which must be called at the end of the invocation.
        What can never be stored is logged as an error (work key and execution, so that it can be written
        later) and counted in LineageFailures_count.
        """
        result, error = self._write(record)
        if error is None:
            self._count(stored=1)
        elif isinstance(error, FsxnError) and error.retryable and len(self._buffer) < MAX_BUFFERED:
            self._buffer.append((record, error))
            _log.warning("record.deferred", error=error, **_identity(record))
        else:
            self._lose(error, result.reason, _identity(record))
        return result

    def flush(self, budget: TimeBudget | None = None) -> tuple[int, int]:
        """Try again what `record` kept, while the budget lasts; give the numbers of stored and lost records.

        A record that is still not stored then is lost: logged and counted as in `record`. Never raises.
        """
        stored = lost = 0
        for seconds in _PAUSES_SECONDS:
            if not self._buffer or not _has(budget, _WRITE_MS + int(seconds * 1000)):
                break
            if seconds:
                self._pause(seconds)
            for _ in range(len(self._buffer)):
                if not _has(budget, _WRITE_MS):
                    break
                record, _ = self._buffer.popleft()
                result, error = self._write(record)
                if error is None:
                    stored += 1
                elif isinstance(error, FsxnError) and error.retryable:
                    self._buffer.append((record, error))
                else:
                    lost += 1
                    self._lose(error, result.reason, _identity(record))
        if stored:
            self._count(stored=stored)
        lost += len(self._buffer)
        while self._buffer:
            record, busy = self._buffer.popleft()
            self._lose(busy, busy.code, _identity(record))
        return stored, lost

    def recording(self, **fields: Any) -> Recording:
        """Give a context manager whose block's end becomes a record with these fields of LineageRecord.

        `processing_timestamp` is the time at which the block begins, unless it is given: give what stays the
        same when the work is repeated, so that its repetitions are one record.
        """
        return Recording(self._record_built, lambda: fields, self._clock)

    def recorded(
        self,
        describe: Callable[_P, Mapping[str, Any]],
        outputs: Callable[[_R], Iterable[str]] | None = None,
    ) -> Callable[[Callable[_P, _R]], Callable[_P, _R]]:
        """Decorate a function whose calls become records; it returns and raises what it did before.

        `describe` gets the call's arguments and gives fields of LineageRecord; `outputs` gets what the
        function returned and gives the output keys. What they raise is logged and counted, never raised.
        """

        def decorate(function: Callable[_P, _R]) -> Callable[_P, _R]:
            @wraps(function)
            def wrapper(*args: _P.args, **kwargs: _P.kwargs) -> _R:
                given: list[_R] = []

                def fields() -> Mapping[str, Any]:
                    keys = {"output_keys": tuple(outputs(given[0]))} if outputs and given else {}
                    return {**keys, **describe(*args, **kwargs)}

                with Recording(self._record_built, fields, self._clock):
                    given.append(function(*args, **kwargs))
                return given[0]

            return wrapper

        return decorate

    def _record_built(self, build: Callable[[], LineageRecord]) -> RecordResult:
        """Record what can be made; a description that raises is a lost record."""
        try:
            record = build()
        except Exception as exc:  # noqa: BLE001 - see `record`: nothing may reach the work
            self._lose(exc, "unexpected", {})
            return RecordResult(False, "unexpected", f"the record cannot be made: {exc}")
        return self.record(record)

    def _write(self, record: LineageRecord) -> tuple[RecordResult, Exception | None]:
        """Write once. The hour of writing is taken anew each time: an export closes hours."""
        try:
            self._store.put(to_item(record, self._clock(), self._settings.ttl_days))
        except FsxnError as exc:
            return RecordResult(False, exc.code, str(exc)), exc
        except Exception as exc:  # noqa: BLE001 - see `record`: nothing may reach the work
            return RecordResult(False, "unexpected", f"{type(exc).__name__}: {exc}"), exc
        return RecordResult(True), None

    def _count(self, *, stored: int) -> None:
        self._emf.count("LineageRecords_count", stored)
        self._emf.count("LineageFailures_count", 0)  # an alarm on a metric that never was says nothing
        self._emf.flush()

    def _lose(self, error: Exception, reason: str, identity: Mapping[str, object]) -> None:
        _log.error("record.lost", error=error, reason=reason, **identity)
        self._emf.count("LineageFailures_count")
        self._emf.flush()


def _identity(record: LineageRecord) -> dict[str, object]:
    """Give what finds the work again."""
    return {
        "uc_id": record.uc_id,
        "work_key": record.work_key,
        "event_id": record.event_id,
        "execution_arn": record.step_functions_execution_arn,
    }


def _has(budget: TimeBudget | None, cost_ms: int) -> bool:
    return budget is None or budget.has(cost_ms)
