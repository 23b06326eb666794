"""The way of an event as applied, with the ARNs that only an apply gives and no plan shows.

The fast suite replays a recording (pytest-terraform; `--tf-replay` in pyproject.toml). The last test applies
the same root to the local AWS, runs those before it on that, and compares their recording with this one.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pytest_terraform import terraform

from lab.aws_provider import mirror
from lab.cloud.emulator import Emulator
from lab.terraform import executable

RECORDING = "tf_resources.json"
TWO_WEEKS = 14 * 86_400


@terraform("event_path", scope="session")
def test_a_queue_of_dead_letters_takes_them_from_its_queue_alone(event_path: Any) -> None:
    queues = event_path.resources["aws_sqs_queue"]
    redrive = json.loads(queues["ingestion"]["redrive_policy"])
    assert redrive["deadLetterTargetArn"] == queues["dead_letter"]["arn"]
    allowed = json.loads(event_path["aws_sqs_queue_redrive_allow_policy.dead_letter.redrive_allow_policy"])
    assert allowed == {"redrivePermission": "byQueue", "sourceQueueArns": [queues["ingestion"]["arn"]]}


def test_messages_stay_in_every_queue_as_long_as_sqs_allows(event_path: Any) -> None:
    kept = {
        name: queue["message_retention_seconds"]
        for name, queue in event_path.resources["aws_sqs_queue"].items()
    }
    assert kept == dict.fromkeys(("dead_letter", "ingestion", "quarantine"), TWO_WEEKS)


def test_the_router_polls_what_the_server_sends_to_and_gives_back_what_failed(event_path: Any) -> None:
    mapping = event_path["aws_lambda_event_source_mapping.router"]
    assert mapping["event_source_arn"] == event_path.outputs["ingestion_queue_arn"]["value"]
    assert mapping["function_response_types"] == ["ReportBatchItemFailures"]


@pytest.mark.local
@pytest.mark.terraform
def test_the_recording_is_what_an_apply_gives(repository: Path, tmp_path: Path) -> None:
    """In a copy: pytest-terraform writes its recording beside the root, and Terraform its lock."""
    root = Path("tests/terraform/recorded/event_path")
    for shared in ("build", "modules"):
        (tmp_path / shared).symlink_to(repository / shared)
    copy = shutil.copytree(repository / root, tmp_path / root)
    recorded = (copy / RECORDING).read_text()
    (copy / RECORDING).unlink()
    command = [sys.executable, "-m", "pytest", "-q", "-o", "addopts=--import-mode=importlib"]
    command += [
        "--tf-binary",
        executable(),
        "--tf-mod-dir",
        str(copy.parent),
        "-k",
        "not recording",
        __file__,
    ]
    with Emulator(log_path=tmp_path / "emulator.log") as emulator:
        made = {**mirror.prepare(tmp_path / "mirror"), "TF_VAR_endpoint": emulator.endpoint}
        done = subprocess.run(
            command,
            cwd=repository,
            env={**os.environ, **made},
            capture_output=True,
            text=True,
            check=False,
        )
    assert "3 passed, 1 deselected" in done.stdout, done.stdout[-3000:] + done.stderr[-1000:]
    assert (copy / RECORDING).read_text() == recorded, f"if meant so: cp {copy / RECORDING} {root}"
