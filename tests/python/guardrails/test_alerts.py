"""Alerts reach their topic, and never stand in the way."""

from __future__ import annotations

import json

import boto3
from botocore.exceptions import EndpointConnectionError
from botocore.stub import Stubber
from fsxn_runtime.guardrails import Alerts

TOPIC = "arn:aws:sns:us-east-1:111122223333:notifications"


class Topic:
    """SNS that is away."""

    def publish(self, **_: object) -> None:
        raise EndpointConnectionError(endpoint_url="https://sns.example.com")


def test_an_alert_is_a_message_that_people_and_programs_can_read() -> None:
    sns = boto3.client("sns", region_name="us-east-1")
    message = {"subject": "Guardrail bypassed", "actor": "ann", "requested_gb": 1.5}
    expected = {
        "TopicArn": TOPIC,
        "Subject": "Guardrail bypassed",
        "Message": json.dumps(message, indent=2),
    }
    with Stubber(sns) as stub:
        stub.add_response("publish", {"MessageId": "1"}, expected)
        assert Alerts(sns, TOPIC).send("Guardrail bypassed", actor="ann", requested_gb=1.5)


def test_a_lost_alert_is_a_log_line_and_no_error(capsys) -> None:
    assert not Alerts(Topic(), TOPIC).send("Guardrail bypassed", actor="ann")
    raised, lost = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert (raised["event"], raised["actor"]) == ("alert.raised", "ann")
    assert (lost["event"], lost["error"]["code"]) == ("alert.lost", "aws_unreachable")


def test_without_a_topic_an_alert_is_a_log_line(capsys) -> None:
    assert not Alerts(Topic(), "").send("Guardrail bypassed")
    assert json.loads(capsys.readouterr().out)["event"] == "alert.raised"
