"""Step Functions, S3 and SQS on the local AWS: what each answer means to the frame."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from botocore.stub import Stubber
from fsxn_runtime.errors import MisconfiguredError, RejectedError, TransientError
from fsxn_runtime.workloads.clients import Executions, Files, Queue, Reports, execution_from
from fsxn_runtime.workloads.core import execution_arn, execution_name
from fsxn_runtime.workloads.model import Execution, ObjectVersion, StateItem, Status

from tests.support.emulator import emulator, emulator_process  # noqa: F401
from tests.support.waiting import wait_until

PASS = {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}}
FAIL = {"StartAt": "A", "States": {"A": {"Type": "Fail", "Error": "Bad", "Cause": "because"}}}
WAIT = {"StartAt": "A", "States": {"A": {"Type": "Wait", "Seconds": 60, "End": True}}}


@pytest.fixture(scope="module")
def machine(emulator):  # noqa: F811
    """Make a state machine; give its adapter and an item to start on it."""
    stepfunctions = emulator.client("stepfunctions")
    trust = {"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"}, "Action": "sts:AssumeRole"}
    role = emulator.client("iam").create_role(
        RoleName="states",
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
    )["Role"]["Arn"]

    def make(name, definition):
        arn = stepfunctions.create_state_machine(name=name, definition=json.dumps(definition), roleArn=role)[
            "stateMachineArn"
        ]
        item = StateItem(
            uc_id="uc",
            work_key="k",
            status=Status.IN_PROGRESS,
            attempt=1,
            execution_arn=execution_arn(arn, execution_name("uc", "k", 1)),
            event_id="e",
            file_path="/vol1/a",
            updated_at="",
            execution_input='{"status": "superseded"}',
        )
        return Executions(stepfunctions, arn), item

    return make


def ended(executions, item):
    return wait_until(lambda: (found := executions.look(item.execution_arn)).status != "RUNNING" and found)


def test_the_derived_arn_is_the_arn_that_step_functions_gives(machine):
    executions, item = machine("passes", PASS)
    assert executions.look(item.execution_arn) is None
    assert executions.start(item)
    assert ended(executions, item) == Execution("SUCCEEDED", superseded=True)


def test_a_used_name_is_not_started_again(machine):
    executions, item = machine("fails", FAIL)
    assert executions.start(item)
    assert ended(executions, item) == Execution("FAILED", error="Bad", cause="because")
    assert not executions.start(item)


def test_a_running_name_with_another_input_is_not_started_again(machine):
    executions, item = machine("waits", WAIT)
    assert executions.start(item)
    assert not executions.start(replace(item, execution_input="{}"))
    assert executions.look(item.execution_arn).status == "RUNNING"


def test_a_missing_machine_needs_a_person(machine):
    executions, item = machine("gone", PASS)
    lost = Executions(executions._stepfunctions, executions._state_machine_arn + "x")
    with pytest.raises(MisconfiguredError, match="StateMachineDoesNotExist"):
        lost.start(item)


@pytest.mark.parametrize(
    ("output", "superseded"),
    [
        (None, False),
        ("", False),
        ("no json", False),
        ("[1]", False),
        ('{"status": "processed"}', False),
        ('{"status": "superseded"}', True),
        ('{"Payload": {"status": "superseded"}, "StatusCode": 200}', True),
    ],
)
def test_superseded_is_read_with_and_without_lambdas_envelope(output, superseded):
    assert execution_from({"status": "SUCCEEDED", "output": output}).superseded is superseded


@pytest.fixture(scope="module")
def s3(emulator):  # noqa: F811
    client = emulator.client("s3")
    client.create_bucket(Bucket="volume")
    return client


def test_a_file_is_seen_as_it_is_and_a_vanished_one_as_none(s3):
    files = Files(s3, "volume")
    assert files.look("legal/a.txt") is None
    s3.put_object(Bucket="volume", Key="legal/ä b.txt", Body=b"hello")
    version = files.look("legal/ä b.txt")
    assert (version.key, version.size_bytes) == ("legal/ä b.txt", 5)
    assert version.etag == "5d41402abc4b2a76b9719d911017c592"
    assert version.last_modified_us % 1_000_000 == 0
    assert files.open(version).read() == b"hello"


def test_a_version_that_was_replaced_or_removed_cannot_be_opened(s3):
    files = Files(s3, "volume")
    s3.put_object(Bucket="volume", Key="b", Body=b"one")
    version = files.look("b")
    s3.put_object(Bucket="volume", Key="b", Body=b"two")
    assert files.open(version) is None
    s3.delete_object(Bucket="volume", Key="b")
    assert files.open(version) is None


def test_a_storage_without_etags_is_opened_without_a_condition(s3):
    files = Files(s3, "volume")
    s3.put_object(Bucket="volume", Key="c", Body=b"one")
    assert files.open(replace(files.look("c"), etag="")).read() == b"one"


def test_a_storage_that_knows_no_conditions_is_opened_without_one(s3):
    version = ObjectVersion("c", 3, "abc", 0)
    stubber = Stubber(s3)
    stubber.add_client_error("get_object", service_error_code="NotImplemented", http_status_code=501)
    stubber.add_response("get_object", {"Body": "body"}, {"Bucket": "volume", "Key": "c"})
    with stubber:
        assert Files(s3, "volume").open(version) == "body"


@pytest.mark.parametrize(
    ("code", "status", "error"),
    [
        ("403", 403, TransientError),  # FSx answers that while throughput changes
        ("AccessDenied", 403, TransientError),
        ("SlowDown", 503, TransientError),
        ("NoSuchBucket", 404, MisconfiguredError),
        ("KeyTooLongError", 400, RejectedError),
    ],
)
def test_what_an_access_point_refuses_is_no_missing_file(s3, code, status, error):
    stubber = Stubber(s3)
    stubber.add_client_error("head_object", service_error_code=code, http_status_code=status)
    with stubber, pytest.raises(error, match=code):
        Files(s3, "volume").look("a")


def test_a_missing_access_point_is_no_missing_file(s3):
    with pytest.raises(MisconfiguredError, match="s3:HeadBucket"):
        Files(s3, "no-such-access-point").look("a")


def test_an_access_point_that_denies_is_tried_again(s3):
    stubber = Stubber(s3)
    stubber.add_client_error("head_object", service_error_code="404", http_status_code=404)
    stubber.add_client_error("head_bucket", service_error_code="403", http_status_code=403)
    with stubber, pytest.raises(TransientError, match="s3:HeadBucket"):
        Files(s3, "volume").look("a")


def test_a_report_is_written_once_and_the_first_one_stays(s3):
    reports = Reports(s3, "volume")
    assert reports.put_once("r.json", b"first") == b"first"
    assert reports.put_once("r.json", b"second") == b"first"
    found = s3.get_object(Bucket="volume", Key="r.json")
    assert (found["Body"].read(), found["ContentType"]) == (b"first", "application/json")


def test_a_message_goes_out_with_delay_or_reason(emulator):  # noqa: F811
    sqs = emulator.client("sqs")
    url = sqs.create_queue(QueueName="work")["QueueUrl"]
    Queue(sqs, url).send("later", delay_seconds=900)
    Queue(sqs, url).send("bad", reason="not_json")
    answer = sqs.receive_message(QueueUrl=url, MessageAttributeNames=["All"], MaxNumberOfMessages=10)
    [found] = answer["Messages"]
    assert (found["Body"], found["MessageAttributes"]["reason"]["StringValue"]) == ("bad", "not_json")
