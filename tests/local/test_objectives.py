"""A failure moves an objective, the evaluator says so, the runbook shows why, and the fix clears it."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from lab.demo.tools import run_tool
from lab.world import World

pytestmark = [pytest.mark.local, pytest.mark.xdist_group("local"), pytest.mark.timeout(900)]

# The reconciler measures every minute, and a whole minute is judged.
STATE_SECONDS = 240.0
LOOK_SECONDS = 5.0  # a command takes a second of CPU


@contextmanager
def catalogue_of_one_period(world: World) -> Iterator[None]:
    """Violated after one bad minute instead of three: what three do is proved without a clock elsewhere."""
    ssm, name = world.client("ssm"), world.outputs["slo"]["parameter"]
    before = ssm.get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"]
    changed = json.loads(before)
    changed["slos"]["reconnect-time"]["periods"] = 1
    ssm.put_parameter(Name=name, Value=json.dumps(changed), Type="SecureString", Overwrite=True)
    try:
        yield
    finally:
        ssm.put_parameter(Name=name, Value=before, Type="SecureString", Overwrite=True)


def status(world: World) -> tuple[int, dict[str, str]]:
    """Exit status of `fsxn slo status`, and the state of each objective."""
    result = run_tool(world, ["fsxn", "slo", "status", "--json"])
    assert result.returncode in (0, 1), result.stderr
    found = [json.loads(line) for line in result.stdout.splitlines()]
    return result.returncode, {each["slo_name"]: each["state"] for each in found}


def wait_until_reconnect_time_is(world: World, state: str) -> int:
    deadline = time.monotonic() + STATE_SECONDS
    while True:
        code, states = status(world)
        if states["reconnect-time"] == state:
            return code
        assert time.monotonic() < deadline, states
        time.sleep(LOOK_SECONDS)


def fpolicy_status(world: World) -> subprocess.CompletedProcess[str]:
    return run_tool(world, ["fsxn", "fpolicy", "status"])


def test_a_lost_connection_is_violated_shown_and_cleared(world: World) -> None:
    """Steps: met; the server goes; violated, and the runbook's first look shows why; it comes back; met."""
    with catalogue_of_one_period(world):
        wait_until_reconnect_time_is(world, "met")
        world.stop_server()
        assert wait_until_reconnect_time_is(world, "violated") == 1
        shown = fpolicy_status(world)
        assert (shown.returncode, "disconnected" in shown.stdout) == (1, True), shown.stdout
        world.start_server()
        wait_until_reconnect_time_is(world, "met")
        assert fpolicy_status(world).returncode == 0
