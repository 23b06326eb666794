"""The one writer of lineage."""

from __future__ import annotations

import os
from collections.abc import Callable

from fsxn_runtime.edge.clients import client
from fsxn_runtime.edge.clock import now_us
from fsxn_runtime.edge.log import logger
from fsxn_runtime.edge.metrics import Emf
from fsxn_runtime.errors import FsxnError
from fsxn_runtime.lineage.items import to_item
from fsxn_runtime.lineage.model import LineageRecord, RecordResult
from fsxn_runtime.lineage.settings import LineageSettings
from fsxn_runtime.lineage.store import LineageStore

_log = logger("lineage")


class LineageTracker:
    """Writes records and counts what it could not write.

    Without settings they come from the environment; a wrong setting raises MisconfiguredError here, before
    any work is done.
    """

    def __init__(
        self,
        settings: LineageSettings | None = None,
        *,
        store: LineageStore | None = None,
        emf: Emf | None = None,
        clock: Callable[[], int] = now_us,
    ) -> None:
        self._settings = settings or LineageSettings.from_env(os.environ)
        self._store = store or LineageStore(client("dynamodb"), self._settings.table)
        self._emf = emf or Emf(self._settings.metric_namespace)
        self._clock = clock

    def record(self, record: LineageRecord) -> RecordResult:
        """Store one record; say whether it is stored. Idempotency key: `core.sort_key`.

        Never raises into the work that it describes: the work is done, and failing it would do it again.
        The client tries three times with back-off; then the record is logged as an error (work key and
        execution, so that it can be written later) and counted in LineageFailures_count.
        """
        try:
            self._store.put(to_item(record, self._clock(), self._settings.ttl_days))
        except FsxnError as exc:
            reason = exc.code
            error: Exception = exc
        except Exception as exc:  # noqa: BLE001 - see the docstring: nothing may reach the work
            reason = "unexpected"
            error = exc
        else:
            self._emf.count("LineageRecords_count")
            self._emf.count("LineageFailures_count", 0)  # an alarm on a metric that never was says nothing
            self._emf.flush()
            return RecordResult(True)
        _log.error(
            "record.lost",
            error=error,
            reason=reason,
            uc_id=record.uc_id,
            work_key=record.work_key,
            event_id=record.event_id,
            execution_arn=record.step_functions_execution_arn,
        )
        self._emf.count("LineageFailures_count")
        self._emf.flush()
        return RecordResult(False, reason, str(error))
