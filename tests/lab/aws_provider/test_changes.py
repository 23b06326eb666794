"""Changes made outside, replacement, import, failures half way: small roots on the local AWS."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.cloud.emulator import Emulator
from lab.terraform import Terraform, TerraformError
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.terraform, pytest.mark.xdist_group("aws-provider"), pytest.mark.timeout(300)]

HEAD = """
terraform {
  required_providers {
    aws = {
      source = "hashicorp/aws"
    }
  }
}
provider "aws" {
  region = "us-east-1"
  default_tags {
    tags = { Project = "lab" }
  }
}
"""


class Sandbox:
    """A root whose text a test writes, with its Terraform."""

    def __init__(self, folder: Path, emulator: Emulator) -> None:
        self.root = folder / "root"
        self.root.mkdir()
        self.emulator = emulator
        self.terraform = Terraform(self.root, folder / "build", endpoint=emulator.endpoint)

    def write(self, text: str) -> None:
        (self.root / "main.tf").write_text(HEAD + text)

    def changes(self) -> dict[str, tuple[list[str], dict[str, Any], dict[str, Any]]]:
        """Address -> actions, before, after of everything that the plan would change."""
        self.terraform.plan()
        changes = self.terraform.show_json()["resource_changes"]
        return {
            change["address"]: (
                change["change"]["actions"],
                change["change"]["before"] or {},
                change["change"]["after"] or {},
            )
            for change in changes
            if change["change"]["actions"] != ["no-op"]
        }


@pytest.fixture
def sandbox(local_aws: Emulator, tmp_path: Path) -> Iterator[Sandbox]:
    local_aws.reset()
    made = Sandbox(tmp_path, local_aws)
    made.write("")
    made.terraform.init()
    with made.terraform:
        yield made


QUEUE = """
resource "aws_sqs_queue" "this" {
  name          = "queue"
  delay_seconds = 5
  tags          = { Own = "yes" }
}
"""


def test_a_change_made_outside_is_seen_and_repaired(sandbox: Sandbox) -> None:
    sandbox.write(QUEUE)
    sandbox.terraform.apply()
    sqs = sandbox.emulator.client("sqs")
    url = sqs.get_queue_url(QueueName="queue")["QueueUrl"]
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"DelaySeconds": "9"})
    sqs.tag_queue(QueueUrl=url, Tags={"Own": "no", "Foreign": "tag"})

    actions, before, after = sandbox.changes()["aws_sqs_queue.this"]
    assert actions == ["update"]
    assert (before["delay_seconds"], after["delay_seconds"]) == (9, 5)
    assert before["tags"] == {"Own": "no", "Foreign": "tag"}
    sandbox.terraform.apply_plan()
    assert sandbox.changes() == {}
    assert sqs.list_queue_tags(QueueUrl=url)["Tags"] == {"Own": "yes", "Project": "lab"}


def test_an_argument_taken_out_goes_back_to_its_default(sandbox: Sandbox) -> None:
    sandbox.write(QUEUE)
    sandbox.terraform.apply()
    sandbox.write('resource "aws_sqs_queue" "this" {\n  name = "queue"\n}\n')
    _, before, after = sandbox.changes()["aws_sqs_queue.this"]
    assert (before["delay_seconds"], after["delay_seconds"]) == (5, 0)


def test_a_new_name_replaces_the_object(sandbox: Sandbox) -> None:
    sandbox.write(QUEUE)
    sandbox.terraform.apply()
    sandbox.write(QUEUE.replace('"queue"', '"other"'))
    assert sandbox.changes()["aws_sqs_queue.this"][0] == ["delete", "create"]
    sandbox.terraform.apply_plan()
    urls = sandbox.emulator.client("sqs").list_queues()["QueueUrls"]
    assert [url.rpartition("/")[2] for url in urls] == ["other"]


def rotating(sandbox: Sandbox) -> bool:
    secret = sandbox.emulator.client("secretsmanager").describe_secret(SecretId="lab-secret")
    return any("AWSPENDING" in stages for stages in secret["VersionIdsToStages"].values())


def test_an_empty_local_aws_means_create_everything_again(sandbox: Sandbox, package: Path) -> None:
    """Every type reads as gone, none as an error. Steps: apply the root of all types, forget all, plan."""
    every_type = (Path(__file__).parent / "roots" / "every_type" / "main.tf").read_text()
    (sandbox.root / "main.tf").write_text(every_type)
    sandbox.terraform.variables = {"v": 1, "package": str(package)}
    sandbox.terraform.apply()
    wait_until(lambda: not rotating(sandbox))  # its function would write a log group after the reset
    sandbox.emulator.reset()
    done = {tuple(actions) for actions, _, _ in sandbox.changes().values()}
    assert done <= {("create",), ("read",)}
    assert not sandbox.terraform.show_json()["planned_values"]["outputs"]["queue"].get("value")


def test_an_imported_object_needs_no_change(sandbox: Sandbox) -> None:
    url = sandbox.emulator.client("sqs").create_queue(QueueName="old", tags={"Project": "lab"})["QueueUrl"]
    sandbox.write(
        f'import {{\n  to = aws_sqs_queue.old\n  id = "{url}"\n}}\n'
        'resource "aws_sqs_queue" "old" {\n  name = "old"\n}\n'
    )
    sandbox.terraform.apply()
    assert sandbox.changes() == {}


def test_an_existing_object_of_the_same_name_is_not_taken_over(sandbox: Sandbox) -> None:
    sandbox.emulator.client("sqs").create_queue(QueueName="queue")
    sandbox.write(QUEUE)
    with pytest.raises(TerraformError, match=r"create aws_sqs_queue 'queue': queue queue exists already"):
        sandbox.terraform.apply()


def test_what_was_made_but_not_finished_is_replaced_next_time(sandbox: Sandbox) -> None:
    """A later call of a creation fails: the object stays known (tainted), the next apply replaces it."""
    text = 'resource "aws_cloudwatch_log_group" "this" {\n  name = "/group"\n  retention_in_days = %s\n}\n'
    sandbox.write(text % 8)  # not one of the values that CloudWatch Logs takes
    with pytest.raises(TerraformError, match="create aws_cloudwatch_log_group '/group'"):
        sandbox.terraform.apply()
    sandbox.write(text % 7)
    assert sandbox.changes()["aws_cloudwatch_log_group.this"][0] == ["delete", "create"]
    sandbox.terraform.apply_plan()
    assert sandbox.changes() == {}


def test_destroy_finishes_what_others_began(sandbox: Sandbox) -> None:
    sandbox.write(QUEUE)
    sandbox.terraform.apply()
    sqs = sandbox.emulator.client("sqs")
    sqs.delete_queue(QueueUrl=sqs.get_queue_url(QueueName="queue")["QueueUrl"])
    sandbox.terraform.destroy("-refresh=false")
    assert json.loads(sandbox.terraform.state_file.read_text())["resources"] == []


def test_an_alias_given_as_arn_keeps_its_form(sandbox: Sandbox) -> None:
    sandbox.write(
        'resource "aws_kms_key" "this" {\n}\n'
        'resource "aws_kms_alias" "this" {\n  name = "alias/x"\n  target_key_id = aws_kms_key.this.arn\n}\n'
    )
    sandbox.terraform.apply()
    assert sandbox.changes() == {}
