"""A workload with two steps of its own in the module's frame: each branch of errors has its own end.

An emulator of its own, because it is another root than envs/local. From the bus to the item, everything is
the product's; the two functions do what the file's name says.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fsxn_runtime.events import EventType
from fsxn_runtime.lineage import LineageStore

from lab.cloud.clients import ACCOUNT_ID
from lab.cloud.emulator import Emulator
from lab.terraform import Terraform
from tests.lab.cloud.functions import make_function
from tests.support.file_events import file_event
from tests.support.local import transitions
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.local, pytest.mark.xdist_group("local-steps"), pytest.mark.timeout(300)]

ROOT = Path(__file__).parent / "roots" / "steps"
# The first step fails by the file's name; a transient fault is over after one try.
INSPECT = """
class TransientError(Exception): pass
class RejectedError(Exception): pass
class MisconfiguredError(Exception): pass
seen = set()

def handler(job, context):
    name = job["event"]["file_path"].rpartition("/")[2]
    if name == "gone":
        return {"status": "superseded"}
    if name == "busy" and name not in seen:
        seen.add(name)
        raise TransientError("come again")
    if name == "bad":
        raise RejectedError("no such format")
    if name == "denied":
        raise MisconfiguredError("no permission")
    return {"pages": 3}
"""
CONVERT = """
def handler(job, context):
    return {"status": "processed", "pages": job["inspected"]["result"]["pages"], "key": job["work_key"]}
"""


@dataclass
class Site:
    """The applied root and how to use it."""

    aws: Emulator
    outputs: dict[str, Any]

    def change(self, name: str, *, event: str = "") -> None:
        """Let the bus carry an event of a file, which is made before the first one."""
        if not self.item(name):
            self.aws.client("s3").put_object(Bucket="volume", Key=name, Body=b"content")
        detail = file_event(
            file_path=f"/vol1/{name}",
            event_id=event or name.encode().hex().ljust(32, "0"),
            event_type=EventType.FILE_CREATE,
        )
        entry = {"EventBusName": "events", "Source": "fsxn.fpolicy", "DetailType": "FPolicy File Operation"}
        self.aws.client("events").put_events(Entries=[entry | {"Detail": json.dumps(detail.to_dict())}])

    def item(self, name: str) -> dict[str, Any]:
        found = self.aws.client("dynamodb").scan(TableName=self.outputs["state_table_name"])["Items"]
        return next((each for each in found if each["file_path"]["S"] == f"/vol1/{name}"), {})

    def ended(self, name: str) -> dict[str, Any]:
        """The file's item once it is closed."""
        wait_until(lambda: self.item(name).get("status", {}).get("S", "IN_PROGRESS") != "IN_PROGRESS", 60)
        return self.item(name)

    def history(self, name: str) -> list[dict[str, Any]]:
        """What Step Functions noted of the file's last execution."""
        events: list[dict[str, Any]] = self.aws.client("stepfunctions").get_execution_history(
            executionArn=self.item(name)["execution_arn"]["S"], maxResults=1000
        )["events"]
        return events

    def output(self, name: str) -> Any:
        arn = self.item(name)["execution_arn"]["S"]
        return json.loads(self.aws.client("stepfunctions").describe_execution(executionArn=arn)["output"])

    def reasons(self) -> set[str]:
        """Why letters lie in the dead-letter queue."""
        answer = self.aws.client("sqs").receive_message(
            QueueUrl=self.outputs["dead_letter_queue_url"],
            MaxNumberOfMessages=10,
            MessageAttributeNames=["All"],
            VisibilityTimeout=0,
        )
        return {each["MessageAttributes"]["reason"]["StringValue"] for each in answer.get("Messages", [])}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with Emulator(environment={"SFN_WAIT_SCALE": "0"}) as aws:
        aws.client("s3").create_bucket(Bucket="volume")
        delegation = {
            "Effect": "Allow",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": ["arn:aws:s3:::volume", "arn:aws:s3:::volume/*"],
            "Condition": {"StringEquals": {"s3:DataAccessPointAccount": ACCOUNT_ID}},
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [delegation]})
        aws.client("s3").put_bucket_policy(Bucket="volume", Policy=policy)
        point = aws.client("s3control").create_access_point(
            AccountId=ACCOUNT_ID, Name="volume-ap", Bucket="volume"
        )
        aws.client("events").create_event_bus(Name="events")
        terraform = Terraform(
            ROOT,
            tmp_path_factory.mktemp("steps"),
            endpoint=aws.endpoint,
            variables={
                "access_point": {"alias": point["Alias"], "arn": point["AccessPointArn"]},
                "bus_name": "events",
                "functions": {
                    "convert": make_function(aws, "convert", CONVERT),
                    "inspect": make_function(aws, "inspect", INSPECT),
                },
            },
        )
        terraform.init()
        terraform.apply()
        yield Site(aws, terraform.output())


def test_a_file_goes_through_both_steps_once(site: Site) -> None:
    site.change("good")
    item = site.ended("good")
    assert (item["status"]["S"], item["attempt"]["N"]) == ("DONE", "1")
    assert site.output("good") == {"status": "processed", "pages": 3, "key": item["work_key"]["S"]}
    # Start, Inspect, IsItThere, Convert, end: what modules/workload/README.md says it costs.
    assert transitions(site.history("good")) == 5


def test_an_event_that_falls_together_with_work_is_recorded_with_the_workloads_labels(site: Site) -> None:
    """By the starter, whose role may write lineage only because all decisions are recorded."""
    for number in (1, 2):
        site.change("twice", event=f"{number:032x}")
        site.ended("twice")
    store = LineageStore(site.aws.client("dynamodb"), site.outputs["lineage_table_name"])
    (record,) = wait_until(lambda: [each for each in store.by_file("/vol1/twice") if each.reason])
    assert (record.status, record.reason, record.event_id) == ("duplicate", "done", f"{2:032x}")
    assert record.metadata == {"data_classification": "restricted"}
    assert record.uc_template_version == "two-steps"


def test_a_fault_that_passes_is_tried_again_within_the_execution(site: Site) -> None:
    site.change("busy")
    item = site.ended("busy")
    assert (item["status"]["S"], item["attempt"]["N"]) == ("DONE", "1")
    assert [each["type"] for each in site.history("busy")].count("TaskFailed") == 1
    assert transitions(site.history("busy")) == 6  # as above, and the second try


def test_a_step_can_say_that_the_version_is_gone(site: Site) -> None:
    site.change("gone")
    assert site.ended("gone")["status"]["S"] == "SUPERSEDED"


@pytest.mark.parametrize(
    ("name", "reason", "end"), [("bad", "rejected", "Rejected"), ("denied", "misconfigured", "Misconfigured")]
)
def test_what_no_attempt_can_change_is_given_up_at_the_first(
    site: Site, name: str, reason: str, end: str
) -> None:
    site.change(name)
    item = site.ended(name)
    assert (item["status"]["S"], item["attempt"]["N"]) == ("FAILED", "1")
    assert reason in site.reasons()
    entered = [
        each["stateEnteredEventDetails"]["name"]
        for each in site.history(name)
        if "stateEnteredEventDetails" in each
    ]
    assert entered == ["Inspect", end]
