"""The volumes' S3 face: after each operation the bucket holds what the volume holds, before anyone is told.

For every path that an operation changed, the object is made equal to the file as it is now: put when the
file is there, deleted when it is not. Doing that late is harmless and doing it twice is superfluous, so
operations on one path go one after the other, those on different paths at the same time, and a put that began
after an operation serves that operation too.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO, Protocol

from lab.ontap_sim.model import Operation, S3Face, Volume

_IN_MEMORY_BYTES = 1 << 20  # up to here a file is read at once; above it is streamed
_ATTEMPTS = 4  # a file that changes while it is read fails its checksum; it is quiet soon
_RETRY_SECONDS = 0.2


class MirrorError(Exception):
    """The object store did not take a change this time."""


class ObjectStore(Protocol):
    """What the mirror needs of S3."""

    def put(self, bucket: str, key: str, body: bytes | BinaryIO) -> None:
        """Store an object. Raises MirrorError."""

    def delete(self, bucket: str, key: str) -> None:
        """Delete an object, there or not. Raises MirrorError."""


class FaceStore(ObjectStore, Protocol):
    """An object store that can make a volume's S3 face."""

    def create_face(self, face: S3Face) -> dict[str, str]:
        """Make bucket and access point, or find them; return name, alias, ARN and bucket. Raises SimError."""


class Bounded(io.RawIOBase):
    """The first `size` bytes of a file that may be growing."""

    def __init__(self, path: Path, size: int) -> None:
        self._file = path.open("rb")
        self._size = size

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def read(self, count: int = -1, /) -> bytes:
        left = max(self._size - self._file.tell(), 0)
        return self._file.read(left if count is None or count < 0 else min(count, left))

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        if whence == io.SEEK_END:
            return self._file.seek(self._size + offset)
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def close(self) -> None:
        self._file.close()
        super().close()


class Mirror:
    """Bring operations into the bucket in order per path, then call back."""

    def __init__(self, store: ObjectStore, threads: int) -> None:
        self._store = store
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="mirror")
        self._last: dict[tuple[str, str], asyncio.Task[None]] = {}  # by bucket and path
        self._covered: dict[tuple[str, str], int] = {}  # every operation up to this number is in the bucket
        self._submitted = 0
        self.counts: Counter[str] = Counter()

    @property
    def pending(self) -> int:
        """Count paths that an operation is still on its way to."""
        return len(self._last)

    def submit(self, operation: Operation, then: Callable[[], None]) -> None:
        """Mirror one operation, already done on disk, and call `then` on the event loop.

        `then` is called in any case: what the bucket did not take is counted as `failed`.
        """
        face = operation.volume.s3
        if face is None or not operation.changed_paths:
            then()
            return
        self._submitted += 1
        keys = [(face.bucket, path) for path in operation.changed_paths]
        before = [self._last[key] for key in keys if key in self._last]
        number = self._submitted
        task = asyncio.get_running_loop().create_task(self._run(operation.volume, keys, before, number, then))
        for key in keys:
            self._last[key] = task

    async def seed(self, volume: Volume, paths: list[str]) -> None:
        """Put files that were there at the start."""
        assert volume.s3 is not None
        bucket = volume.s3.bucket
        await asyncio.gather(*(self._bring(volume, (bucket, path)) for path in paths))

    async def _run(
        self,
        volume: Volume,
        keys: list[tuple[str, str]],
        before: list[asyncio.Task[None]],
        number: int,
        then: Callable[[], None],
    ) -> None:
        if before:
            await asyncio.wait(before)
        await asyncio.gather(
            *(self._bring(volume, key) for key in keys if self._covered.get(key, 0) < number)
        )
        this = asyncio.current_task()
        for key in keys:
            if self._last.get(key) is this:
                del self._last[key]
                self._covered.pop(key, None)
        then()

    async def _bring(self, volume: Volume, key: tuple[str, str]) -> None:
        covers = self._submitted
        loop = asyncio.get_running_loop()
        for attempt in range(_ATTEMPTS):
            try:
                done = await loop.run_in_executor(self._pool, self._equalise, volume, *key)
            except (MirrorError, OSError):
                self.counts["retried"] += 1
                await asyncio.sleep(_RETRY_SECONDS * attempt)
                continue
            self.counts[done] += 1
            self._covered[key] = covers
            return
        self.counts["failed"] += 1

    def _equalise(self, volume: Volume, bucket: str, path: str) -> str:
        key, file = path[1:], volume.directory / path[1:]
        try:
            key.encode()
        except UnicodeEncodeError:
            return "not_representable"  # S3 keys are UTF-8, names of NFSv3 files need not be
        try:
            size = file.stat().st_size
            with contextlib.ExitStack() as stack:
                body: bytes | BinaryIO
                if size <= _IN_MEMORY_BYTES:
                    body = file.read_bytes()
                else:
                    body = stack.enter_context(Bounded(file, size))  # type: ignore[assignment]
                self._store.put(bucket, key, body)
            return "put"
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            self._store.delete(bucket, key)
            return "deleted"

    def close(self) -> None:
        """Give up what has not begun."""
        self._pool.shutdown(wait=True, cancel_futures=True)
