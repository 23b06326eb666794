from __future__ import annotations

import struct
from pathlib import Path

import pytest
from fpolicy_server.main import main

from tests.server.frames import handshake, notification

# A handshake as the known bytes suggest: fields 1 to 4, the fourth twice.
UUID = "7c1d8b9e-3333-4444-8555-666677778888"
HANDSHAKE = (
    b"\x0a\x24" + UUID.encode() + b"\x12\x03pol" + b"\x1a\x24" + UUID.encode() + b"\x22\x031.0\x22\x031.2"
)


def inspected(tmp_path: Path, data: bytes, capsys: pytest.CaptureFixture[str]) -> tuple[int, list[str]]:
    capture = tmp_path / "capture.bin"
    capture.write_bytes(data)
    status = main(["inspect", str(capture)])
    return status, capsys.readouterr().out.splitlines()


@pytest.mark.parametrize(
    ("data", "best"),
    [
        (handshake() + notification(1), "QUOTED: 2 messages, 2 understood"),
        (struct.pack(">I", len(HANDSHAKE)) + HANDSHAKE, "LENGTH_PREFIXED: 1 messages, 1 understood"),
        (bytes([len(HANDSHAKE)]) + HANDSHAKE, "FRAMELESS: 1 messages, 1 understood"),
        (HANDSHAKE, "one bare protobuf message: 1 messages, 1 understood"),
    ],
)
def test_the_best_framing_comes_first_and_is_drawn(
    data: bytes, best: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    status, lines = inspected(tmp_path, data, capsys)
    assert status == 0
    assert lines[1].startswith(best)
    assert "fits to the last byte" in lines[1]
    assert any(UUID in line for line in lines) or "NEGO_REQ" in "".join(lines)


def test_a_capture_that_ends_within_a_message_is_not_beaten_by_a_reading_that_fits_by_chance(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """Two messages and the beginning of a third; as one bare message the bytes happen to fit too."""
    message = b"\x08\x01\x12\x06abcdeh"
    whole = bytes([len(message)]) + message
    status, lines = inspected(tmp_path, whole * 2 + b"\x0a\x01A", capsys)
    assert status == 0
    assert lines[1].startswith("FRAMELESS: 2 messages, 2 understood")
    assert any(line.endswith("fits to the last byte") for line in lines[2:5])


def test_bytes_that_fit_nothing_say_so_and_end_with_status_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    status, lines = inspected(tmp_path, b"\xff" * 40, capsys)
    assert status == 1
    assert "no framing fits" in lines[-1]


def test_what_a_terminal_would_obey_is_shown_as_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    payload = b'<?xml version="1.0"?><Header>\x1b[2J</Header>'
    frame = b'"' + struct.pack(">I", len(payload)) + b'"' + payload
    status, lines = inspected(tmp_path, frame, capsys)
    assert status == 0
    assert "\x1b" not in "".join(lines)
    assert r"\x1b[2J" in lines[-1]


def test_a_file_that_is_not_there_is_one_line_and_status_2(capsys: pytest.CaptureFixture[str]):
    assert main(["inspect", "/nowhere/capture.bin"]) == 2
    assert capsys.readouterr().err == (
        "fpolicy-server: cannot read /nowhere/capture.bin: No such file or directory\n"
    )
