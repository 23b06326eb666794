"""Our own policies find what they are for, and nothing else: checkov itself scans good and bad Terraform."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.xdist_group(
    "checkov"
)  # one start of checkov is slow, and its environment may be new

FINDINGS = {
    ("CKV_FSXN_1", "aws_ecs_task_definition.mounts_in_the_clear"),
    ("CKV_FSXN_1", "aws_ecs_task_definition.with_a_switch"),
    ("CKV_FSXN_1", "aws_lambda_function.with_a_plain_endpoint"),
    ("CKV_FSXN_1", "aws_lambda_function.with_a_switch"),
    ("CKV_FSXN_1", "aws_lb_listener.tcp"),
    ("CKV_FSXN_1", "aws_s3_bucket.open"),
    ("CKV_FSXN_1", "aws_sns_topic_subscription.http"),
    ("CKV_FSXN_1", "with_a_switch"),
    ("CKV_FSXN_2", "aws_security_group.every_protocol"),
    ("CKV_FSXN_2", "aws_security_group_rule.range_around_the_port"),
    ("CKV_FSXN_2", "aws_vpc_security_group_ingress_rule.from_addresses"),
    ("CKV_FSXN_2", "aws_vpc_security_group_ingress_rule.to_a_port_that_is_not_known"),
    ("CKV_FSXN_3", "aws_iam_policy_document.every_queue_in_a_dynamic_statement"),
    ("CKV_FSXN_3", "aws_iam_policy_document.every_queue_of_a_prefix"),
    ("CKV_FSXN_3", "aws_iam_role_policy.every_queue_as_json"),
    ("CKV_FSXN_3", "aws_sqs_queue_redrive_allow_policy.anybody"),
    ("CKV_FSXN_4", "aws_sqs_queue.alone"),
    ("CKV_FSXN_4", "aws_sqs_queue.dead_letter"),
    ("CKV_FSXN_5", "aws_cloudwatch_composite_alarm.without_a_page"),
    ("CKV_FSXN_5", "aws_cloudwatch_metric_alarm.names_a_page_that_is_not_there"),
    ("CKV_FSXN_5", "aws_cloudwatch_metric_alarm.without_a_description"),
    ("CKV_FSXN_6", "aws_iam_policy_document.says_nothing"),
    ("CKV_FSXN_6", "aws_iam_policy_document.says_nothing_in_a_dynamic_statement"),
    ("CKV_FSXN_6", "aws_iam_role_policy.says_nothing_as_json"),
}
POLICIES = sorted({policy for policy, _ in FINDINGS})
Checks = list[dict[str, Any]]


@pytest.fixture(scope="module")
def scanned(repository: Path) -> dict[str, Checks]:
    """Failed and passed checks of the two folders, from one process."""
    subprocess.run([sys.executable, "tools/setup_environment.py", "checkov"], cwd=repository, check=True)
    command = [str(repository / ".venv-checkov/bin/checkov"), "-d", ".", "--check", ",".join(POLICIES)]
    command += ["--external-checks-dir", str(repository / "tools/checkov_policies")]
    # Soft fail: the failing fixtures must fail, and the tests compare which checks did.
    command += ["--framework", "terraform", "--skip-download", "--soft-fail", "--output", "json"]
    # Not from the root: the configuration there would be read, too.
    folder = repository / "tests/data/policies"
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    assert "Failed to run check" not in done.stderr
    results: dict[str, Checks] = json.loads(done.stdout)["results"]
    return results


def of(checks: Checks, folder: str) -> set[tuple[str, str]]:
    """Policy and block of the checks of one folder."""
    return {(c["check_id"], c["resource"]) for c in checks if c["file_path"].startswith(f"/{folder}/")}


@pytest.mark.timeout(600)
def test_each_policy_finds_exactly_what_breaks_it(scanned: dict[str, Checks]) -> None:
    assert of(scanned["failed_checks"], "failing") == FINDINGS


@pytest.mark.timeout(600)
def test_each_policy_passes_what_keeps_to_it(scanned: dict[str, Checks]) -> None:
    assert of(scanned["failed_checks"], "passing") == set()
    assert {policy for policy, _ in of(scanned["passed_checks"], "passing")} == set(POLICIES)


def test_the_scan_of_the_repository_uses_them_all(repository: Path) -> None:
    """The configuration loads the folder and leaves nothing out by itself."""
    settings = (repository / ".checkov.yml").read_text()
    assert "  - tools/checkov_policies" in settings
    assert not {"check:", "skip-check:", "soft-fail:", "skip-path:"} & set(settings.split())
    defined = (repository / "tools/checkov_policies/checks.py").read_text()
    assert [policy for policy in POLICIES if f'"{policy}": "' not in defined] == []
