"""Recording around a piece of work: its end becomes a record, and the work never notices."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any

from fsxn_runtime.events import format_timestamp
from fsxn_runtime.lineage.model import LineageRecord, LineageStatus, RecordResult


class Recording:
    """A context manager. The work adds what it finds out; the end of the block makes the record.

    An exception makes it `failed` with the exception's class as the reason, and goes on unchanged.
    `result` says after the block whether the record is stored.
    """

    def __init__(
        self,
        record: Callable[[Callable[[], LineageRecord]], RecordResult],
        describe: Callable[[], Mapping[str, Any]],
        clock: Callable[[], int],
    ) -> None:
        self._record = record
        self._describe = describe
        self._clock = clock
        self._began = 0
        self.output_keys: list[str] = []
        self.metadata: dict[str, Any] = {}
        self.input_checksum: str | None = None
        self.output_checksum: str | None = None
        self.status = LineageStatus.SUCCESS
        self.reason: str | None = None
        self.result: RecordResult | None = None

    def __enter__(self) -> Recording:
        self._began = self._clock()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.result = self._record(lambda: self._build(error))

    def _build(self, error: BaseException | None) -> LineageRecord:
        """Make the record; what was described counts more than what was found out, and a failure most."""
        found: dict[str, Any] = {
            "processing_timestamp": format_timestamp(self._began),
            "output_keys": tuple(self.output_keys),
            "metadata": self.metadata,
            "input_checksum": self.input_checksum,
            "output_checksum": self.output_checksum,
            "duration_ms": max(self._clock() - self._began, 0) // 1000,
            "status": self.status,
            "reason": self.reason,
        }
        failure = {} if error is None else {"status": LineageStatus.FAILED, "reason": type(error).__name__}
        return LineageRecord(**{**found, **self._describe(), **failure})
