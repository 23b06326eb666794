"""File events as CloudEvents: what Terraform plans, run on the local AWS, against the published schema."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fsxn_runtime.events import DETAIL_TYPE, EVENT_SOURCE, EventType, FileEvent
from jsonschema import Draft7Validator, FormatChecker

from lab.cloud.emulator import Emulator
from lab.terraform import Terraform
from tests.support.emulator import emulator, emulator_process
from tests.support.file_events import file_event
from tools.terraform_inventory import PREVIEW, applied, stand_in_packages

__all__ = ["emulator", "emulator_process"]

pytestmark = [pytest.mark.terraform, pytest.mark.xdist_group("terraform-roots")]

ROOT = """
provider "aws" {
  region = "us-east-1"
}

module "event_router" {
  source       = "../../modules/event-router"
  context      = { account_id = "000000000000", name_prefix = "fsxn-test", region = "us-east-1" }
  operations   = { notification_topic_arn = "arn:aws:sns:us-east-1:000000000000:notifications" }
  package_path = "PACKAGES/route.zip"

  cloudevents = {
    catalogue = { queue_arn = "arn:aws:sqs:us-east-1:000000000000:catalogue" }
    deletions = {
      queue_arn   = "arn:aws:sqs:us-east-1:000000000000:deletions"
      event_types = ["FILE_DELETE"]
    }
  }
}
"""
Resources = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def planned(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Resources:
    base = tmp_path_factory.mktemp("cloudevents")
    root = base / "checkout/envs/router"
    root.mkdir(parents=True)
    for folder in ("modules", "python"):
        (base / "checkout" / folder).symlink_to(repository / folder)
    (root / "main.tf").write_text(ROOT.replace("PACKAGES", str(stand_in_packages(base))))
    resources = applied(Terraform(root, base, environment=PREVIEW))
    return {
        resource["address"].removeprefix("module.event_router."): resource["values"] for resource in resources
    }


@pytest.fixture(scope="module")
def queues(emulator: Emulator, planned: Resources) -> Iterator[dict[str, str]]:
    """The consumers' queues on the local AWS, behind the rules and targets that were planned."""
    events, sqs = emulator.client("events"), emulator.client("sqs")
    events.create_event_bus(Name="fsxn-test-events")
    urls = {}
    for name in ("catalogue", "deletions"):
        urls[name] = sqs.create_queue(QueueName=name)["QueueUrl"]
        rule = planned[f'aws_cloudwatch_event_rule.cloudevents["{name}"]']
        target = planned[f'aws_cloudwatch_event_target.cloudevents["{name}"]']
        (transformer,) = target["input_transformer"]
        place = {"Rule": rule["name"], "EventBusName": "fsxn-test-events"}
        events.put_rule(
            Name=rule["name"], EventBusName="fsxn-test-events", EventPattern=rule["event_pattern"]
        )
        events.put_targets(
            **place,
            Targets=[
                {
                    "Id": target["target_id"],
                    "Arn": target["arn"],
                    "InputTransformer": {
                        "InputPathsMap": transformer["input_paths"],
                        "InputTemplate": transformer["input_template"],
                    },
                }
            ],
        )
    return urls


def delivered(emulator: Emulator, url: str, event: FileEvent, wait: int = 5) -> list[dict[str, Any]]:
    """Put an event on the bus as the router does, and give what comes out of a consumer's queue."""
    entry = {
        "Source": EVENT_SOURCE,
        "DetailType": DETAIL_TYPE,
        "Detail": json.dumps(event.to_dict()),
        "EventBusName": "fsxn-test-events",
    }
    assert emulator.client("events").put_events(Entries=[entry])["FailedEntryCount"] == 0
    sqs = emulator.client("sqs")
    messages = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=wait, MaxNumberOfMessages=10).get(
        "Messages", []
    )
    for message in messages:
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return [json.loads(message["Body"]) for message in messages]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"file_path": '/vol1/a "quoted" \\ name, <event_id> & more\n\x1b\u2028漢.pdf'},
        {
            "file_path": "/vol1/{}",
            "target_path": "/vol1/b",
            "user": {"windows_sid": 'S-1"'},
            "file_size": None,
        },
    ],
)
def test_a_consumer_receives_a_valid_cloud_event_with_the_whole_file_event(
    changes: dict[str, Any],
    emulator: Emulator,
    queues: dict[str, str],
    repository: Path,
) -> None:
    event = file_event(**changes)
    [found] = delivered(emulator, queues["catalogue"], event)
    schema = json.loads((repository / "tests/data/cloudevents/cloudevents-1.0.json").read_text())
    Draft7Validator(schema, format_checker=FormatChecker()).validate(found)
    assert found == {
        "specversion": "1.0",
        "id": event.event_id,
        "source": "arn:aws:events:us-east-1:000000000000:event-bus/fsxn-test-events",
        "type": "fsxn.fpolicy.FILE_CREATE",
        "time": event.timestamp,
        "subject": event.file_path,
        "datacontenttype": "application/json",
        "dataschema": "urn:fsxn:file-event:1.1",
        "data": event.to_dict(),
    }


def test_a_consumer_that_named_types_receives_only_those(
    emulator: Emulator,
    queues: dict[str, str],
) -> None:
    assert delivered(emulator, queues["deletions"], file_event(), wait=1) == []
    [found] = delivered(emulator, queues["deletions"], file_event(event_type=EventType.FILE_DELETE))
    assert found["type"] == "fsxn.fpolicy.FILE_DELETE"


def test_what_a_consumer_refuses_is_put_aside(planned: Resources) -> None:
    letters = planned["aws_sqs_queue.cloudevents_dead_letter[0]"]
    for name in ("catalogue", "deletions"):
        (given,) = planned[f'aws_cloudwatch_event_target.cloudevents["{name}"]']["dead_letter_config"]
        assert letters["name"] in given["arn"]
    policy = json.loads(planned["aws_sqs_queue_policy.cloudevents_dead_letter[0]"]["policy"])
    (statement,) = policy["Statement"]
    assert len(statement["Condition"]["ArnEquals"]["aws:SourceArn"]) == 2
