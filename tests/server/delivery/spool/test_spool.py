from __future__ import annotations

import asyncio
import contextlib
import json
import os
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from fpolicy_server.delivery import Accounting, Delivery, Fate, Owner, Parcel, Spool
from fpolicy_server.delivery.parcel import Message
from fpolicy_server.delivery.spool.errors import SpoolUnavailableError
from fpolicy_server.delivery.spool.file import Record, SpoolFile
from fpolicy_server.delivery.spool.folder import Directory
from fsxn_runtime.edge.log import logger
from fsxn_runtime.errors import FsxnError, RejectedError, TransientError
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.queue_double import QueueDouble

MIB = 1024 * 1024
BOUND, HIGH, LOW = 100, 80, 50


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lengths of waits only cost time here."""
    monkeypatch.setattr("fpolicy_server.delivery.lane.backoff_seconds", lambda attempts, random: 0.01)
    monkeypatch.setattr("fpolicy_server.delivery.spool.spool.LOOK_SECONDS", 0.02)
    monkeypatch.setattr("fpolicy_server.delivery.spool.spool.RETRY_SECONDS", 0.02)
    monkeypatch.setattr("fpolicy_server.delivery.spool.spool.BEAT_SECONDS", 0.05)


class Bench:
    """One process's memory, spool and queue. `queue.judge` says what the queue does."""

    def __init__(self, root: Path, queue: QueueDouble, *, max_bytes: int, lasting: bool) -> None:
        self.queue, self.quarantine = queue, QueueDouble()
        self.fates: dict[str, list[Fate]] = {}
        self.from_disk: Counter[Fate] = Counter()
        self.spooled = 0
        self.failures: Counter[str] = Counter()
        self.pressures: list[bool] = []
        self.accounting = Accounting(
            BOUND, HIGH, LOW, on_pressure=self.pressures.append, on_room=lambda: None, on_high=self._wake
        )
        self.delivery = Delivery(
            self.queue,
            self.quarantine,
            linger_seconds=0.001,
            events_per_message=1,
            calls_in_flight=2,
            on_retry=lambda: None,
            log=logger("test"),
        )
        self.spool = Spool(
            root,
            max_bytes=max_bytes,
            is_lasting=lasting,
            owner=Owner.here(),
            accounting=self.accounting,
            delivery=self.delivery,
            on_spooled=self._count,
            on_failure=lambda reason: self.failures.update([reason]),
            on_end=lambda fate, reason: self.from_disk.update([fate]),
            log=logger("test"),
        )
        self.running = asyncio.create_task(self.spool.run())

    def _wake(self) -> None:
        self.spool.wake()

    def _count(self, count: int) -> None:
        self.spooled += count

    async def receive(self, *names: str) -> None:
        """Take events as a session does: not beyond the bound."""
        for name in names:
            await until(lambda: self.accounting.has_room)
            self.accounting.add()
            self.delivery.submit(
                Parcel(
                    id=name,
                    event_type="FILE_CREATE",
                    body=json.dumps({"n": name}).encode(),
                    payload=b"wire",
                    on_end=lambda fate, reason, name=name: self._ended(name, fate),  # type: ignore[misc]
                )
            )

    def _ended(self, name: str, fate: Fate) -> None:
        self.fates.setdefault(name, []).append(fate)
        self.accounting.remove()

    @property
    def accepted(self) -> list[str]:
        """Names in the order in which the queue accepted them."""
        return [json.loads(body)["n"] for body in self.queue.accepted]

    async def is_over(self) -> None:
        """Wait until nothing is left in memory or on disk."""
        await until(lambda: not self.accounting.count and not self.spool.waiting and self.spool.is_empty)

    async def die(self) -> None:
        """End as a killed process does: locks are free, files as they were, nothing is said."""
        self.running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self.running
        stores, self.spool._own, self.spool._adopted = self.spool._stores(), None, []
        self.spool._thread.shutdown()
        for store in stores:
            os.close(store.folder._lock)
            store.file.close()
        self.queue.judge = down  # what the calls still hold is lost, too
        for lane in (self.delivery._ingestion, self.delivery._quarantine):
            lane._calls_in_flight = 0  # and nothing is sent any more
            for call in lane._calls:
                call.cancel()


def down(_message: Message) -> FsxnError:
    return TransientError("down")


def up(_message: Message) -> None:
    return None


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.002)


@asynccontextmanager
async def bench(
    root: Path, queue: QueueDouble | None = None, *, max_bytes: int = 64 * MIB, lasting: bool = True
) -> AsyncIterator[Bench]:
    one = Bench(root, queue or QueueDouble(), max_bytes=max_bytes, lasting=lasting)
    try:
        yield one
    finally:
        if one.spool._own is not None or not one.running.done():
            await one.die()


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(40):
            await scenario()

    asyncio.run(bounded())


def names(count: int, first: int = 0) -> list[str]:
    return [f"{number:04}" for number in range(first, first + count)]


def test_memory_comes_first(tmp_path: Path) -> None:
    """Below the high-water mark nothing is written, however long the queue is away."""

    async def scenario() -> None:
        async with bench(tmp_path, QueueDouble(down)) as b:
            await b.receive(*names(HIGH - 1))
            await asyncio.sleep(0.2)
            assert (b.spooled, b.spool.waiting, b.accounting.count) == (0, 0, HIGH - 1)

    run(scenario)


def test_an_outage_far_beyond_memory_costs_no_event_and_no_pressure(tmp_path: Path) -> None:
    """Ten times the bound while the queue is away; then all arrive, the spooled ones in order of arrival."""

    async def scenario() -> None:
        async with bench(tmp_path, QueueDouble(down)) as b:
            for first in range(0, 10 * BOUND, 10):
                await b.receive(*names(10, first))
                await until(lambda: b.accounting.count < HIGH)
            assert b.pressures == []
            assert b.spool.waiting == b.spooled > 9 * BOUND
            assert b.spool.used_bytes > b.spooled * 20
            on_disk = [name for name in names(10 * BOUND) if b.fates.get(name) == [Fate.SPOOLED]]
            b.queue.judge = up
            await b.is_over()
            assert sorted(b.accepted) == names(10 * BOUND)
            assert {tuple(fates) for fates in b.fates.values()} == {(Fate.ACCEPTED,), (Fate.SPOOLED,)}
            assert b.from_disk == {Fate.ACCEPTED: len(on_disk)}
            assert b.spool.used_bytes == 0
            # Loaded in order; calls in flight may overtake each other by a batch or two.
            arrived = [name for name in b.accepted if name in set(on_disk)]
            places = {name: place for place, name in enumerate(on_disk)}
            assert max(abs(places[name] - place) for place, name in enumerate(arrived)) <= BOUND

    run(scenario)


def test_a_spool_that_is_full_leaves_memory_pressure_and_the_bound(tmp_path: Path) -> None:
    """Nothing fits: events stay in memory, pressure is asked for, and all arrive in the end."""

    async def scenario() -> None:
        async with bench(tmp_path, QueueDouble(down), max_bytes=1) as b:
            await b.receive(*names(BOUND))
            await until(lambda: b.failures["full"] >= 2)
            assert b.pressures == [True]
            assert not b.accounting.has_room
            assert b.spooled == 0
            b.queue.judge = up
            await b.is_over()
            assert sorted(b.accepted) == names(BOUND)
            assert b.pressures == [True, False]
            assert set(b.failures) == {"full"}

    run(scenario)


def test_what_could_not_be_written_moves_when_it_can_be(tmp_path: Path) -> None:
    """The directory appears only after memory is full to its bound and everything waits to be sent again."""

    async def scenario() -> None:
        root = tmp_path / "later"
        async with bench(root, QueueDouble(down)) as b:
            await b.receive(*names(BOUND))
            await until(lambda: b.failures["io_failed"] >= 2)
            root.mkdir()
            await until(lambda: b.accounting.count < HIGH)
            assert b.pressures == [True, False]
            assert b.accounting.has_room
            b.queue.judge = up
            await b.is_over()
            assert sorted(b.accepted) == names(BOUND)

    run(scenario)


def test_a_disk_that_is_too_full_even_to_delete_is_emptied_all_the_same(tmp_path: Path) -> None:
    """Deleting rows needs room in the log. What the queue has by then goes with the whole file."""

    def refuse(_numbers: object) -> None:
        raise SpoolUnavailableError("no room", code="disk_full")

    async def scenario() -> None:
        async with bench(tmp_path, QueueDouble(down)) as b:
            for first in range(0, 5 * BOUND, 10):
                await b.receive(*names(10, first))
                await until(lambda: b.accounting.count < HIGH)
            assert b.spool._own is not None
            b.spool._own.file.delete = refuse  # type: ignore[method-assign]
            (before,) = tmp_path.glob("task-*")
            b.queue.judge = up
            await b.is_over()
            assert sorted(b.accepted) == names(5 * BOUND)
            assert b.failures["disk_full"] >= 1
            await until(lambda: not before.exists() and len(list(tmp_path.glob("task-*"))) == 1)

    run(scenario)


def test_a_file_damaged_in_use_is_set_aside_and_the_rest_goes_on(tmp_path: Path) -> None:
    """Its pages are overwritten during an outage: what it held is for a person, everything else arrives."""

    async def scenario() -> None:
        async with bench(tmp_path, QueueDouble(down)) as b:
            await b.receive(*names(BOUND - 1))
            await until(lambda: b.spooled and b.accounting.count < HIGH)
            kept = {name for name, fates in b.fates.items() if fates == [Fate.SPOOLED]}
            (folder,) = tmp_path.glob("task-*")
            for file in folder.glob("spool.sqlite*"):
                file.write_bytes(b"\xff" * file.stat().st_size)
            assert b.spool._own is not None
            b.spool._own.file._database.execute(
                "PRAGMA shrink_memory"
            )  # what it read it would not read again
            await b.receive(*names(BOUND - 1, first=1000))
            b.queue.judge = up
            await b.is_over()
            lost = {*names(BOUND - 1), *names(BOUND - 1, first=1000)} - set(b.accepted)
            assert lost <= kept
            assert b.failures["damaged"] == 1
            assert len(list(tmp_path.glob("set-aside-damaged-task-*/spool.sqlite"))) == 1
            await until(lambda: len(list(tmp_path.glob("task-*"))) == 1)

    run(scenario)


def test_a_damaged_folder_of_the_dead_keeps_nobody_from_the_others(tmp_path: Path) -> None:
    for content in ("good", "bad"):
        folder = Directory(tmp_path, Owner(content, "")).make()
        file = SpoolFile(folder.file, max_bytes=MIB, is_synced=True)
        file.append([Record("x", "FILE_CREATE", json.dumps({"n": content}).encode(), b"")])
        file.close()
        folder.release()
    (bad,) = tmp_path.glob("task-bad-*/spool.sqlite")
    bad.write_bytes(b"\xff" * 10_000)

    async def scenario() -> None:
        async with bench(tmp_path) as b:
            await until(lambda: b.accepted == ["good"])
            await b.is_over()
            assert b.failures == {"damaged": 1}
            assert len(list(tmp_path.glob("set-aside-damaged-*"))) == 1
            await until(lambda: len(list(tmp_path.glob("task-*"))) == 1)  # only our own is left

    run(scenario)


def test_a_folder_that_was_taken_from_us_is_given_up(tmp_path: Path) -> None:
    """As after standing still on a file system without shared locks; we go on with a new one."""

    async def scenario() -> None:
        async with bench(tmp_path, QueueDouble(down)) as b:
            await until(lambda: b.spool._own)
            (folder,) = tmp_path.glob("task-*")
            (folder / "lease").write_text('{"owner": "somebody else", "kernel": "other"}')
            await until(lambda: b.failures["lost"])
            await until(lambda: len(list(tmp_path.glob("task-*"))) == 2)
            await b.receive(*names(BOUND))
            await until(lambda: b.accounting.count < HIGH)
            b.queue.judge = up
            await b.is_over()
            assert sorted(b.accepted) == names(BOUND)

    run(scenario)


def refuse_all(_message: Message) -> FsxnError:
    return RejectedError("no", code="refused_by_queue")


def test_what_is_refused_after_the_disk_goes_to_quarantine_with_its_bytes(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with bench(tmp_path, QueueDouble(down)) as b:
            await b.receive(*names(BOUND - 1))
            await until(lambda: b.accounting.count < HIGH)
            b.queue.judge = refuse_all
            await b.is_over()
            kept = [json.loads(body) for body in b.quarantine.accepted]
            assert sorted(record["event_id"] for record in kept) == names(BOUND - 1)
            assert {record["payload_base64"] for record in kept} == {"d2lyZQ=="}
            assert b.from_disk == {Fate.QUARANTINED: b.spooled}

    run(scenario)


def test_what_is_left_at_the_deadline_survives_on_a_lasting_spool(tmp_path: Path) -> None:
    """Some was on disk before, some is refused while the quarantine is away; the heir has it all."""

    def refuse_some(message: Message) -> FsxnError:
        return refuse_all(message) if message.parcels[0].id < "0005" else down(message)

    async def scenario() -> None:
        async with bench(tmp_path, QueueDouble(refuse_some)) as b:
            b.quarantine.judge = down
            await b.receive(*names(2 * BOUND))
            b.spool.stop_loading()
            await b.spool.keep(20)
            assert b.delivery.abandon() == []
            assert b.accounting.count == 0
            await b.spool.close(20)
            assert {tuple(fates) for fates in b.fates.values()} == {(Fate.SPOOLED,)}
            b.running.cancel()
        async with bench(tmp_path, QueueDouble(refuse_some)) as heir:
            heir.queue.judge = up
            await until(lambda: len(heir.accepted) + len(heir.quarantine.accepted) == 2 * BOUND)
            await heir.is_over()
            reasons = {json.loads(body)["reason"] for body in heir.quarantine.accepted}
            assert reasons == {"refused_by_queue"}
            assert len(heir.quarantine.accepted) == 5

    run(scenario)


def test_what_came_back_into_memory_stays_on_disk_until_the_queue_has_it(tmp_path: Path) -> None:
    """Loaded while the queue is away again, then stopped in order: the next process finds it all."""

    async def scenario() -> None:
        async with bench(tmp_path, QueueDouble(down)) as first:
            await first.receive(*names(HIGH - 1))
            await first.spool.keep(20)
            await first.spool.close(20)
            first.running.cancel()
        async with bench(tmp_path, QueueDouble(down)) as second:
            await until(lambda: second.accounting.count >= LOW)
            second.spool.stop_loading()
            await second.spool.keep(20)
            assert second.delivery.abandon() == []
            await second.spool._step()  # one more, before it closes
            await second.spool.close(20)
            second.running.cancel()
        async with bench(tmp_path) as third:
            await until(lambda: sorted(set(third.accepted)) == names(HIGH - 1))
            await third.is_over()

    run(scenario)


def test_a_spool_that_hangs_at_the_deadline_does_not_hold_up_the_end(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with bench(tmp_path, QueueDouble(down)) as b:
            await until(lambda: b.spool._own)
            await b.receive(*names(10))
            hanging = asyncio.get_running_loop().create_future()
            b.spool._call = lambda *_: hanging  # type: ignore[method-assign,assignment]
            await b.spool.keep(0.1)
            assert b.failures == {"too_slow": 1}
            assert sorted(b.delivery.abandon()) == names(10)
            del b.spool._call

    run(scenario)


steps = st.lists(
    st.one_of(
        st.tuples(st.just("receive"), st.integers(1, 60)),
        st.tuples(st.just("queue"), st.booleans()),
        st.tuples(st.just("kill"), st.just(0)),
        st.tuples(st.just("stop"), st.just(0)),
    ),
    max_size=10,
)


@given(steps)
@settings(max_examples=15, deadline=None)
def test_whatever_happens_what_was_committed_arrives(script: list[tuple[str, int]]) -> None:
    """Receive, lose and regain the queue, be killed, stop in order; at the end the queue is there.

    Debts are all events but those that were only in the memory of a killed process.
    """

    async def scenario(root: Path) -> None:
        queue, forgiven, number = QueueDouble(), set[str](), 0
        is_up = True
        b = Bench(root, queue, max_bytes=64 * MIB, lasting=True)
        for what, value in script:
            if what == "receive":
                await b.receive(*names(value, number))
                number += value
            elif what == "queue":
                is_up = bool(value)
                queue.judge = up if is_up else down
            else:
                if what == "kill":
                    await b.die()
                    forgiven |= {name for name in names(number) if name not in b.fates}
                else:
                    b.spool.stop_loading()
                    await b.spool.keep(20)
                    await b.spool.close(20)
                    b.running.cancel()
                queue = QueueDouble(up if is_up else down)
                queue.accepted = b.queue.accepted
                b = Bench(root, queue, max_bytes=64 * MIB, lasting=True)
        queue.judge = up
        await until(lambda: set(names(number)) - forgiven <= set(b.accepted))
        await b.is_over()
        assert set(b.accepted) <= set(names(number))
        await b.die()

    with tempfile.TemporaryDirectory() as root:
        run(lambda: scenario(Path(root)))
