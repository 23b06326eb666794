"""The running simulator: volumes, cluster, mirror, ledger, and the way of an operation through them.

An operation happens on disk (in the disk thread), is written into the ledger, is mirrored into the bucket,
and is then told to the FPolicy servers.
"""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

from lab.ontap_sim import wire
from lab.ontap_sim.asking import PASSES
from lab.ontap_sim.clock import Clock
from lab.ontap_sim.cluster import Cluster
from lab.ontap_sim.config import Config, S3Connection
from lab.ontap_sim.delivery import Delivery, store_row
from lab.ontap_sim.dialect import Dialect
from lab.ontap_sim.ems import EmsLog
from lab.ontap_sim.fsx_face import FsxFace
from lab.ontap_sim.fsx_state import GIB
from lab.ontap_sim.ledger import Ledger, Row, operation_row
from lab.ontap_sim.management import Management
from lab.ontap_sim.mirror import FaceStore, Mirror
from lab.ontap_sim.model import Operation, SimError
from lab.ontap_sim.protobuf_wire import ProtobufWire
from lab.ontap_sim.requests import Request
from lab.ontap_sim.storm import Storm, requests
from lab.ontap_sim.volume import VolumeContent
from lab.ontap_sim.watch import Watcher

_CHUNK = 50  # requests performed in one go; others get the disk thread in between
_GATHER_SECONDS = 0.03  # changes are looked for this long after the first: one look for a burst
_LOOK_SHARE = 4  # between two looks, at least this many times the duration of the last one


class Simulator:
    """A file system with its volumes. Made and used on one event loop."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.ledger = Ledger(config.ledger)
        clock = Clock()
        ems = EmsLog(clock)
        delivery = Delivery(self.ledger, config.switches, ems, dialects=_dialects(config))
        self.cluster = Cluster("FsxIdlab", config.nodes, config.svms, delivery)
        self.s3 = _connect(config.s3) if config.s3 else None
        self.mirror = Mirror(self.s3, config.s3.threads) if self.s3 and config.s3 else None
        self._watcher = Watcher()
        self.volumes = [
            VolumeContent(
                volume,
                clock,
                config.default_client,
                config.default_protocol,
                config.switches.first_write_window_seconds,
                self._watcher.add,
                config.switches.snapshot_reserve_percent,
            )
            for volume in config.volumes
        ]
        self.management = Management(config, self.cluster, self.volumes, clock, ems, self._ssd_bytes)
        self.fsx = FsxFace(config, self.volumes, self.management.accounts, self.management.faults)
        self._disk = ThreadPoolExecutor(1, thread_name_prefix="disk")
        self._changed = asyncio.Event()
        self._looking = False
        self._tasks: set[asyncio.Task[Any]] = set()
        self._seq = itertools.count(1)
        self.operations = self.monitored = self.storms = 0

    async def start(self) -> list[dict[str, str]]:
        """Make the S3 face with what the volumes hold already, start watching, return the access points."""
        faces = []
        for content in self.volumes:
            face = content.volume.s3
            if face and self.s3 and self.mirror:
                made = await asyncio.to_thread(self.s3.create_face, face)
                self.fsx.attach(content.volume.name, made["name"], made["alias"], made["arn"])
                faces.append({"svm": content.volume.svm.name, "volume": content.volume.name, **made})
                await self.mirror.seed(content.volume, [path for path, _ in content.files()])
        asyncio.get_running_loop().add_reader(self._watcher.fileno(), self._woken)
        self.watching = self.background(self._watch())
        self.background(self.fsx.publish())
        return faces

    def _ssd_bytes(self) -> int:
        return self.fsx.state.capacity_gib(self.fsx.now()) * GIB

    def background(self, coroutine: Any) -> asyncio.Task[Any]:
        """Run something until it ends or the simulator stops."""
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def close(self) -> None:
        """Stop everything."""
        asyncio.get_running_loop().remove_reader(self._watcher.fileno())
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.management.close()
        self.cluster.close()
        await asyncio.sleep(0)  # lets the closed connections say so
        self._disk.shutdown(wait=True, cancel_futures=True)
        if self.mirror:
            self.mirror.close()
        self._watcher.close()
        self.ledger.close()

    # operations --------------------------------------------------------------------------------------

    async def perform(self, wanted: list[Request]) -> list[Row]:
        """Do what clients ask, in order, and return the ledger's rows of it.

        Raises SimError at the first that cannot be done; those before it have happened and are reported.
        """
        if self.cluster.asks():
            return [row for request in wanted for row in await self._perform_asking(request)]
        done: list[Row] = []
        for start in range(0, len(wanted), _CHUNK):
            operations, error = await self._in_disk_thread(self._perform, wanted[start : start + _CHUNK])
            done += self._happened(operations)
            if error:
                raise error
        return done

    async def _perform_asking(self, request: Request) -> list[Row]:
        """Do what a client asks once the synchronous policies let it; a refused step ends it with a row."""
        rows: list[Row] = []
        for step in await self._in_disk_thread(lambda: self._volume(request.volume).steps(request)):
            preview = await self._in_disk_thread(lambda step=step: self._volume(step.volume).preview(step))
            status, asked = await self.cluster.ask(replace(preview, seq=(seq := next(self._seq))))
            if status not in PASSES:
                refusal = operation_row(replace(preview, seq=seq), monitored=True, status=status)
                self.ledger.append([refusal])
                return [*rows, refusal]
            operations, error = await self._in_disk_thread(self._perform, [step])
            known = [replace(operation, time_us=preview.time_us, seq=seq) for operation in operations]
            rows += self._happened(known, asked=asked, status=status if asked else "")
            if error:
                raise error
        return rows

    def _perform(self, wanted: list[Request]) -> tuple[list[Operation], SimError | None]:
        done: list[Operation] = []
        try:
            for request in wanted:
                done += self._volume(request.volume).perform(request)
        except SimError as exc:
            return done, exc
        except OSError as exc:  # the directory is a real one and may say no
            return done, SimError(str(exc))
        return done, None

    async def storm(self, storm: Storm) -> int:
        """Perform a storm at its rate and return the number of operations."""
        self.storms += 1
        try:
            began, count = time.monotonic(), 0
            for chunk in _chunks(requests(storm), _CHUNK):
                count += len(await self.perform(chunk))
                if storm.rate_per_second:
                    due = began + count / storm.rate_per_second
                    await asyncio.sleep(max(due - time.monotonic(), 0))
            return count
        finally:
            self.storms -= 1

    def _happened(
        self, operations: list[Operation], asked: frozenset[str] = frozenset(), status: str = ""
    ) -> list[Row]:
        """Write operations down, then mirror them and tell the servers, but for policies that were asked."""
        numbered = [replace(operation, seq=operation.seq or next(self._seq)) for operation in operations]
        policies = [self.cluster.policies_for(operation) for operation in numbered]
        pairs = list(zip(numbered, policies, strict=True))
        rows = [
            operation_row(
                operation,
                monitored=bool(names),
                missed=not names and self.cluster.is_missed(operation),
                status=status,
            )
            for operation, names in pairs
        ]
        self.ledger.append(rows)
        self.operations += len(pairs)
        self.monitored += sum(bool(names) for names in policies)
        for operation, names in pairs:
            untold = tuple(name for name in names if name not in asked)
            if self.mirror:
                self.mirror.submit(operation, lambda op=operation, to=untold: self.cluster.notify(op, to))  # type: ignore[misc]
            else:
                self.cluster.notify(operation, untold)
        return rows

    def default_volume(self) -> str:
        """Name the volume that a request without one means."""
        return self.volumes[0].volume.name

    def _volume(self, name: str) -> VolumeContent:
        for content in self.volumes:
            if content.volume.name == name:
                if not self.cluster.is_running(content.volume.svm.uuid):
                    raise SimError(f"volume {name}: SVM {content.volume.svm.name} is stopped")
                return content
        raise SimError(f"volume is {name!r}; there are {[item.volume.name for item in self.volumes]}")

    # what others do in the directories ---------------------------------------------------------------

    def _woken(self) -> None:
        self._watcher.drain()
        self._changed.set()

    async def _watch(self) -> None:
        while True:
            await self._changed.wait()
            await asyncio.sleep(_GATHER_SECONDS)
            self._looking = True
            self._changed.clear()
            began = time.monotonic()
            await self.look()
            self._looking = False
            await asyncio.sleep(_LOOK_SHARE * (time.monotonic() - began))

    async def look(self) -> None:
        """Find what other programs did in the volumes' directories."""
        self._happened(await self._in_disk_thread(self._scan))

    def _scan(self) -> list[Operation]:
        return [operation for content in self.volumes for operation in content.scan()]

    # what is asked about the whole -------------------------------------------------------------------

    async def snapshot(self) -> int:
        """Write a `file` row with hash for every file there is, and return their number."""
        await self.look()
        rows = await self._in_disk_thread(lambda: list(self._file_rows()))
        self.ledger.append(rows)
        return len(rows)

    def _file_rows(self) -> Iterator[Row]:
        for content in self.volumes:
            for path, entry in content.files():
                yield {
                    "kind": "file",
                    "path": content.volume.namespace_path(path),
                    "size": entry.size,
                    "sha256": _sha256(content.location(path)),
                    "mtime_us": entry.mtime_ns // 1000,
                }

    def mark(self, event: str) -> None:
        """Write a `run` row: something that the caller did at this moment, and how full the stores are."""
        stores = [store_row(self.cluster.svms[uuid], store) for uuid, store in self.cluster.stores.items()]
        self.ledger.append([{"kind": "run", "event": event, "at_us": time.time_ns() // 1000}, *stores])

    def status(self) -> dict[str, Any]:
        """Count operations and notifications; `idle`: nothing is on its way but the store's backlog."""
        cluster = self.cluster.status()
        mirroring = self.mirror.pending if self.mirror else 0
        busy = mirroring or cluster["waiting"] or self.storms or self._looking or self._changed.is_set()
        return {
            "operations": self.operations,
            "monitored": self.monitored,
            "storms_running": self.storms,
            "mirroring": mirroring,
            "mirror": dict(self.mirror.counts) if self.mirror else {},
            "idle": not busy,
            **cluster,
        }

    async def _in_disk_thread(self, call: Any, *arguments: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._disk, call, *arguments)


def _dialects(config: Config) -> dict[str, Dialect]:
    dialects: dict[str, Dialect] = {"xml": wire}
    if config.protobuf:
        dialects["protobuf"] = ProtobufWire(config.protobuf.field_map, config.protobuf.framing)
    return dialects


def _connect(connection: S3Connection) -> FaceStore:
    """Load boto3 only where there is an S3 face: it is most of the time that a start takes."""
    from lab.ontap_sim.s3 import S3

    return S3(connection)


def _chunks(items: Iterator[Request], size: int) -> Iterator[list[Request]]:
    while chunk := list(itertools.islice(items, size)):
        yield chunk


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
