"""The handlers with their environment on the local AWS: message, execution, status change, item."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from fsxn_runtime.cli.main import main
from fsxn_runtime.edge.clients import forget_clients
from fsxn_runtime.errors import MisconfiguredError
from fsxn_runtime.events import EventType, format_timestamp
from fsxn_runtime.lineage import LineageStore
from fsxn_runtime.workloads import finish, start
from fsxn_runtime.workloads.content_inventory import handler as process

from tests.support.emulator import emulator, emulator_process  # noqa: F401
from tests.support.file_events import file_event
from tests.support.lineage_table import create_lineage_table
from tests.support.starter_mapping import make_mapping
from tests.support.state_table import create_state_table
from tests.support.waiting import wait_until
from tests.support.workload_world import Time, message

# A state machine that does what its input says: it succeeds, or fails with a name.
MACHINE = {
    "StartAt": "Which",
    "States": {
        "Which": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.action", "StringEquals": "delete", "Next": "Broken"}],
            "Default": "Done",
        },
        "Done": {"Type": "Pass", "Result": {"status": "processed"}, "End": True},
        "Broken": {"Type": "Fail", "Error": "Broken", "Cause": "as asked"},
    },
}
LONG_AGO = format_timestamp(1)


def role(emulator):  # noqa: F811
    trust = {"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"}, "Action": "sts:AssumeRole"}
    policy = {"Version": "2012-10-17", "Statement": [trust]}
    iam = emulator.client("iam")
    return iam.create_role(RoleName="states", AssumeRolePolicyDocument=json.dumps(policy))["Role"]["Arn"]


class System:
    """The local AWS with one workload's resources."""

    def __init__(self, emulator):  # noqa: F811
        self.dynamodb = emulator.client("dynamodb")
        self.stepfunctions = emulator.client("stepfunctions")
        self.sqs = emulator.client("sqs")
        self.s3 = emulator.client("s3")
        create_state_table(self.dynamodb, "state")
        create_lineage_table(self.dynamodb, "lineage")
        for bucket in ("volume", "reports"):
            self.s3.create_bucket(Bucket=bucket)
        self.machine = self.stepfunctions.create_state_machine(
            name="work", definition=json.dumps(MACHINE), roleArn=role(emulator)
        )["stateMachineArn"]
        self.dead_letters = self.sqs.create_queue(QueueName="lab-inventory-dead-letters")["QueueUrl"]
        work = self.sqs.create_queue(QueueName="lab-inventory-work")["QueueUrl"]
        self.environment = {
            "AWS_ENDPOINT_URL": emulator.endpoint,
            "UC_ID": "inventory",
            "STATE_TABLE": "state",
            "STATE_MACHINE_ARN": self.machine,
            "WORKLOAD_QUEUE_URL": work,
            "WORKLOAD_DLQ_URL": self.dead_letters,
            "ACCESS_POINT": "volume",
            "JUNCTION_PATH": "/vol1",
            "SETTLE_SECONDS": "0",
            "MAX_ATTEMPTS": "2",
            "SWEEP_AFTER_SECONDS": "60",
            # Off: these tests hand the messages over themselves.
            "STARTER_MAPPING_ID": make_mapping(emulator, "lab-inventory-start", work, enabled=False),
            "OUTPUT_BUCKET": "reports",
            "OUTPUT_PREFIX": "out",
            "LINEAGE_TABLE": "lineage",
        }

    def items(self):
        return self.dynamodb.scan(TableName="state")["Items"]

    def item(self):
        [found] = self.items()
        return found

    def start(self, event):
        record = {"messageId": "m", "body": message(event)}
        return start.handler({"Records": [record]}, Time())

    def ended(self):
        """The status change of the item's execution, as the bus delivers it."""
        arn = self.item()["execution_arn"]["S"]

        def look():
            found = self.stepfunctions.describe_execution(executionArn=arn)
            return found["status"] != "RUNNING" and found

        found = wait_until(look)
        names = ("executionArn", "stateMachineArn", "name", "status", "input", "output", "error", "cause")
        return {"detail": {name: found.get(name) for name in names}}


@pytest.fixture(scope="module")
def installed(emulator):  # noqa: F811
    return System(emulator)


@pytest.fixture
def system(installed, monkeypatch):
    for name, value in installed.environment.items():
        monkeypatch.setenv(name, value)
    caches = (start._parts, finish._finisher, process._parts)
    forget_clients()
    for cache in caches:
        cache.cache_clear()
    for name in ("WORKLOAD_QUEUE_URL", "WORKLOAD_DLQ_URL"):
        installed.sqs.purge_queue(QueueUrl=installed.environment[name])
    for found in installed.items():
        installed.dynamodb.delete_item(TableName="state", Key={"pk": found["pk"]})
    yield installed
    forget_clients()
    for cache in caches:
        cache.cache_clear()


def test_a_message_becomes_an_execution_and_its_end_closes_the_item(system):
    system.s3.put_object(Bucket="volume", Key="a", Body=b"hello")
    event = file_event(file_path="/vol1/a")
    for _ in range(2):
        assert system.start(event) == {"batchItemFailures": []}
    assert system.item()["duplicates"] == {"N": "1"}
    assert finish.handler(system.ended(), Time()) == {"step": "done"}
    assert system.item()["status"] == {"S": "DONE"}


def test_the_process_function_takes_the_input_that_the_starter_wrote(system):
    system.s3.put_object(Bucket="volume", Key="b", Body=b"hello")
    system.start(file_event(file_path="/vol1/b"))
    result = process.handler(json.loads(system.item()["execution_input"]["S"]), Time())
    assert result["status"] == "processed"
    [record] = LineageStore(system.dynamodb, "lineage").by_execution(system.item()["execution_arn"]["S"])
    assert record.output_keys == (result["output_key"],)


def test_a_failing_work_key_ends_in_the_dead_letter_queue_and_in_the_lineage(system):
    system.start(file_event(event_type=EventType.FILE_DELETE, file_path="/vol1/c"))
    assert finish.handler(system.ended(), Time()) == {"step": "retried"}
    assert finish.handler(system.ended(), Time()) == {"step": "failed"}
    answer = system.sqs.receive_message(
        QueueUrl=system.dead_letters, MessageAttributeNames=["All"], VisibilityTimeout=0
    )
    [letter] = answer["Messages"]
    assert letter["MessageAttributes"]["reason"]["StringValue"] == "failed"
    assert json.loads(letter["Body"])["failure"]["error"] == "Broken"
    [record] = LineageStore(system.dynamodb, "lineage").by_file("/vol1/c")
    assert (record.status, record.reason) == ("failed", "Broken")
    assert system.item()["status"] == {"S": "FAILED"}


def test_a_redriven_letter_opens_its_work_key_again(system, capsys):
    """Given up, then `fsxn events redrive --yes`: what lies in the work queue starts the next attempt."""
    system.start(file_event(event_type=EventType.FILE_DELETE, file_path="/vol1/d", event_id="d" * 32))
    for _ in range(2):
        finish.handler(system.ended(), Time())
    assert main(["events", "redrive", "inventory", "--prefix", "lab", "--yes"]) == 0
    [sent] = system.sqs.receive_message(QueueUrl=system.environment["WORKLOAD_QUEUE_URL"])["Messages"]
    capsys.readouterr()
    start.handler({"Records": [{"messageId": "m", "body": sent["Body"]}]}, Time())
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["WorkloadReopened_count"] == 1
    assert (system.item()["status"], system.item()["attempt"]) == ({"S": "IN_PROGRESS"}, {"N": "3"})


def test_the_sweep_closes_what_no_report_closed(system):
    system.start(
        file_event(
            file_path="/vol1/b", event_id="f" * 32, event_type=EventType.FILE_RENAME, target_path="/vol1/x"
        )
    )
    system.ended()
    assert finish.handler({"action": "sweep"}, Time()) == {}  # it is too young
    system.dynamodb.update_item(
        TableName="state",
        Key={"pk": system.item()["pk"]},
        UpdateExpression="SET updated_at = :at",
        ExpressionAttributeValues={":at": {"S": LONG_AGO}},
    )
    assert finish.handler({"action": "sweep"}, Time()) == {"done": 1}
    assert system.item()["status"] == {"S": "DONE"}


def test_a_sweep_that_fails_still_tells_of_the_pause(system, monkeypatch, capsys):
    """Else one broken item would make the alarm forget: the mapping of this workload is off."""
    monkeypatch.setenv("STATE_TABLE", "no-such-table")
    with pytest.raises(MisconfiguredError):
        finish.handler({"action": "sweep"}, Time())
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["WorkloadPaused_count"] for line in lines if "WorkloadPaused_count" in line] == [1]


def test_a_young_file_is_sent_round_again(system, monkeypatch):
    monkeypatch.setenv("SETTLE_SECONDS", "900")
    start._parts.cache_clear()
    system.s3.put_object(Bucket="volume", Key="d", Body=b"hello")
    now = datetime.now(UTC) + timedelta(seconds=1)
    event = file_event(file_path="/vol1/d", timestamp=now.strftime("%Y-%m-%dT%H:%M:%S.%fZ"))
    assert system.start(event) == {"batchItemFailures": []}
    assert system.items() == []
    attributes = system.sqs.get_queue_attributes(
        QueueUrl=system.environment["WORKLOAD_QUEUE_URL"],
        AttributeNames=["ApproximateNumberOfMessagesDelayed"],
    )["Attributes"]
    assert attributes == {"ApproximateNumberOfMessagesDelayed": "1"}
