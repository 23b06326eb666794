"""Moves events between memory and disk: out of memory above the high-water mark, back at the low-water mark.

Runs in the event loop; every touch of the disk happens in one thread of its own, one after the other, so a
slow disk never delays reading. What is written leaves memory only when its transaction is committed, and a
row is deleted only when the queue (or the quarantine) has its event: a death in between sends it twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from fsxn_runtime.errors import FsxnError

from fpolicy_server.delivery.accounting import Accounting
from fpolicy_server.delivery.lane import Delivery
from fpolicy_server.delivery.parcel import Fate, Parcel
from fpolicy_server.delivery.spool.errors import SpoolDamagedError, SpoolLostError, SpoolUnavailableError
from fpolicy_server.delivery.spool.file import Record, SpoolFile
from fpolicy_server.delivery.spool.folder import BEAT_SECONDS, Directory, Folder, Owner
from fpolicy_server.logs import Log

BATCH_EVENTS: Final = 1000  # in a transaction: some 2 MB, one sync of the disk
LOOK_SECONDS: Final = 1.0  # how soon a queue that takes events again is noticed
RETRY_SECONDS: Final = 5.0  # after a failure of our own file: a full disk does not heal in less

Result = TypeVar("Result")


class Store:
    """One open file in a folder that we own, and how far it is read."""

    def __init__(self, folder: Folder, file: SpoolFile) -> None:
        self.folder = folder
        self.file = file
        self.cursor = 0  # number of the last event that was loaded
        self.is_read = False  # to its end; what is appended makes it unread
        self.loaded: set[Parcel] = set()
        self.done: list[int] = []  # numbers that may be deleted
        self.used_bytes = 0

    @property
    def is_empty(self) -> bool:
        """Whether every event has gone to the queue and out of the file."""
        return self.is_read and not self.loaded and not self.done


class Spool:
    """The overflow of one process. Use it in the event loop; `run` does the work.

    `on_spooled(count)` follows a commit; `on_failure(reason)` counts; `on_end(fate, reason)` tells what
    became of an event that came from disk.
    """

    def __init__(
        self,
        root: Path,
        *,
        max_bytes: int,
        is_lasting: bool,
        owner: Owner,
        accounting: Accounting,
        delivery: Delivery,
        on_spooled: Callable[[int], None],
        on_failure: Callable[[str], None],
        on_end: Callable[[Fate, str], None],
        log: Log,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._directory = Directory(root, owner)
        self._max_bytes = max_bytes
        self.is_lasting = is_lasting
        self._accounting = accounting
        self._delivery = delivery
        self._on_spooled = on_spooled
        self._on_failure = on_failure
        self._on_end = on_end
        self._log = log
        self._thread = ThreadPoolExecutor(1, "spool")
        self._work = asyncio.Lock()
        self._wake = asyncio.Event()
        self._is_loading = True
        self._own: Store | None = None
        self._adopted: list[Store] = []
        self._beat_at = float("-inf")
        self.waiting = 0  # events on our own file that are not in memory

    def wake(self) -> None:
        """Look now whether there is something to move."""
        self._wake.set()

    @property
    def used_bytes(self) -> int:
        """What events fill on disk, in all files that are ours."""
        return sum(store.used_bytes for store in self._stores() if not store.is_empty)

    @property
    def is_empty(self) -> bool:
        """Whether nothing of ours is on disk."""
        return all(store.is_empty for store in self._stores())

    async def run(self) -> None:
        """Move events until cancelled."""
        while True:
            try:
                async with self._work:
                    await self._step()
            except Exception as exc:  # noqa: BLE001 - a defect here must not end the process with its memory
                self._failed(exc.code if isinstance(exc, FsxnError) else "crashed", exc)
                await asyncio.sleep(RETRY_SECONDS)
            try:
                await asyncio.wait_for(self._wake.wait(), LOOK_SECONDS)
            except TimeoutError:
                pass  # also without being woken: leases, adoption, room in memory
            self._wake.clear()

    def stop_loading(self) -> None:
        """From now on bring nothing back into memory."""
        self._is_loading = False

    async def keep(self, seconds: float) -> None:
        """Write all that memory holds, at most so long; what could not be written stays in memory."""
        try:
            async with asyncio.timeout(max(0.0, seconds)), self._work:
                on_disk = {parcel for store in self._stores() for parcel in store.loaded}
                self._delivery.end(on_disk, Fate.ABANDONED)  # from memory; their rows stay
                await self._ready()
                parcels = self._delivery.unended()
                for first in range(0, len(parcels), BATCH_EVENTS):
                    await self._append(parcels[first : first + BATCH_EVENTS])
        except (SpoolUnavailableError, SpoolDamagedError, SpoolLostError) as exc:
            self._failed(exc.code, exc)
        except TimeoutError:
            self._failed("too_slow", None)

    async def left(self, limit: int) -> list[str]:
        """Give the ids of events on our own file that are not in memory, at most so many."""
        if self._own is None or not self.waiting:
            return []
        try:
            return await self._call(self._own.file.ids, self._own.cursor, limit)
        except (SpoolUnavailableError, SpoolDamagedError) as exc:
            self._failed(exc.code, exc)
            return []

    async def wait_until_empty(self, seconds: float) -> None:
        """Wait until nothing of ours is on disk or in memory, at most so long."""
        deadline = self._loop.time() + seconds
        while (left := deadline - self._loop.time()) > 0 and not (self.is_empty and not self.waiting):
            self.wake()
            await asyncio.sleep(min(left, LOOK_SECONDS / 10))
        await self._delivery.wait_until_empty(deadline - self._loop.time())

    async def close(self, seconds: float) -> None:
        """Give up our folders, so that other processes adopt at once what is in them."""
        try:
            async with asyncio.timeout(max(0.0, seconds)), self._work:
                for store in self._stores():
                    await self._give_up(store)
                self._own, self._adopted = None, []
        except (SpoolUnavailableError, TimeoutError) as exc:
            self._log.warning("spool.not_closed", error=exc)
        self._thread.shutdown(wait=False)

    async def _step(self) -> None:
        await self._ready()
        accounting = self._accounting
        if accounting.count >= accounting.high:
            while accounting.count > accounting.spill_to and await self._spill():
                pass
        while self._is_loading and accounting.count <= accounting.low and await self._load():
            pass
        await self._tidy()

    async def _ready(self) -> None:
        """Have a file of our own, and regularly show that we live and adopt what the dead left."""
        now = self._loop.time()
        if now - self._beat_at >= BEAT_SECONDS:
            self._beat_at = now
            for store in self._stores():
                await self._guarded(store, store.folder.beat)
            if self._is_loading:
                folders, failures = await self._call(self._directory.adopt, now)
                for failure in failures:
                    self._failed(failure.code, failure)
                for folder in folders:
                    await self._adopt(folder)
        if self._own is None:
            folder = await self._call(self._directory.make)
            self._own, self.waiting = await self._open(folder), 0
            if self._own is None:
                raise SpoolUnavailableError(f"{folder.path}: a new file is damaged at once", code="damaged")
            self._own.is_read = True

    async def _adopt(self, folder: Folder) -> None:
        try:
            store = await self._open(folder)
        except SpoolUnavailableError as exc:
            self._failed(exc.code, exc)
            return
        if store is not None:
            self._adopted.append(store)
            self._log.warning("spool.adopted", folder=folder.path.name, bytes=store.used_bytes)

    async def _open(self, folder: Folder) -> Store | None:
        """Open the file of a folder; a damaged one is set aside, one that cannot be read now is let go."""

        def open_() -> Store:
            file = SpoolFile(folder.file, max_bytes=self._max_bytes, is_synced=self.is_lasting)
            store = Store(folder, file)
            store.used_bytes = file.used_bytes()
            return store

        try:
            return await self._call(open_)
        except SpoolDamagedError as exc:
            await self._set_aside(folder, exc)
            return None
        except SpoolUnavailableError:
            await self._call(folder.release)
            raise

    async def _spill(self) -> bool:
        """Move the newest events out of memory; False when there is none that can be moved."""
        accounting = self._accounting
        count = min(BATCH_EVENTS, accounting.count - accounting.spill_to)
        parcels = self._delivery.take_back(count)
        if not parcels:
            return False
        try:
            await self._append(parcels)
        except Exception as exc:
            for parcel in parcels:
                self._delivery.submit(parcel)
            if self._own is None or not isinstance(exc, SpoolDamagedError):
                raise
            await self._drop(self._own, exc)
            return False  # the next step makes a new file
        return True

    async def _append(self, parcels: Sequence[Parcel]) -> None:
        assert self._own is not None
        store = self._own
        await self._call(store.file.append, [_record(parcel) for parcel in parcels])
        self.waiting += len(parcels)
        store.is_read = False
        self._on_spooled(len(parcels))
        self._delivery.end(parcels, Fate.SPOOLED)
        store.used_bytes = await self._call(store.file.used_bytes)

    async def _load(self) -> bool:
        """Bring the oldest events back into memory; False when there is none."""
        for store in [*self._adopted, *([self._own] if self._own is not None else [])]:
            if store.is_read:
                continue
            # One batch is never more than what moves out again at the high-water mark.
            room = min(BATCH_EVENTS, self._accounting.spill_to - self._accounting.count)
            rows = await self._guarded(store, store.file.load, store.cursor, room)
            if rows is None:
                continue
            store.is_read = len(rows) < room
            for number, record in rows:
                if not self._accounting.has_room:  # the nodes were faster than the disk
                    store.is_read = False
                    return False
                store.cursor = number
                self.waiting -= store is self._own
                self._submit(store, number, record)
            if rows:
                return True
        return False

    def _submit(self, store: Store, number: int, record: Record) -> None:
        self._accounting.add()
        parcel = Parcel(
            id=record.id,
            event_type=record.event_type,
            body=record.body,
            payload=record.payload,
            on_end=lambda fate, reason: self._ended(store, number, parcel, fate, reason),
        )
        store.loaded.add(parcel)
        if record.reason:
            self._delivery.quarantine(parcel, record.reason, record.detail)
        else:
            self._delivery.submit(parcel)

    def _ended(self, store: Store, number: int, parcel: Parcel, fate: Fate, reason: str) -> None:
        store.loaded.discard(parcel)
        if fate is not Fate.ABANDONED:
            store.done.append(number)
        self._accounting.remove()
        self._on_end(fate, reason)
        if not store.loaded:
            self._wake.set()

    async def _tidy(self) -> None:
        """Delete what the queue has. A file of which it has all goes as a whole: a full disk allows that."""
        for store in self._stores():
            if store.is_read and not store.loaded and (store.done or store is not self._own):
                store.done.clear()
                if store is self._own:
                    self._own = None  # the next step makes a new one
                else:
                    self._adopted.remove(store)
                await self._give_up(store)
            elif store.done:
                numbers = store.done[:]  # more may end meanwhile; what fails is tried again
                await self._guarded(store, store.file.delete, numbers)
                del store.done[: len(numbers)]
                store.used_bytes = await self._guarded(store, store.file.used_bytes) or 0

    async def _give_up(self, store: Store) -> None:
        await self._call(store.file.close)
        await self._call(store.folder.remove if store.is_empty else store.folder.release)

    async def _guarded(self, store: Store, call: Callable[..., Result], *arguments: object) -> Result | None:
        """Call; a file that fails is dropped. Only of our own a passing failure is raised."""
        try:
            return await self._call(call, *arguments)
        except (SpoolDamagedError, SpoolLostError) as exc:
            await self._drop(store, exc)
        except SpoolUnavailableError as exc:
            if store is self._own:
                raise
            await self._drop(store, exc)
        return None

    async def _drop(
        self, store: Store, exc: SpoolDamagedError | SpoolLostError | SpoolUnavailableError
    ) -> None:
        """Use a file no more. Events of it that are in memory are delivered all the same."""
        if store is self._own:
            self._own, self.waiting = None, 0
        elif store in self._adopted:
            self._adopted.remove(store)
        else:
            return
        await self._call(store.file.close)
        if isinstance(exc, SpoolDamagedError):
            await self._set_aside(store.folder, exc)
            return
        self._failed(exc.code, exc)
        if isinstance(exc, SpoolLostError):
            store.folder.abandon()
        else:
            await self._call(store.folder.release)  # to be adopted again, by whom it does not fail

    async def _set_aside(self, folder: Folder, exc: SpoolDamagedError) -> None:
        self._failed(exc.code, exc)
        try:
            place = await self._call(folder.set_aside, exc.code)
        except SpoolUnavailableError as failure:
            self._failed(failure.code, failure)
            return
        self._log.error("spool.set_aside", folder=place.name, reason=exc.code)

    def _failed(self, reason: str, exc: Exception | None) -> None:
        self._log.error("spool.failed", reason=reason, error=exc)
        self._on_failure(reason)

    def _stores(self) -> list[Store]:
        return [*self._adopted, *([self._own] if self._own is not None else [])]

    async def _call(self, call: Callable[..., Result], *arguments: object) -> Result:
        return await self._loop.run_in_executor(self._thread, partial(call, *arguments))


def _record(parcel: Parcel) -> Record:
    return Record(
        parcel.id, parcel.event_type, parcel.body, parcel.payload, reason=parcel.reason, detail=parcel.detail
    )
