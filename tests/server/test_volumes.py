from __future__ import annotations

import asyncio
import io
import json
import time
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError
from fpolicy_server.logs import Log
from fpolicy_server.main import fetcher
from fpolicy_server.volume_keeper import VolumeKeeper
from fpolicy_server.volumes import Volume, VolumeMap
from fsxn_runtime.edge.log import logger
from fsxn_runtime.errors import RejectedError, TransientError

DOCUMENT = {
    "schema_version": "1.0",
    "svms": {
        "u1": {
            "name": "svm1",
            "volumes": {
                "2147484674": {"name": "vol1", "junction_path": "/vol1"},
                "2147484675": {"name": "unmounted", "junction_path": None},
            },
        },
        "u2": {"name": "svm2", "volumes": {}},
    },
}
LOG: Log = logger("test")


def test_the_document_is_read() -> None:
    volumes = VolumeMap.from_json(json.dumps(DOCUMENT).encode())
    assert volumes.volume("u1", 2147484674) == Volume("svm1", "vol1", b"/vol1")
    assert volumes.volume("u1", 2147484675) is None
    assert (volumes.svm_name("u2"), volumes.svm_name("u3")) == ("svm2", "")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff",
        b"[]",
        b"null",
        b'{"schema_version":"2.0","svms":{}}',
        b'{"svms":{}}',
        b'{"schema_version":"1.0","svms":[]}',
        b'{"schema_version":"1.0","svms":{"u":{"name":"s","volumes":{"x":{"name":"v","junction_path":"/v"}}}}}',
        b'{"schema_version":"1.0","svms":{"u":{"volumes":{}}}}',
    ],
)
def test_anything_else_is_refused(data: bytes) -> None:
    with pytest.raises(RejectedError):
        VolumeMap.from_json(data)


class ObjectStore:
    """An S3 client with one object, or with an error."""

    def __init__(self, error: Exception | None = None) -> None:
        self._error = error

    def get_object(self, **arguments: str) -> dict[str, io.BytesIO]:
        if self._error:
            raise self._error
        return {"Body": io.BytesIO(f"{arguments['Bucket']}|{arguments['Key']}".encode())}


def test_the_map_comes_from_a_file_or_an_object(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "map.json").write_bytes(b"here")
    monkeypatch.setattr("fpolicy_server.main.client", lambda service: ObjectStore())
    sources = [fetcher(location) for location in (str(tmp_path / "map.json"), "s3://bucket/a/map.json")]
    assert [source() for source in sources if source] == [b"here", b"bucket|a/map.json"]
    assert fetcher("") is None


def test_an_object_that_cannot_be_read_is_a_passing_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    error = EndpointConnectionError(endpoint_url="x")
    monkeypatch.setattr("fpolicy_server.main.client", lambda service: ObjectStore(error))
    source = fetcher("s3://bucket/map.json")
    assert source is not None
    with pytest.raises(TransientError):
        source()


class Source:
    """A fetch function with a script: bytes to give, or errors to raise."""

    def __init__(self, *script: bytes | Exception) -> None:
        self.script = list(script)
        self.calls = 0

    def __call__(self) -> bytes:
        self.calls += 1
        step: Any = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if isinstance(step, Exception):
            raise step
        return bytes(step)


@pytest.mark.parametrize("error", [FileNotFoundError("gone"), TransientError("slow")])
def test_a_failed_read_is_counted_and_keeps_the_last_good_map(error: Exception) -> None:
    good = json.dumps(DOCUMENT).encode()
    failures: list[None] = []

    async def scenario() -> None:
        keeper = VolumeKeeper(Source(error, good, error, b"no json"), 60, lambda: failures.append(None), LOG)
        await keeper.refresh()
        assert keeper.current == VolumeMap()
        await keeper.refresh()
        known = keeper.current
        assert known.svm_name("u1") == "svm1"
        await keeper.refresh()
        await keeper.refresh()
        assert keeper.current is known

    asyncio.run(scenario())
    assert len(failures) == 3


def test_without_a_source_the_map_stays_empty() -> None:
    async def scenario() -> None:
        keeper = VolumeKeeper(None, 60, lambda: None, LOG)
        await keeper.refresh()
        assert keeper.current == VolumeMap()

    asyncio.run(scenario())


def test_an_unknown_volume_brings_one_early_refresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask a hundred times: one read comes early, the next at the regular interval after it."""
    monkeypatch.setattr("fpolicy_server.volume_keeper.EARLY_INTERVAL_SECONDS", 0.01)
    times: list[float] = []

    def fetch() -> bytes:
        times.append(time.monotonic())
        return json.dumps(DOCUMENT).encode()

    async def scenario() -> None:
        keeper = VolumeKeeper(fetch, 0.5, lambda: None, LOG)
        task = asyncio.create_task(keeper.run())
        for _ in range(100):
            keeper.want_refresh()
        async with asyncio.timeout(20):
            while len(times) < 2:
                await asyncio.sleep(0.005)
        task.cancel()

    began = time.monotonic()
    asyncio.run(scenario())
    assert times[0] - began < 0.4 < times[1] - times[0]


def test_the_map_is_read_again_at_its_interval() -> None:
    source = Source(json.dumps(DOCUMENT).encode())

    async def scenario() -> None:
        task = asyncio.create_task(VolumeKeeper(source, 0.01, lambda: None, LOG).run())
        async with asyncio.timeout(10):
            while source.calls < 3:
                await asyncio.sleep(0.005)
        task.cancel()

    asyncio.run(scenario())


def test_a_changed_volume_brings_early_reads_until_the_reconciler_must_have_seen_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With an hour between regular reads: many reads within the time of watching, and none after it."""
    monkeypatch.setattr("fpolicy_server.volume_keeper.EARLY_INTERVAL_SECONDS", 0.01)
    monkeypatch.setattr("fpolicy_server.volume_keeper.CHANGE_SECONDS", 0.3)
    source = Source(json.dumps(DOCUMENT).encode())

    async def scenario() -> None:
        keeper = VolumeKeeper(source, 3600, lambda: None, LOG)
        task = asyncio.create_task(keeper.run())
        keeper.expect_change()
        async with asyncio.timeout(20):
            while source.calls < 3:
                await asyncio.sleep(0.005)
        await asyncio.sleep(0.5)
        calls = source.calls
        await asyncio.sleep(0.2)
        assert source.calls == calls
        task.cancel()

    asyncio.run(scenario())
