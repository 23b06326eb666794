"""`fsxn diagnose alert-test`: one marked message the way that alarms go, and how to see it arrive."""

from __future__ import annotations

import argparse
import json
import uuid
from typing import Any

from fsxn_runtime.cli.console import Exit, say
from fsxn_runtime.cli.redrive import add_prefix
from fsxn_runtime.edge.aws_errors import aws_call
from fsxn_runtime.edge.clients import client
from fsxn_runtime.errors import RejectedError

_MARK = "TEST"


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the group `diagnose`."""
    parser = commands.add_parser(
        "alert-test",
        help="send one test message through the topic of all alarms (with --yes)",
        description=(
            "Show who is subscribed to the one topic that every alarm and event uses; with --yes "
            "publish one message that begins with TEST. With --alarm CloudWatch sends it: the alarm is set "
            "to ALARM by hand and falls back at its next evaluation. Exit status 1 when nobody would "
            "receive it."
        ),
    )
    add_prefix(parser)
    parser.add_argument(
        "--topic", default="", metavar="ARN", help="the topic (default: <prefix>-notifications)"
    )
    parser.add_argument("--alarm", default="", metavar="NAME", help="let this alarm of the prefix send it")
    parser.add_argument("--yes", action="store_true", help="send it; without it nothing is sent")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.set_defaults(run=_alert_test)


def _alert_test(arguments: argparse.Namespace) -> Exit:
    test_id = uuid.uuid4().hex[:12]
    alarm = _alarm(arguments.alarm, arguments.prefix) if arguments.alarm else None
    topic = arguments.topic or (_topic_of(alarm) if alarm else _topic(f"{arguments.prefix}-notifications"))
    subscriptions = _subscriptions(topic)
    confirmed = [each for each in subscriptions if each["confirmed"]]
    message_id = ""
    if arguments.yes:
        message_id = _set_alarm(alarm, test_id) if alarm else _publish(topic, test_id)
    answer = {
        "topic": topic,
        "test_id": test_id,
        "sent": arguments.yes,
        "message_id": message_id,
        "alarm": arguments.alarm,
        "subscriptions": subscriptions,
    }
    if arguments.json:
        say(json.dumps(answer))
    else:
        _show(answer)
    return Exit.OK if confirmed else Exit.FINDING


def _show(answer: dict[str, Any]) -> None:
    say(f"topic {answer['topic']}")
    for each in answer["subscriptions"]:
        state = "" if each["confirmed"] else "  NOT CONFIRMED: receives nothing"
        say(f"  {each['protocol']} {each['endpoint']}{state}")
    if not answer["subscriptions"]:
        say("  nobody is subscribed: alarms reach nobody (variable email_addresses of the root)")
    if not answer["sent"]:
        say("nothing was sent; send it with --yes")
        return
    way = f"CloudWatch set {answer['alarm']} to ALARM" if answer["alarm"] else "published"
    say(f"{way}: {_MARK} {answer['test_id']}")
    say(f"It arrived when each of the above has a message with {answer['test_id']}, within a minute.")
    say("If not: the subscription's filter, the topic's key and policy, the spam folder.")


def _topic(name: str) -> str:
    with aws_call("sns:ListTopics"):
        pages = client("sns").get_paginator("list_topics").paginate()
        found = [each["TopicArn"] for page in pages for each in page["Topics"]]
    arns = [arn for arn in found if arn.rpartition(":")[2] == name]
    if not arns:
        raise RejectedError(
            f"there is no topic {name}; name it with --topic, or the deployment with --prefix"
        )
    return str(arns[0])


def _topic_of(alarm: dict[str, Any]) -> str:
    topics = [arn for arn in alarm["AlarmActions"] if ":sns:" in arn]
    if not topics or not alarm["ActionsEnabled"]:
        raise RejectedError(
            f"alarm {alarm['AlarmName']} tells no topic: its actions are {alarm['AlarmActions']}"
        )
    return str(topics[0])


def _alarm(name: str, prefix: str) -> dict[str, Any]:
    if not name.startswith(f"{prefix}-"):
        raise RejectedError(f"--alarm is {name}; it must be an alarm of this deployment, {prefix}-...")
    with aws_call("cloudwatch:DescribeAlarms"):
        found = client("cloudwatch").describe_alarms(AlarmNames=[name], AlarmTypes=["MetricAlarm"])
    if not found["MetricAlarms"]:
        raise RejectedError(f"there is no metric alarm {name}; a composite one cannot be tested this way")
    alarm: dict[str, Any] = found["MetricAlarms"][0]
    if alarm["StateValue"] == "ALARM":
        raise RejectedError(f"alarm {name} is raised already; only a change of state sends a message")
    return alarm


def _subscriptions(topic: str) -> list[dict[str, Any]]:
    with aws_call("sns:ListSubscriptionsByTopic"):
        pages = client("sns").get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic)
        return [
            {
                "protocol": each["Protocol"],
                "endpoint": each["Endpoint"],
                # Until it is confirmed the ARN is the word PendingConfirmation (SNS API reference).
                "confirmed": each["SubscriptionArn"].startswith("arn:"),
            }
            for page in pages
            for each in page["Subscriptions"]
        ]


def _text(test_id: str) -> str:
    return (
        f"{_MARK} {test_id}: somebody ran `fsxn diagnose alert-test`. Nothing is wrong; do "
        "nothing. Alarms of this deployment come the same way."
    )


def _publish(topic: str, test_id: str) -> str:
    with aws_call("sns:Publish"):
        answer = client("sns").publish(
            TopicArn=topic, Subject=f"{_MARK}: fsxn diagnose alert-test", Message=_text(test_id)
        )
    return str(answer["MessageId"])


def _set_alarm(alarm: dict[str, Any], test_id: str) -> str:
    with aws_call("cloudwatch:SetAlarmState"):
        client("cloudwatch").set_alarm_state(
            AlarmName=alarm["AlarmName"], StateValue="ALARM", StateReason=_text(test_id)
        )
    return ""
