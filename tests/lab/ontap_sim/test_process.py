"""The process: one line when ready, a clean end, and one line for a configuration that cannot be used."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lab.ontap_sim.client import SimClientError
from lab.ontap_sim.process import SimProcess, SimProcessError
from lab.terraform import REPOSITORY
from tests.support.waiting import wait_until


def config(directory: Path, **more: Any) -> dict[str, Any]:
    return {"svms": [{"name": "svm1", "volumes": [{"name": "vol1", "directory": str(directory)}]}], **more}


def test_sigterm_ends_it_with_status_0(tmp_path: Path) -> None:
    process = SimProcess(config(tmp_path / "vol1"), tmp_path)
    assert process.stop() == 0
    assert (tmp_path / "ontap-sim.log").read_text() == ""


def test_it_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    """Also when that one is killed and cannot clean up."""
    script = (
        "import json, os, signal, sys\n"
        "from pathlib import Path\n"
        "from lab.ontap_sim.process import SimProcess\n"
        "process = SimProcess(json.loads(sys.argv[1]), Path(sys.argv[2]))\n"
        "print(process.pid, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    command = [sys.executable, "-c", script, json.dumps(config(tmp_path / "vol1")), str(tmp_path)]
    pid = int(subprocess.run(command, cwd=REPOSITORY, stdout=subprocess.PIPE, timeout=60, check=False).stdout)
    wait_until(lambda: not Path(f"/proc/{pid}").exists())


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"switches": {"replay_order": "backwards"}}, "allowed: shuffle, documented, in_order"),
        ({"colour": "red"}, "unknown ['colour']"),
        ({"default_client": {"protocol": "AFP 3"}}, "protocol is 'AFP 3'"),
    ],
)
def test_a_wrong_configuration_is_one_clear_line(tmp_path: Path, wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(SimProcessError) as caught:
        SimProcess(config(tmp_path / "vol1", **wrong), tmp_path)
    assert said in str(caught.value)
    assert len((tmp_path / "ontap-sim.log").read_text().splitlines()) == 1


def test_a_wrong_operation_is_refused_with_its_reason(tmp_path: Path) -> None:
    with SimProcess(config(tmp_path / "vol1"), tmp_path) as process:
        for wrong in ({"op": "chmod", "path": "/a"}, {"op": "write", "path": "/a"}, {"op": "create"}):
            with pytest.raises(SimClientError):
                process.client.operations([wrong])
        assert process.client.status()["operations"] == 0
