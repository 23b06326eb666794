from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.server.frames import MSID, SVM_UUID
from tests.server.process import running
from tests.support.fake_sqs import FakeSqs
from tests.support.waiting import wait_until

URLS = {"SQS_QUEUE_URL": "http://127.0.0.1:1/q", "FPOLICY_QUARANTINE_URL": "http://127.0.0.1:1/x"}


def run(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "fpolicy_server.main", *arguments],
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_check_says_that_the_settings_are_right() -> None:
    result = run("--check", **URLS)
    assert (result.returncode, result.stdout) == (0, "fpolicy-server: the settings are right\n")


@pytest.mark.parametrize("arguments", [["--check"], ["run"], []])
def test_a_wrong_setting_gets_one_line_and_status_2(arguments: list[str]) -> None:
    result = run(*arguments, **URLS, FPOLICY_MAX_UNACKED_EVENTS="many")
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.count("\n") == 1 and "FPOLICY_MAX_UNACKED_EVENTS is 'many'" in result.stderr


def test_an_address_in_use_gets_one_line_and_status_2() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        result = run(**URLS, FPOLICY_LISTEN="127.0.0.1:1", FPOLICY_HEALTH_LISTEN=address)
    assert result.returncode == 2
    assert result.stderr.count("\n") == 1 and "cannot listen" in result.stderr


def test_the_health_check_fails_when_nobody_answers() -> None:
    assert run("healthcheck", FPOLICY_HEALTH_LISTEN="127.0.0.1:1").returncode == 1


def test_the_container_is_healthy_once_a_node_is_connected(tmp_path: Path) -> None:
    """Ready at once; alive only with a session; the health command asks on its own host; EMF at the end."""
    volume_map = tmp_path / "map.json"
    volume_map.write_text(f'{{"schema_version":"1.0","svms":{{"{SVM_UUID}":{{"name":"s","volumes":'
                          f'{{"{MSID}":{{"name":"v","junction_path":"/v"}}}}}}}}}}')  # fmt: skip
    with FakeSqs() as sqs, running(sqs, tmp_path / "log", FPOLICY_VOLUME_MAP=str(volume_map)) as server:
        listen = {"FPOLICY_HEALTH_LISTEN": f"0.0.0.0:{server.health_port}"}
        assert run("healthcheck", "--ready", **listen).returncode == 0
        assert run("healthcheck", **listen).returncode == 1
        node = server.node()
        node.send(1)
        assert run("healthcheck", **listen).returncode == 0
        wait_until(lambda: sqs.count("ingestion") == 1)
        assert sqs.messages("ingestion")[0]["file_path"] == "/v/0/0"
        assert server.stop(signal.SIGINT) == -signal.SIGINT
        assert '"FPolicyEventsDelivered_count":1' in server.log


def test_importing_the_server_needs_no_environment() -> None:
    code = "import fpolicy_server.main, sys; sys.exit('asyncio' not in sys.modules)"
    result = subprocess.run([sys.executable, "-I", "-c", code], env={}, timeout=60)
    assert result.returncode == 0
