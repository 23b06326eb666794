"""The packaged router as a Lambda of the local AWS, under a role with just its module's permissions."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from lab.cloud.emulator import Emulator
from tests.support.file_events import file_event
from tests.support.waiting import wait_until
from tools import package_lambdas

ROOT = Path(__file__).parents[3]
EVENTS = [file_event(event_id=f"{number:032x}", sequence_number=number).to_dict() for number in range(40)]


def packaged_router() -> bytes:
    """The router's zip with the laboratory's bootstrap beside it."""
    function = package_lambdas.read_functions(ROOT / "python/lambdas.toml")["route"]
    pins = package_lambdas.read_pins(ROOT / "requirements/lambda.txt")
    packed = io.BytesIO(package_lambdas.build(function, pins))
    with zipfile.ZipFile(packed, "a") as archive:
        entry = zipfile.ZipInfo("bootstrap")
        entry.external_attr = 0o100755 << 16
        archive.writestr(entry, (ROOT / "lab/cloud/lambda_bootstrap.py").read_bytes())
    return packed.getvalue()


def identity(body: str) -> str:
    """What is the same in a repetition: the event's id, or the body of what is no event of the bus."""
    return str(json.loads(body)["detail"]["event_id"]) if '"detail"' in body else body


class RouterPath:
    """Ingestion queue, router, bus, and a queue that gets whatever reaches the bus."""

    def __init__(self, local: Emulator, name: str, allowed: set[str], visibility_seconds: int) -> None:
        self.sqs = local.client("sqs")
        self.name = name
        self.dead = self.queue("dead")
        self.quarantine = self.queue("quarantine")
        self.arrived = self.queue("arrived")
        self.ingestion = self.queue(
            "ingestion",
            VisibilityTimeout=str(visibility_seconds),
            RedrivePolicy=json.dumps({"deadLetterTargetArn": self.arn(self.dead), "maxReceiveCount": 2}),
        )
        events = local.client("events")
        bus_arn = events.create_event_bus(Name=name)["EventBusArn"]
        pattern = json.dumps({"source": ["fsxn.fpolicy"], "detail-type": ["FPolicy File Operation"]})
        events.put_rule(Name=f"{name}-all", EventBusName=name, EventPattern=pattern)
        events.put_targets(
            Rule=f"{name}-all", EventBusName=name, Targets=[{"Id": "queue", "Arn": self.arn(self.arrived)}]
        )
        permissions = [
            ("sqs:ReceiveMessage", self.arn(self.ingestion)),
            ("sqs:DeleteMessage", self.arn(self.ingestion)),
            ("sqs:GetQueueAttributes", self.arn(self.ingestion)),
            ("events:PutEvents", bus_arn),
            ("sqs:SendMessage", self.arn(self.quarantine)),
        ]
        role_arn = self.role(local.client("iam"), [pair for pair in permissions if pair[0] in allowed])
        function_arn = local.client("lambda").create_function(
            FunctionName=name,
            Runtime="provided.al2023",
            Handler="fsxn_runtime.event_router.handler.handler",
            Role=role_arn,
            Code={"ZipFile": packaged_router()},
            Timeout=10,
            Environment={"Variables": {"EVENT_BUS_NAME": name, "QUARANTINE_QUEUE_URL": self.quarantine}},
        )["FunctionArn"]
        local.client("lambda").create_event_source_mapping(
            EventSourceArn=self.arn(self.ingestion),
            FunctionName=function_arn,
            BatchSize=10,
            FunctionResponseTypes=["ReportBatchItemFailures"],
        )

    def queue(self, kind: str, **attributes: str) -> str:
        return str(self.sqs.create_queue(QueueName=f"{self.name}-{kind}", Attributes=attributes)["QueueUrl"])

    def arn(self, queue_url: str) -> str:
        answer = self.sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["QueueArn"])
        return str(answer["Attributes"]["QueueArn"])

    def role(self, iam: Any, permissions: list[tuple[str, str]]) -> str:
        trust = {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
        statements = [{"Effect": "Allow", "Action": action, "Resource": arn} for action, arn in permissions]
        role = iam.create_role(
            RoleName=self.name,
            AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
        )["Role"]
        if statements:
            policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
            iam.put_role_policy(RoleName=self.name, PolicyName="route", PolicyDocument=policy)
        return str(role["Arn"])

    def take(self, queue_url: str, wanted: int) -> list[dict[str, Any]]:
        """Receive until there are so many different messages; repetitions are left out, as they may come."""
        taken: dict[str, dict[str, Any]] = {}

        def enough() -> bool:
            answer = self.sqs.receive_message(
                QueueUrl=queue_url, MaxNumberOfMessages=10, MessageAttributeNames=["All"], WaitTimeSeconds=1
            )
            for message in answer.get("Messages", []):
                taken[identity(message["Body"])] = message
                self.sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])
            return len(taken) >= wanted

        wait_until(enough, 30)
        return list(taken.values())


ALL_ACTIONS = {
    "sqs:ReceiveMessage",
    "sqs:DeleteMessage",
    "sqs:GetQueueAttributes",
    "events:PutEvents",
    "sqs:SendMessage",
}


def test_events_arrive_and_poison_is_kept_with_its_reason(emulator: Emulator) -> None:
    """20 single events, a message of 20, poison of three kinds: 40 on the bus, 3 in quarantine, none dead."""
    path = RouterPath(emulator, "route-all", ALL_ACTIONS, visibility_seconds=20)
    bodies = [json.dumps(event) for event in EVENTS[:20]]
    bodies.append(json.dumps({"schema_version": "1.0", "events": [*EVENTS[20:], {"poison": 1}]}))
    bodies += ["poison", json.dumps({**EVENTS[0], "event_type": "FILE_EXPLODE"})]
    for body in bodies:
        path.sqs.send_message(QueueUrl=path.ingestion, MessageBody=body)

    arrived = [json.loads(message["Body"])["detail"] for message in path.take(path.arrived, len(EVENTS))]
    kept = {
        (message["Body"], message["MessageAttributes"]["reason"]["StringValue"])
        for message in path.take(path.quarantine, 3)
    }
    assert {event["event_id"]: event for event in arrived} == {e["event_id"]: e for e in EVENTS}
    assert kept == {
        ("poison", "not_json"),
        ('{"poison":1}', "wrong_schema"),
        (json.dumps({**EVENTS[0], "event_type": "FILE_EXPLODE"}, separators=(",", ":")), "wrong_schema"),
    }
    count = path.sqs.get_queue_attributes(QueueUrl=path.dead, AttributeNames=["ApproximateNumberOfMessages"])
    assert count["Attributes"]["ApproximateNumberOfMessages"] == "0"


@pytest.mark.parametrize(
    ("missing", "body"), [("events:PutEvents", json.dumps(EVENTS[0])), ("sqs:SendMessage", "poison")]
)
def test_without_one_permission_nothing_is_lost_and_the_message_ends_dead(
    missing: str, body: str, emulator: Emulator
) -> None:
    path = RouterPath(
        emulator, f"route-no-{missing.split(':')[0]}", ALL_ACTIONS - {missing}, visibility_seconds=1
    )
    path.sqs.send_message(QueueUrl=path.ingestion, MessageBody=body)
    assert [message["Body"] for message in path.take(path.dead, 1)] == [body]
