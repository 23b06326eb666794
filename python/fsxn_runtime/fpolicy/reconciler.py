"""All SVMs of one file system: read what is wanted and what runs, bring each SVM there, measure, remember."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, Final

from fsxn_runtime.edge.clock import now_us
from fsxn_runtime.edge.log import logger
from fsxn_runtime.edge.metrics import Emf
from fsxn_runtime.errors import FsxnError, TransientError
from fsxn_runtime.fpolicy import watch
from fsxn_runtime.fpolicy.clients import Tasks, VolumeMapObject
from fsxn_runtime.fpolicy.model import Probe, Wanted
from fsxn_runtime.fpolicy.ontap_side import Ontap
from fsxn_runtime.fpolicy.run import POLL_SECONDS, Clock, Report, Run
from fsxn_runtime.fpolicy.sight import status
from fsxn_runtime.fpolicy.store import LEASE_US, Lock, Memory
from fsxn_runtime.fpolicy.wanted import following, keeps_store, wanted_of
from fsxn_runtime.fpolicy.watch import Ems, VolumeUse

_log = logger("fpolicy")

Documents = Mapping[str, Mapping[str, Any]]

# A lock of a run that died is free after its lease.
LOCK_SECONDS: Final = LEASE_US / 1_000_000 + 5.0
# A server listens within seconds of RUNNING; without this wait it would be a minute until the next run.
START_SECONDS: Final = 10.0
YOUNG_US: Final = 60_000_000


class Reconciler:
    """Made anew for each invocation from parts that live longer."""

    def __init__(
        self,
        ontap: Ontap,
        tasks: Tasks,
        volume_map: VolumeMapObject,
        memory: Memory,
        lock: Lock,
        emf: Emf,
        clock: Clock,
    ) -> None:
        self._ontap = ontap
        self._tasks = tasks
        self._volume_map = volume_map
        self._memory = memory
        self._lock = lock
        self._emf = emf
        self._clock = clock

    def reconcile(self) -> dict[str, Any]:
        """Bring all SVMs to what is wanted. Each is done whatever becomes of the others.

        Raises the first failure at the end.
        """
        with self._locked():
            return self._all(self._memory.wanted())

    def want(self, name: str, document: Mapping[str, Any]) -> dict[str, Any]:
        """Keep what Terraform wants of one SVM, and bring it there. Raises what ONTAP refuses."""
        wanted_of(document)
        with self._locked():
            document = following(document, self._memory.wanted().get(name))
            self._memory.keep_wanted(name, document)
            return self._all({name: document})

    def remove(self, name: str, document: Mapping[str, Any]) -> dict[str, Any]:
        """Take away what was made for one SVM, and forget it."""
        wanted_of(document)
        with self._locked():
            wanted = wanted_of(following(document, self._memory.wanted().get(name)))
            report = self._run(wanted).remove(keeps_store=keeps_store(document))
            self._memory.forget(name)
            return {"svms": [asdict(report)]}

    def status(self) -> dict[str, Any]:
        """Show what is wanted and what is there, and change nothing."""
        return status(self._ontap, self._tasks, self._memory)

    # one SVM -----------------------------------------------------------------------------------------

    def _all(self, documents: Documents) -> dict[str, Any]:
        self._wait_for_starting_tasks()
        reports: list[Report] = []
        failures: list[FsxnError] = []
        for name, document in sorted(documents.items()):
            try:
                reports.append(self._one(name, wanted_of(document)))
                self._emf.count("ReconcileFailures_count", 0)
            except FsxnError as exc:
                self._fail("svm.failed", exc, failures, svm=name)
        try:
            self._watch()
        except FsxnError as exc:
            self._fail("watch.failed", exc, failures)
        if failures:
            raise failures[0]
        return {"svms": [asdict(report) for report in reports]}

    def _fail(self, event: str, exc: FsxnError, failures: list[FsxnError], **fields: str) -> None:
        self._emf.count("ReconcileFailures_count")
        _log.error(event, error=exc, **fields)
        failures.append(exc)

    def _wait_for_starting_tasks(self) -> None:
        """Give a task that has just started a moment to be ready."""
        until = self._clock.now() + START_SECONDS
        while self._clock.now() < until:
            young = now_us() - YOUNG_US
            tasks = self._tasks.running()
            if not any(task.probe is not Probe.READY and task.started_us > young for task in tasks):
                return
            self._clock.sleep(2 * POLL_SECONDS)

    def _one(self, name: str, wanted: Wanted) -> Report:
        good_us, lost_us = self._memory.svm(name)
        run = self._run(wanted)
        try:
            return run.reconcile(self._tasks.running)
        finally:
            self._emf.count("ReconcileUnguarded", run.report.unguarded)
            self._emf.count("ReconcileSteps_count", len(run.report.steps))
            self._measure(name, run, good_us, lost_us)

    def _run(self, wanted: Wanted) -> Run:
        uuid = self._ontap.svm_uuid(wanted.svm)
        side = self._ontap.side(uuid, with_certificates=wanted.looks_at_certificates)
        return Run(wanted, side, self._clock, self._lock.renew)

    def _measure(self, name: str, run: Run, good_us: int, lost_us: int | None) -> None:
        """Publish how long connections were missing: until now, or until they came back in this run.

        A run that could not look knows nothing, so it publishes nothing but what was lost before.
        """
        now, report = now_us(), run.report
        if report.was_missing is not None:
            lost_us = watch.lost_at(report.was_missing > 0, lost_us, good_us, run.first_links, now)
        if report.was_missing is not None or lost_us is not None:
            self._emf.put("FPolicyReconnectTime_sec", watch.reconnect_seconds(lost_us, now), "Seconds")
        if report.missing == 0:
            self._memory.keep_svm(name, now, None)
        elif report.missing is not None:
            self._memory.keep_svm(name, good_us, now if lost_us is None else lost_us)

    # beside the steps --------------------------------------------------------------------------------

    def _watch(self) -> None:
        """Keep the volume map fresh, measure the stores, read ONTAP's messages."""
        messages = self._messages()
        volumes: list[VolumeUse] = []
        for document in self._memory.wanted().values():
            svm = str(document["svm"])
            found = self._ontap.volumes(self._ontap.svm_uuid(svm))
            self._measure_store(svm, document.get("store"), found, messages)
            volumes += found
        if self._volume_map.put(watch.volume_map(volumes)):
            _log.info("volume_map.written", volumes=len(volumes))

    def _measure_store(
        self, svm: str, store: Mapping[str, Any] | None, volumes: Iterable[VolumeUse], messages: Iterable[Ems]
    ) -> None:
        if store is None:
            return
        volume = str(store["volume"])
        used_pct = watch.store_used_pct(volumes, volume)
        if used_pct is not None:
            self._emf.put("FPolicyStoreUsed_pct", used_pct, "Percent")
        full = watch.store_is_full(used_pct, messages, volume)
        self._emf.count("FPolicyStoreFull_count", int(full))
        if full:
            _log.error("store.full", svm=svm, volume=volume, used_pct=used_pct)

    def _messages(self) -> list[Ems]:
        position = self._memory.ems()
        if not position.time:
            start = datetime.fromtimestamp(now_us() / 1_000_000, UTC).isoformat(timespec="seconds")
            self._memory.keep_ems(watch.EmsPosition(start))
            return []
        fresh, position = watch.new_messages(self._ontap.ems(position.time), position)
        self._emf.count("FPolicyEmsAlerts_count", 0, Name="none")
        for message in fresh:
            if message.name in watch.ALERTS:
                self._emf.count("FPolicyEmsAlerts_count", Name=message.name)
                _log.error("ems.alert", name=message.name, at=message.time, text=message.text)
        self._memory.keep_ems(position)
        return fresh

    @contextmanager
    def _locked(self) -> Iterator[None]:
        until = self._clock.now() + LOCK_SECONDS
        while not self._lock.take():
            if self._clock.now() >= until:
                raise TransientError("another run has had the lock all the time", code="lock_taken")
            self._clock.sleep(2 * POLL_SECONDS)
        try:
            yield
        finally:
            self._lock.release()
