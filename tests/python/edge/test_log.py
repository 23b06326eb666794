"""Log lines are one JSON object each."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from fsxn_runtime.edge import log
from fsxn_runtime.errors import RejectedError


@pytest.fixture(autouse=True)
def _level() -> Iterator[None]:
    log.set_level("INFO")
    yield
    log.set_level("INFO")


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_line_has_time_level_event_capability_and_fields(capsys: pytest.CaptureFixture[str]) -> None:
    log.logger("route").info("batch.sent", count=3)
    (line,) = lines(capsys)
    assert line.pop("time").endswith("+00:00")
    assert line == {"level": "INFO", "event": "batch.sent", "capability": "route", "count": 3}


def test_bound_fields_are_on_every_line_of_that_logger_only(capsys: pytest.CaptureFixture[str]) -> None:
    parent = log.logger("route")
    parent.bind(request_id="r1").warning("put.retried")
    parent.error("put.refused")
    first, second = lines(capsys)
    assert (first["request_id"], first["level"]) == ("r1", "WARNING")
    assert "request_id" not in second


def test_lines_below_the_level_are_not_written(capsys: pytest.CaptureFixture[str]) -> None:
    logger = log.logger("route")
    logger.debug("message.read")
    assert lines(capsys) == []
    log.set_level("DEBUG")
    logger.debug("message.read")
    assert [line["event"] for line in lines(capsys)] == ["message.read"]


def test_text_of_any_kind_stays_on_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    log.logger("route").info("batch.sent", name="a\nb\u2028c\x00")
    (line,) = lines(capsys)
    assert line["name"] == "a\nb\u2028c\x00"


def test_errors_are_written_as_their_parts(capsys: pytest.CaptureFixture[str]) -> None:
    logger = log.logger("route")
    logger.error("batch.failed", error=RejectedError("no", code="wrong_field"))
    logger.error("batch.failed", error=OSError("gone"), path=b"x")
    ours, other = lines(capsys)
    assert ours["error"] == {"type": "RejectedError", "code": "wrong_field", "message": "no"}
    assert other["error"] == {"type": "OSError", "message": "gone"}
    assert other["path"] == "b'x'"
