"""What a runbook's command shows of a long log."""

from __future__ import annotations

import time

from lab.cloud.emulator import Emulator
from tests.support.aws_command import run

GROUP = "/long"


def test_the_newest_line_of_a_long_log_is_shown(emulator: Emulator) -> None:
    logs = emulator.client("logs")
    logs.create_log_group(logGroupName=GROUP)
    logs.create_log_stream(logGroupName=GROUP, logStreamName="s")
    now_ms = time.time_ns() // 1_000_000 - 60_000
    for first in (0, 8_000):
        events = [{"timestamp": now_ms + n, "message": f"line {n}."} for n in range(first, first + 8_000)]
        logs.put_log_events(logGroupName=GROUP, logStreamName="s", logEvents=events)
    shown = run(f"aws logs tail {GROUP} --since 15m", emulator.client).splitlines()
    assert shown == [f"line {n}." for n in range(16_000)]
    found = run(
        f"aws logs filter-log-events --log-group-name {GROUP} --filter-pattern 'line 15999.'", emulator.client
    )
    assert "line 15999." in found
