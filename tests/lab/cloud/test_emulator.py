"""The life cycle of the local AWS, and its one extra door."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from lab.cloud.clients import ACCOUNT_ID, Credentials
from lab.cloud.emulator import ROOT_DIRECTORY, Emulator, EmulatorError
from tests.support.waiting import wait_until


def is_alive(pid: int) -> bool:
    """Whether the process exists and is not just a zombie waiting for its parent."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


def test_after_stop_nothing_is_left_running_or_on_disk() -> None:
    with Emulator() as running:
        directory, pid = running.directory, running.pid
        assert directory.is_dir()
        assert is_alive(pid)
    assert not directory.exists()
    assert not is_alive(pid)


def test_two_emulators_run_side_by_side(emulator: Emulator) -> None:
    with Emulator() as other:
        emulator.client("sqs").create_queue(QueueName="only-in-one")
        assert not other.client("sqs").list_queues().get("QueueUrls")


def test_the_emulator_ends_with_the_process_that_started_it() -> None:
    """A starter that is killed without a chance to clean up leaves no emulator behind."""
    script = (
        "import os, signal\n"
        "from lab.cloud.emulator import Emulator\n"
        "running = Emulator()\n"
        "running.start()\n"
        "print(running.pid, running.directory, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT_DIRECTORY)}
    output = subprocess.run(
        [sys.executable, "-c", script], env=environment, stdout=subprocess.PIPE, text=True, timeout=60
    ).stdout
    pid, directory = output.split()
    wait_until(lambda: not is_alive(int(pid)))
    wait_until(lambda: not Path(directory).exists())


def test_reset_forgets_everything(emulator: Emulator) -> None:
    sqs = emulator.client("sqs")
    sqs.create_queue(QueueName="forgotten")
    emulator.reset()
    assert not sqs.list_queues().get("QueueUrls")


def test_unknown_credentials_are_refused(emulator: Emulator) -> None:
    stranger = emulator.client("sqs", Credentials("AKIAUNKNOWN0", "secret"))
    with pytest.raises(ClientError, match="security token included in the request is invalid"):
        stranger.list_queues()


def test_access_points_are_made_without_a_resolvable_host_name(emulator: Emulator) -> None:
    emulator.client("s3").create_bucket(Bucket="volume")
    emulator.client("s3").put_object(Bucket="volume", Key="legal/a.txt", Body=b"text")
    made = emulator.client("s3control").create_access_point(
        AccountId=ACCOUNT_ID, Name="volume-ap", Bucket="volume"
    )
    body = emulator.client("s3").get_object(Bucket=made["Alias"], Key="legal/a.txt")["Body"].read()
    assert body == b"text"


def test_service_events_reach_rules_on_the_default_bus(emulator: Emulator) -> None:
    """PutEvents refuses `aws.*` sources to everybody, so the laboratory's own door is used."""
    sqs, events = emulator.client("sqs"), emulator.client("events")
    url = sqs.create_queue(QueueName="task-events")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.put_rule(Name="tasks", EventPattern='{"source": ["aws.ecs"]}')
    events.put_targets(Rule="tasks", Targets=[{"Id": "queue", "Arn": arn}])

    entry = {"Source": "aws.ecs", "DetailType": "t", "Detail": "{}"}
    assert events.put_events(Entries=[entry])["FailedEntryCount"] == 1
    emulator.publish_service_event(source="aws.ecs", detail_type="t", detail={"n": 7}, resources=["arn:x"])

    (message,) = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=5)["Messages"]
    assert '"n": 7' in message["Body"]


def test_service_events_need_the_token(emulator: Emulator) -> None:
    stranger = Emulator()
    stranger.port = emulator.port
    with pytest.raises(EmulatorError, match="403"):
        stranger.publish_service_event(source="aws.ecs", detail_type="t", detail={}, resources=[])


def test_an_alarm_sees_only_the_metric_with_its_dimensions(emulator: Emulator) -> None:
    """Steps: another queue's messages change nothing; its own raise it; its own end it."""
    cloudwatch = emulator.client("cloudwatch")
    for name, dimensions in (("mine", [{"Name": "QueueName", "Value": "mine"}]), ("none", [])):
        cloudwatch.put_metric_alarm(
            AlarmName=name,
            Namespace="N",
            MetricName="Waiting",
            Dimensions=dimensions,
            Statistic="Maximum",
            Period=1,
            EvaluationPeriods=1,
            Threshold=5,
            ComparisonOperator="GreaterThanThreshold",
        )

    def states(value: float, queue: str) -> dict[str, str]:
        data = {
            "MetricName": "Waiting",
            "Value": value,
            "Dimensions": [{"Name": "QueueName", "Value": queue}],
        }
        cloudwatch.put_metric_data(Namespace="N", MetricData=[data])
        found = cloudwatch.describe_alarms()["MetricAlarms"]
        return {alarm["AlarmName"]: alarm["StateValue"] for alarm in found}

    assert states(9, "other") == {"mine": "INSUFFICIENT_DATA", "none": "INSUFFICIENT_DATA"}
    assert states(9, "mine") == {"mine": "ALARM", "none": "INSUFFICIENT_DATA"}
    wait_until(lambda: states(1, "mine")["mine"] == "OK", 10)
