"""The first bytes of each connection in bounded files; whatever becomes of them, the service goes on."""

from __future__ import annotations

import asyncio
import errno
import itertools
import stat
import threading
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from fpolicy_server import capture, statistics
from fpolicy_server.capture import MAX_CONNECTION_BYTES, MAX_FILES, MAX_WAITING_BYTES, Capture, Captures
from fpolicy_server.main import main
from fpolicy_server.wire.framings import Framing
from fsxn_runtime.edge.log import logger
from hypothesis import given
from hypothesis import strategies as st

from tests.server import protobuf_messages
from tests.server.bench import bench, run
from tests.server.frames import handshake, notification
from tests.server.protobuf_messages import MAP_FILE, framed
from tests.server.wire.test_framings import cut

NOW_US = 1763900000123456


def files(directory: Path) -> list[Path]:
    return sorted(directory.glob("*.capture"))


def captured(directory: Path, work: Callable[[Captures], Awaitable[None]]) -> Counter[str]:
    """Do something with captures in a loop of its own; give what was counted."""
    counted: Counter[str] = Counter()

    async def scenario() -> None:
        captures = Captures(directory, lambda reason: counted.update([reason]), logger("test"))
        await work(captures)
        await captures.close()
        assert captures.waiting_bytes == 0

    run(scenario)
    return counted


def begin(captures: Captures, number: int = 1) -> Capture:
    return captures.begin(f"192.0.2.1-{number}", NOW_US + number)


def test_what_a_node_sends_is_kept_and_can_be_inspected(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A connection that is refused for want of a field map leaves just what the next step needs."""
    folder = tmp_path / "made" / "captures"
    sent = framed(protobuf_messages.handshake(), Framing.FRAMELESS)

    async def scenario() -> None:
        async with bench(PROTOBUF_FRAMING_MODE="AUTO_DETECT", FPOLICY_CAPTURE_DIR=str(folder)) as b:
            reader, _ = await b.connect(sent)
            assert await reader.read() == b""
            await b.node()  # XML is kept too
            await b.until(lambda: len(files(folder)) == 2)

    run(scenario)
    contents = [path.read_bytes() for path in files(folder)]
    assert contents == [sent, handshake()]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files(folder)} == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    capsys.readouterr()
    assert main(["inspect", str(files(folder)[0])]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].startswith("FRAMELESS: 1 messages, 1 understood")


@given(sent=st.integers(0, MAX_CONNECTION_BYTES + 5000), data=st.data())
def test_a_file_has_the_first_bytes_however_they_came(
    tmp_path_factory: pytest.TempPathFactory, sent: int, data: st.DataObject
) -> None:
    stream = bytes(itertools.islice(itertools.cycle(range(251)), sent))
    places = data.draw(st.lists(st.integers(0, sent), max_size=5))
    folder = tmp_path_factory.mktemp("captures")

    async def work(captures: Captures) -> None:
        one = begin(captures)
        for piece in cut(stream, places):
            one.take(piece)

    assert not captured(folder, work)
    assert b"".join(path.read_bytes() for path in files(folder)) == stream[:MAX_CONNECTION_BYTES]
    assert len(files(folder)) == bool(sent)


def test_a_file_cut_at_its_limit_is_still_read_in_its_framing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stream = b"".join(framed(protobuf_messages.notification(n), Framing.LENGTH_PREFIXED) for n in range(2000))
    assert len(stream) > MAX_CONNECTION_BYTES

    async def work(captures: Captures) -> None:
        begin(captures).take(framed(protobuf_messages.handshake(), Framing.LENGTH_PREFIXED) + stream)

    captured(tmp_path, work)
    assert main(["inspect", str(files(tmp_path)[0])]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].startswith("LENGTH_PREFIXED: ")
    assert "stream ended" in lines[1]


def test_the_number_of_files_is_bounded_and_a_person_makes_room(tmp_path: Path) -> None:
    async def first(captures: Captures) -> None:
        for number in range(MAX_FILES + 3):
            begin(captures, number).take(b"x")

    assert captured(tmp_path, first) == {capture.TOO_MANY_FILES: 3}
    assert len(files(tmp_path)) == MAX_FILES
    files(tmp_path)[0].unlink()

    async def later(captures: Captures) -> None:
        begin(captures, 999).take(b"x")

    assert not captured(tmp_path, later)
    assert len(files(tmp_path)) == MAX_FILES


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (errno.ENOSPC, capture.DISK_FULL),
        (errno.EDQUOT, capture.DISK_FULL),
        (errno.EACCES, capture.UNWRITABLE),
        (errno.EIO, capture.UNWRITABLE),
    ],
)
def test_a_disk_that_refuses_costs_the_file_and_no_event(
    code: int,
    reason: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Counted once for each connection, logged once; another connection is tried again."""

    def refuse(path: Path, data: bytes, *, is_first: bool) -> None:
        raise OSError(code, "refused")

    monkeypatch.setattr(capture, "_append", refuse)

    async def scenario() -> None:
        async with bench(FPOLICY_CAPTURE_DIR=str(tmp_path)) as b:
            for number in range(2):
                _, writer = await b.node()
                for event in range(20):
                    writer.write(notification(event, path=f"/{number}/{event}"))
                    await asyncio.sleep(0)
            await b.until(lambda: len(b.queue.accepted) == 40)
            await b.until(lambda: b.counters.totals[statistics.CAPTURE_FAILURES, reason] == 2)

    run(scenario)
    assert capsys.readouterr().out.count("capture.failed") == 1
    assert not files(tmp_path)


def test_a_directory_that_cannot_be_made_costs_no_event(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    async def scenario() -> None:
        async with bench(FPOLICY_CAPTURE_DIR=str(tmp_path / "file" / "captures")) as b:
            _, writer = await b.node()
            writer.write(notification(1, path="/a"))
            await b.until(lambda: b.paths() == ["/vol1/a"])
            await b.until(lambda: b.counters.totals[statistics.CAPTURE_FAILURES, capture.UNWRITABLE] == 1)

    run(scenario)


def test_a_disk_that_stands_still_holds_a_bounded_number_of_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More connections than may wait; those beyond are given up at once, the others are written later."""
    gate, append = threading.Event(), capture._append
    waiting = MAX_WAITING_BYTES // MAX_CONNECTION_BYTES

    def slow(path: Path, data: bytes, *, is_first: bool) -> None:
        gate.wait(20)
        append(path, data, is_first=is_first)

    monkeypatch.setattr(capture, "_append", slow)

    async def work(captures: Captures) -> None:
        for number in range(waiting + 5):
            begin(captures, number).take(b"x" * MAX_CONNECTION_BYTES)
            assert captures.waiting_bytes <= MAX_WAITING_BYTES
        gate.set()
        while captures.waiting_bytes:
            await asyncio.sleep(0.005)

    assert captured(tmp_path, work) == {capture.TOO_SLOW: 5}
    assert [path.stat().st_size for path in files(tmp_path)] == [MAX_CONNECTION_BYTES] * waiting


def test_what_a_peer_is_called_makes_no_other_path_and_a_link_is_not_followed(tmp_path: Path) -> None:
    folder, outside = tmp_path / "captures", tmp_path / "outside"

    async def work(captures: Captures) -> None:
        one = captures.begin("../../fe80::1%eth0\n/x", NOW_US)
        folder.mkdir()
        (folder / one.name).symlink_to(outside)
        one.take(b"x")
        other = captures.begin("fe80::1%eth0-9898", NOW_US)
        other.take(b"x")

    assert captured(folder, work) == {capture.UNWRITABLE: 1}
    assert not outside.exists()
    assert files(folder)[-1].name == "20251123T121320.123456Z-fe80-1-eth0-9898.capture"


def test_the_check_names_a_directory_that_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("SQS_QUEUE_URL", "FPOLICY_QUARANTINE_URL"):
        monkeypatch.setenv(name, "https://queue")
    monkeypatch.setenv("FPOLICY_CAPTURE_DIR", str(tmp_path / "captures"))
    assert main(["run", "--check"]) == 0  # its parent is there: the server makes it
    monkeypatch.setenv("FPOLICY_CAPTURE_DIR", "/nowhere/captures")
    assert main(["run", "--check"]) == 2
    assert "FPOLICY_CAPTURE_DIR is /nowhere" in capsys.readouterr().err


def test_inspect_says_what_the_field_map_makes_of_each_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    messages = [path.read_bytes() for path in sorted(MAP_FILE.parent.glob("*.message"))]
    unknown = protobuf_messages.protobuf([(99, 1)])
    stream = [protobuf_messages.handshake(), *messages, unknown]
    (tmp_path / "one.capture").write_bytes(b"".join(framed(one, Framing.FRAMELESS) for one in stream))
    monkeypatch.setenv("FPOLICY_PROTOBUF_FIELD_MAP", str(MAP_FILE))
    assert main(["inspect", str(tmp_path / "one.capture")]) == 0
    said = [line for line in capsys.readouterr().out.splitlines() if line.startswith("by the field map: ")]
    assert len(said) == len(stream)
    assert said[0].startswith("by the field map: NEGO_REQ Handshake(")
    assert said[-1] == "by the field map: cannot be read: no rule of the protobuf field map fits"
    kinds = {line.split()[4] for line in said[1:-1]}
    assert kinds == {
        "NEGO_REQ", "SCREEN_REQ", "SCREEN_CANCEL", "STATUS_QUERY_REQ", "KEEP_ALIVE", "ALERT_MSG",
        "VOL_NOTFICATION", "OUTAGE_MSG",
    }  # fmt: skip
