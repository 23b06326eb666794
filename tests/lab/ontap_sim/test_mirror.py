"""The S3 face: the bucket holds what the volume holds before anyone is told."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import BinaryIO

from lab.ontap_sim.clock import Clock
from lab.ontap_sim.mirror import Bounded, Mirror, MirrorError
from lab.ontap_sim.model import Client, Operation, Protocol, S3Face, Svm, Volume
from lab.ontap_sim.requests import parse
from lab.ontap_sim.storm import Storm, requests
from lab.ontap_sim.volume import VolumeContent


class FakeBucket:
    """Objects in memory; `refuse` makes the next calls fail, `gate` holds them back."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.calls = self.waiting = 0
        self.refuse = 0
        self.gate = threading.Event()
        self.gate.set()
        self._lock = threading.Lock()

    def put(self, bucket: str, key: str, body: bytes | BinaryIO) -> None:
        data = body if isinstance(body, bytes) else body.read()
        self._call()
        self.objects[key] = data

    def delete(self, bucket: str, key: str) -> None:
        self._call()
        self.objects.pop(key, None)

    def _call(self) -> None:
        self.waiting += 1
        self.gate.wait(10)
        with self._lock:
            self.calls += 1
            self.refuse -= 1
            if self.refuse >= 0:
                raise MirrorError("refused")


def content_of(directory: Path) -> VolumeContent:
    face = S3Face("bucket", "ap")
    volume = Volume(Svm("svm1", "u", "FS1"), "vol1", "u", 1, "/vol1", directory, "vol1", 1 << 40, face)
    return VolumeContent(volume, Clock(), Client(), Protocol("NFS", 3, 0), 1.0, lambda _: None)


def files_of(content: VolumeContent) -> dict[str, bytes]:
    return {path[1:]: content.location(path).read_bytes() for path, _ in content.files()}


def perform(content: VolumeContent, op: str, path: str, **more: object) -> list[Operation]:
    return content.perform(parse({"op": op, "path": path, **more}, Client(), Protocol("NFS", 3, 0), "vol1"))


async def told_after(mirror: Mirror, operations: list[Operation]) -> list[Operation]:
    told: list[Operation] = []
    for operation in operations:
        mirror.submit(operation, lambda op=operation: told.append(op))
    while mirror.pending:
        await asyncio.sleep(0.001)
    return told


def test_after_a_storm_the_bucket_is_the_volume_and_everything_was_told(tmp_path: Path) -> None:
    content, bucket = content_of(tmp_path), FakeBucket()

    async def run() -> None:
        mirror = Mirror(bucket, threads=8)
        done = [operation for item in requests(Storm(count=600)) for operation in content.perform(item)]
        assert len(await told_after(mirror, done)) == 600
        mirror.close()

    asyncio.run(run())
    assert bucket.objects == files_of(content)


def test_a_renamed_folder_moves_every_object_below_it(tmp_path: Path) -> None:
    content, bucket = content_of(tmp_path), FakeBucket()

    async def run() -> None:
        mirror = Mirror(bucket, threads=2)
        for name in "abc":
            await told_after(mirror, perform(content, "create", f"/dir/sub/{name}"))
        await told_after(mirror, perform(content, "rename_dir", "/dir", target="/new"))
        mirror.close()

    asyncio.run(run())
    assert sorted(bucket.objects) == ["new/sub/a", "new/sub/b", "new/sub/c"]


def test_many_pending_writes_of_one_file_are_one_put_and_each_is_told(tmp_path: Path) -> None:
    """The first put is held back; the writes behind it need a single further one."""
    content, bucket = content_of(tmp_path), FakeBucket()
    told: list[str] = []

    async def run() -> None:
        mirror = Mirror(bucket, threads=4)
        bucket.gate.clear()
        operations = perform(content, "create", "/big")
        for _ in range(20):
            operations += perform(content, "write", "/big", length=100)
        first, *rest = operations
        mirror.submit(first, lambda: told.append("create"))
        await asyncio.sleep(0)
        for _ in rest:
            mirror.submit(_, lambda: told.append("write"))
        assert told == []
        bucket.gate.set()
        while mirror.pending:
            await asyncio.sleep(0.001)
        mirror.close()

    asyncio.run(run())
    assert told == ["create"] + ["write"] * 20
    assert len(bucket.objects["big"]) == 2000
    assert bucket.calls <= 2


def test_what_happens_while_a_put_is_under_way_needs_another_put(tmp_path: Path) -> None:
    content, bucket = content_of(tmp_path), FakeBucket()

    async def run() -> None:
        mirror = Mirror(bucket, threads=4)
        bucket.gate.clear()
        (created,) = perform(content, "create", "/a")
        mirror.submit(created, lambda: None)
        while not bucket.waiting:
            await asyncio.sleep(0.001)
        (written,) = perform(content, "write", "/a", text="new")
        mirror.submit(written, lambda: None)
        bucket.gate.set()
        while mirror.pending:
            await asyncio.sleep(0.001)
        mirror.close()

    asyncio.run(run())
    assert bucket.objects["a"] == b"new"


def test_nobody_is_told_before_the_object_is_there(tmp_path: Path) -> None:
    content, bucket = content_of(tmp_path), FakeBucket()
    seen: list[bool] = []

    async def run() -> None:
        mirror = Mirror(bucket, threads=4)
        for number in range(50):
            path = f"/{number}"
            for operation in perform(content, "create", path):
                mirror.submit(operation, lambda key=path[1:]: seen.append(key in bucket.objects))
        while mirror.pending:
            await asyncio.sleep(0.001)
        mirror.close()

    asyncio.run(run())
    assert seen == [True] * 50


def test_a_refused_put_is_tried_again_and_a_lasting_refusal_is_counted(tmp_path: Path) -> None:
    content, bucket = content_of(tmp_path), FakeBucket()

    async def run() -> Mirror:
        mirror = Mirror(bucket, threads=1)
        bucket.refuse = 1
        await told_after(mirror, perform(content, "create", "/a"))
        assert "a" in bucket.objects
        bucket.refuse = 100
        assert len(await told_after(mirror, perform(content, "create", "/b"))) == 1
        mirror.close()
        return mirror

    assert asyncio.run(run()).counts["failed"] == 1


def test_a_growing_file_is_read_up_to_the_size_that_it_had(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"0123456789")
    with Bounded(path, 6) as bounded:
        assert bounded.read(4) == b"0123"
        assert bounded.read() == b"45"
        assert bounded.read(1) == b""
        assert bounded.seek(0, 2) == 6
        assert bounded.seek(2) == 2
        assert bounded.read(100) == b"2345"
