"""Metrics out of logs: what CloudWatch does with EMF lines, and the emulator does not.

The emulator's process keeps every line with an EMF header that reaches any log group, from Lambda or from
PutLogEvents (see emulator_process.py). This collector takes them once a second and puts the metrics. Reading
the log groups instead would cost more with every invocation: the emulator makes a log stream for each.
"""

from __future__ import annotations

import threading
from collections import Counter
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

from botocore.exceptions import BotoCoreError, ClientError

from lab.cloud.emf import Datum, EmfError, MetricKey, merge, parse
from lab.cloud.emulator import Emulator, EmulatorError

INTERVAL_SECONDS = 1.0
REQUEST_METRICS = 200  # PutMetricData takes 1,000
DATUM_VALUES = 150  # distinct values in one datum: the limit of PutMetricData
REJECTED_KEPT = 100


class EmfCollector:
    """Use as a context manager, or `start` and `stop`; `collect` takes what there is now."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator
        self._cloudwatch = emulator.client("cloudwatch")
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self.collected: set[MetricKey] = set()
        self.rejected: list[str] = []  # lines that CloudWatch would refuse, with the reason; the first 100

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def names(self) -> set[str]:
        """The names of all metrics that any run emitted."""
        return {key.name for key in self.collected}

    def start(self) -> None:
        """Begin to collect in the background."""
        self._ended.clear()
        self._thread = threading.Thread(target=self._run, name="emf-collector", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Collect the rest and end. May be called twice."""
        if self._thread is not None:
            self._ended.set()
            self._thread.join()
            self._thread = None

    def collect(self) -> None:
        """Take the waiting lines and put their metrics."""
        with self._lock:
            found: list[Datum] = []
            for group, line in self._emulator.take_emf_lines():
                try:
                    found += parse(line)
                except EmfError as error:
                    if len(self.rejected) < REJECTED_KEPT:
                        self.rejected.append(f"{group}: {error}: {line[:200]}")
            data = merge(found)
            for namespace in {datum.key.namespace for datum in data}:
                of_namespace = [datum for datum in data if datum.key.namespace == namespace]
                self._put(namespace, of_namespace)
            self.collected |= {datum.key for datum in data}

    def _run(self) -> None:
        ended = False
        while not ended:
            ended = self._ended.wait(INTERVAL_SECONDS)
            try:
                self.collect()
            except (OSError, EmulatorError, BotoCoreError, ClientError) as error:  # it stops or resets
                print(f"metrics of one second lost: {error}")

    def _put(self, namespace: str, data: list[Datum]) -> None:
        entries = [entry for datum in data for entry in _entries(datum)]
        for start in range(0, len(entries), REQUEST_METRICS):
            self._cloudwatch.put_metric_data(
                Namespace=namespace, MetricData=entries[start : start + REQUEST_METRICS]
            )


def _entries(datum: Datum) -> list[dict[str, Any]]:
    """MetricData entries: each distinct value with how often it came."""
    counted = list(Counter(datum.values).items())
    return [
        {
            "MetricName": datum.key.name,
            "Dimensions": [{"Name": name, "Value": value} for name, value in datum.key.dimensions],
            "Unit": datum.unit,
            "Timestamp": datetime.fromtimestamp(datum.time_ms / 1000, UTC),
            "Values": [value for value, _ in counted[start : start + DATUM_VALUES]],
            "Counts": [float(count) for _, count in counted[start : start + DATUM_VALUES]],
        }
        for start in range(0, len(counted), DATUM_VALUES)
    ]
