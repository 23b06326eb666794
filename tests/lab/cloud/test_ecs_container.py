"""A container's process by itself."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lab.cloud.ecs_container import HealthCheck
from lab.cloud.ecs_definition import Image, command_of, environment_of, image_name, ports_of
from lab.cloud.emulator import ROOT_DIRECTORY
from tests.support.waiting import wait_until


def test_a_container_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    """A runner that is killed without a chance to clean up leaves no container behind."""
    script = (
        "import os, signal, sys\n"
        "from lab.cloud.ecs_container import Container\n"
        "from pathlib import Path\n"
        "command = ['sh', '-c', 'echo ready; exec sleep 600']\n"
        "started = Container({'name': 'main'}, command, os.environ, Path(sys.argv[1]), '127.0.0.11')\n"
        "started.output.readline()\n"
        "print(started.pid, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT_DIRECTORY)}
    command = [sys.executable, "-c", script, str(tmp_path)]
    pid = int(subprocess.run(command, env=environment, stdout=subprocess.PIPE, timeout=60).stdout)
    wait_until(lambda: not Path(f"/proc/{pid}").exists())


def test_health_needs_as_many_failures_as_retries_say(tmp_path: Path) -> None:
    """Healthy at once when the command succeeds; unhealthy after the second failure, not the first."""
    gate = tmp_path / "healthy"
    gate.touch()
    tries = tmp_path / "tries"
    check = HealthCheck(
        {"command": ["CMD-SHELL", f"echo >> {tries}; test -e {gate}"], "interval": 0.1, "retries": 2},
        {},
        tmp_path,
    )
    check.start()
    wait_until(lambda: check.status == "HEALTHY")
    gate.unlink()
    before = len(tries.read_text())
    wait_until(lambda: check.status == "UNHEALTHY")
    check.stop()
    assert len(tries.read_text()) - before >= 2


def test_failures_in_the_start_period_do_not_count(tmp_path: Path) -> None:
    tries = tmp_path / "tries"
    block = {"command": ["CMD-SHELL", f"echo >> {tries}; false"], "interval": 0.05, "startPeriod": 600}
    check = HealthCheck(block, {}, tmp_path)
    check.start()
    wait_until(lambda: tries.exists() and len(tries.read_text()) > 5)
    check.stop()
    assert check.status == "UNKNOWN"


@pytest.mark.parametrize(
    "reference", ["tool", "tool:1", "registry.example:5000/team/tool:1", "registry.example/tool@sha256:abc"]
)
def test_an_image_is_known_by_its_name(reference: str) -> None:
    assert image_name(reference) == "tool"


def test_entry_point_and_command_join_as_container_runtimes_join_them() -> None:
    image = Image(entry_point=("server",), command=("run",))
    assert command_of({}, image) == ["server", "run"]
    assert command_of({"command": ["check"]}, image) == ["server", "check"]
    assert command_of({"entryPoint": ["sh", "-c"]}, image) == ["sh", "-c"]


def test_only_the_host_of_the_two_listen_settings_is_replaced(tmp_path: Path) -> None:
    given = {"FPOLICY_LISTEN": "0.0.0.0:7000", "OTHER_LISTEN": "0.0.0.0:1"}
    container = {"environment": [{"name": name, "value": value} for name, value in given.items()]}
    environment = environment_of(container, Image(), "127.0.0.42", tmp_path, {})
    assert environment["FPOLICY_LISTEN"] == "127.0.0.42:7000"
    assert environment["FPOLICY_HEALTH_LISTEN"] == "127.0.0.42:9899"
    assert environment["OTHER_LISTEN"] == "0.0.0.0:1"
    assert ports_of([container]) == [7000, 9899]
