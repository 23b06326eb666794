"""What the stand-in refuses, in the words a person sees."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.cloud.emulator import Emulator
from lab.terraform import Terraform, TerraformError
from tests.lab.aws_provider.test_changes import HEAD

pytestmark = [pytest.mark.terraform, pytest.mark.xdist_group("aws-provider"), pytest.mark.timeout(300)]

VOLUME = """
resource "aws_fsx_ontap_volume" "this" {
  name                       = "vol1"
  size_in_megabytes          = 1024
  storage_virtual_machine_id = "svm-0123456789abcdef0"
}
"""
QUEUE = 'resource "aws_sqs_queue" "this" {\n  name = "queue"\n}\n'


def terraform(folder: Path, text: str, endpoint: str | None = None, head: str = HEAD) -> Terraform:
    root = folder / "root"
    root.mkdir()
    (root / "main.tf").write_text(head + text)
    made = Terraform(root, folder / "build", endpoint=endpoint)
    made.init()
    return made


def output_of_failure(made: Terraform, command: str) -> str:
    with pytest.raises(TerraformError) as caught:
        getattr(made, command)()
    return " ".join(caught.value.output.split())  # Terraform wraps lines


def test_a_plan_only_type_validates_and_plans_but_does_not_apply(tmp_path: Path, local_aws: Emulator) -> None:
    made = terraform(tmp_path, VOLUME, local_aws.endpoint)
    made.validate()
    assert made.plan()
    text = output_of_failure(made, "apply_plan")
    assert "aws_fsx_ontap_volume is not available in the laboratory: validate and plan work" in text
    assert "on main.tf line" in text


def test_without_a_local_aws_nothing_is_applied(tmp_path: Path) -> None:
    made = terraform(tmp_path, QUEUE)
    assert made.plan()
    assert "applies only to the local AWS" in output_of_failure(made, "apply")


@pytest.mark.parametrize("host", ["sqs.us-east-1.amazonaws.com", "192.0.2.7:4566", "localhost.example.org"])
def test_an_endpoint_elsewhere_is_refused(tmp_path: Path, host: str) -> None:
    made = terraform(tmp_path, QUEUE, f"http://{host}")
    assert "talks only to a loopback address" in output_of_failure(made, "plan")


def test_an_endpoint_elsewhere_in_the_provider_block_is_refused(tmp_path: Path) -> None:
    head = HEAD.replace(
        "default_tags {", 'endpoints {\n    sqs = "https://example.org"\n  }\n  default_tags {'
    )
    made = terraform(tmp_path, QUEUE, head=head)
    assert "talks only to a loopback address" in output_of_failure(made, "plan")


def test_an_account_that_is_not_allowed_is_refused(tmp_path: Path, local_aws: Emulator) -> None:
    head = HEAD.replace("default_tags {", 'allowed_account_ids = ["111122223333"]\n  default_tags {')
    made = terraform(tmp_path, QUEUE, local_aws.endpoint, head)
    assert "the local AWS is account 000000000000" in output_of_failure(made, "apply")


def test_a_type_that_the_schema_lacks_is_terraforms_own_error(tmp_path: Path) -> None:
    made = terraform(tmp_path, 'resource "aws_wafv2_web_acl" "this" {\n}\n')
    assert 'does not support resource type "aws_wafv2_web_acl"' in output_of_failure(made, "validate")


def test_a_misspelt_argument_is_terraforms_own_error(tmp_path: Path) -> None:
    made = terraform(tmp_path, QUEUE.replace("name ", "nane "))
    assert 'An argument named "nane" is not expected here. Did you mean "name"?' in output_of_failure(
        made, "validate"
    )


SWALLOWED = {
    "a bad name": (
        'resource "aws_sqs_queue" "x" { name = "bad name!" }',
        "name is 'bad name!'; it must match",
    ),
    "broken JSON": (
        'resource "aws_sqs_queue" "x" { redrive_policy = "{nope" }',
        "redrive_policy is not JSON",
    ),
    "a rule without a trigger": (
        'resource "aws_cloudwatch_event_rule" "x" { name = "r" }',
        "a rule needs event_pattern or schedule_expression",
    ),
    "an empty state machine": (
        """resource "aws_sfn_state_machine" "x" {
             role_arn   = "arn"
             definition = "{}"
           }""",
        "the definition has no States",
    ),
    "an attribute that is no key": (
        """resource "aws_dynamodb_table" "x" {
             name     = "table"
             hash_key = "pk"
             attribute {
               name = "pk"
               type = "S"
             }
             attribute {
               name = "other"
               type = "S"
             }
           }""",
        "attributes and keys differ in other",
    ),
    "a function from an image": (
        """resource "aws_lambda_function" "x" {
             function_name = "f"
             role          = "arn"
             image_uri     = "registry/image"
           }""",
        "takes functions from filename only",
    ),
    "a write-only argument": (
        """resource "aws_secretsmanager_secret_version" "x" {
             secret_id        = "s"
             secret_string_wo = "v"
           }""",
        "secret_string_wo is write-only",
    ),
}


@pytest.mark.parametrize("case", SWALLOWED)
def test_what_the_local_aws_would_swallow_is_refused(tmp_path: Path, case: str) -> None:
    text, message = SWALLOWED[case]
    assert message in output_of_failure(terraform(tmp_path, text), "validate")


def test_a_missing_lambda_package_is_an_error_of_the_plan(tmp_path: Path) -> None:
    made = terraform(
        tmp_path,
        'resource "aws_lambda_function" "x" {\n  function_name = "f"\n  role = "arn"\n  handler = "a.b"\n'
        '  runtime = "python3.13"\n  filename = "missing.zip"\n}',
    )
    made.validate()
    assert "missing.zip does not exist: run make package-lambdas" in output_of_failure(made, "plan")
