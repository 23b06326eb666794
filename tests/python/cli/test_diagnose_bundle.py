"""`fsxn diagnose bundle` and `alert-test` on the local AWS: real queues, alarms, topic; parts down."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fsxn_runtime.cli.main import main
from fsxn_runtime.edge.clients import forget_clients

from lab.cloud.emulator import Emulator
from lab.inbox import Inbox

PREFIX = "lab"
NOBODY = "http://127.0.0.1:1"  # no one listens there

Bundle = Callable[..., tuple[int, dict[str, Any], str]]


@pytest.fixture(scope="module")
def cloud(emulator: Emulator) -> Emulator:
    """Queues and an alarm of one deployment, the server's service, and the topic."""
    sqs, ecs, sns = (emulator.client(name) for name in ("sqs", "ecs", "sns"))
    for name in ("ingestion", "ingestion-dead-letters", "quarantine"):
        sqs.create_queue(QueueName=f"{PREFIX}-{name}")
    emulator.client("cloudwatch").put_metric_alarm(
        AlarmName=f"{PREFIX}-ingestion-age",
        AlarmDescription="Events wait. docs/runbooks/ingestion-age.md",
        AlarmActions=[sns.create_topic(Name=f"{PREFIX}-notifications")["TopicArn"]],
        Namespace="lab",
        MetricName="Age",
        Statistic="Maximum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
    )
    ecs.create_cluster(clusterName=f"{PREFIX}-fpolicy")
    ecs.register_task_definition(family="lab", containerDefinitions=[{"name": "server", "image": "lab:1"}])
    ecs.create_service(
        cluster=f"{PREFIX}-fpolicy", serviceName=f"{PREFIX}-fpolicy", taskDefinition="lab", desiredCount=0
    )
    return emulator


@pytest.fixture
def environment(cloud: Emulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    monkeypatch.setenv("AWS_ENDPOINT_URL", cloud.endpoint)
    monkeypatch.delenv("SLO_PARAMETER", raising=False)
    forget_clients()
    yield monkeypatch
    forget_clients()


@pytest.fixture
def bundle(environment: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Bundle:
    """Run the command: exit status, what it concluded, and the archive's first page."""

    def run(*arguments: str) -> tuple[int, dict[str, Any], str]:
        path = tmp_path / "bundle.tar.gz"
        command = ["diagnose", "bundle", "--prefix", PREFIX, "--output", str(path), "--json", *arguments]
        status = main(command)
        with tarfile.open(path) as archive:
            page = archive.extractfile("bundle/README.txt")
            assert page is not None
            return status, json.loads(capsys.readouterr().out), page.read().decode()

    return run


def test_the_first_page_names_a_server_that_is_scaled_to_0(bundle: Bundle) -> None:
    """The objectives' parameter is not there: that is said, and hides nothing."""
    status, said, page = bundle()
    assert status == 1
    assert "Most likely cause: The FPolicy server is scaled to 0" in page
    assert said["causes"][0]["key"] == "server_scaled_to_zero"
    assert "lab/slo-catalogue" in said["not_collected"]["objectives"]
    assert {"alarms", "queues", "server", "functions", "errors", "schedules", "sources"} <= set(
        said["collected"]
    )


def test_a_service_of_aws_that_is_away_is_named_and_the_rest_is_collected(
    bundle: Bundle, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv("AWS_ENDPOINT_URL_SQS", NOBODY)
    status, said, page = bundle()
    assert status == 1
    assert "queues" in said["not_collected"] and "server" in said["collected"]
    assert "Could not be collected:\n" in page
    assert "aws_part_silent:queues" in {cause["key"] for cause in said["causes"]}


def test_where_nothing_answers_that_is_the_cause(bundle: Bundle, environment: pytest.MonkeyPatch) -> None:
    environment.setenv("AWS_ENDPOINT_URL", NOBODY)
    status, said, page = bundle()
    assert (status, said["collected"]) == (1, [])
    assert "Most likely cause: AWS cannot be asked from here" in page


def test_an_output_that_exists_is_refused_before_anything_is_asked(
    environment: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "old.tar.gz"
    path.write_text("kept")
    assert main(["diagnose", "bundle", "--prefix", PREFIX, "--output", str(path)]) == 2
    assert "must be a new file" in capsys.readouterr().err
    assert path.read_text() == "kept"


@pytest.fixture
def inbox(cloud: Emulator) -> Iterator[Inbox]:
    """What comes to a queue that is subscribed to the topic."""
    with Inbox(cloud, cloud.client("sns").create_topic(Name=f"{PREFIX}-notifications")["TopicArn"]) as inbox:
        yield inbox


def alert_test(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any]]:
    status = main(["diagnose", "alert-test", "--prefix", PREFIX, "--json", *arguments])
    return status, json.loads(capsys.readouterr().out)


def test_one_marked_message_goes_through_the_topic_when_it_is_confirmed(
    environment: Any, inbox: Inbox, capsys: pytest.CaptureFixture[str]
) -> None:
    """Steps: without --yes nothing is sent; with it one message comes, with the id that was said."""
    status, shown = alert_test(capsys)
    assert (status, shown["sent"], shown["message_id"]) == (0, False, "")
    status, sent = alert_test(capsys, "--yes")
    assert (status, sent["sent"]) == (0, True)
    assert inbox.wait_for("TEST", sent["test_id"], seconds=30)
    assert len(inbox.found("TEST")) == 1


def test_an_alarm_is_set_to_send_it_as_alarms_do(
    environment: Any, cloud: Emulator, inbox: Inbox, capsys: pytest.CaptureFixture[str]
) -> None:
    name = f"{PREFIX}-ingestion-age"
    status, sent = alert_test(capsys, "--alarm", name, "--yes")
    assert status == 0
    (alarm,) = cloud.client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"]
    assert (alarm["StateValue"], sent["test_id"] in alarm["StateReason"]) == ("ALARM", True)
    assert main(["diagnose", "alert-test", "--prefix", PREFIX, "--alarm", name, "--yes"]) == 2
    assert "is raised already" in capsys.readouterr().err


def test_a_topic_that_nobody_listens_to_is_a_finding(
    environment: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    status, shown = alert_test(capsys)
    assert (status, shown["subscriptions"]) == (1, [])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--alarm", "other-alarm"], "must be an alarm of this deployment"),
        (["--alarm", f"{PREFIX}-no-such"], "there is no metric alarm"),
        (["--prefix", "nowhere"], "there is no topic nowhere-notifications"),
    ],
)
def test_what_cannot_be_tested_is_refused_in_one_line(
    environment: Any, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    assert main(["diagnose", "alert-test", "--prefix", PREFIX, *arguments, "--yes"]) == 2
    assert words in capsys.readouterr().err
