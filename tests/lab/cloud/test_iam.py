"""Which permissions the local AWS really checks: the table in lab/cloud/README.md, one test a row."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lab.cloud.clients import ACCOUNT_ID, REGION, Credentials
from lab.cloud.emulator import Emulator
from tests.lab.cloud.functions import invoke, make_function, make_role
from tests.support.starter_mapping import make_mapping
from tests.support.waiting import wait_until

ACCESS_POINT = f"arn:aws:s3:{REGION}:{ACCOUNT_ID}:accesspoint/volume-ap"
OTHER_ACCESS_POINT = f"arn:aws:s3:{REGION}:{ACCOUNT_ID}:accesspoint/other-ap"


def as_role(emulator: Emulator, name: str, statements: list[dict[str, object]], service: str) -> Any:
    """A client of `service` with the credentials of a role that has exactly these statements."""
    arn = make_role(emulator, name, statements)
    made = emulator.client("sts").assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
    return emulator.client(
        service, Credentials(made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"])
    )


def allow(action: str, resource: str) -> dict[str, object]:
    return {"Effect": "Allow", "Action": action, "Resource": resource}


@pytest.fixture(scope="module")
def alias(emulator: Emulator) -> Iterator[str]:
    """An access point on a bucket that leaves the decision to its access points."""
    s3 = emulator.client("s3")
    s3.create_bucket(Bucket="volume")
    s3.put_object(Bucket="volume", Key="legal/a.txt", Body=b"text")
    delegation = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": ["arn:aws:s3:::volume", "arn:aws:s3:::volume/*"],
        "Condition": {"StringEquals": {"s3:DataAccessPointAccount": ACCOUNT_ID}},
    }
    s3.put_bucket_policy(
        Bucket="volume", Policy=json.dumps({"Version": "2012-10-17", "Statement": [delegation]})
    )
    made = emulator.client("s3control").create_access_point(
        AccountId=ACCOUNT_ID, Name="volume-ap", Bucket="volume"
    )
    yield str(made["Alias"])
    emulator.client("s3control").delete_access_point(AccountId=ACCOUNT_ID, Name="volume-ap")


def test_a_statement_on_the_access_point_lets_a_role_read_through_it(emulator: Emulator, alias: str) -> None:
    s3 = as_role(emulator, "reader", [allow("s3:GetObject", f"{ACCESS_POINT}/object/*")], "s3")
    assert s3.get_object(Bucket=alias, Key="legal/a.txt")["Body"].read() == b"text"
    assert s3.head_object(Bucket=alias, Key="legal/a.txt")["ContentLength"] == 4


def test_listing_through_the_access_point_is_a_permission_of_its_own(emulator: Emulator, alias: str) -> None:
    reader = as_role(emulator, "reader", [allow("s3:GetObject", f"{ACCESS_POINT}/object/*")], "s3")
    with pytest.raises(ClientError, match="AccessDenied"):
        reader.list_objects_v2(Bucket=alias)
    lister = as_role(emulator, "lister", [allow("s3:ListBucket", ACCESS_POINT)], "s3")
    assert lister.list_objects_v2(Bucket=alias)["KeyCount"] == 1


def test_asking_whether_the_access_point_is_there_takes_the_permission_to_list(
    emulator: Emulator, alias: str
) -> None:
    reader = as_role(emulator, "reader", [allow("s3:GetObject", f"{ACCESS_POINT}/object/*")], "s3")
    with pytest.raises(ClientError, match="403"):
        reader.head_bucket(Bucket=alias)
    as_role(emulator, "lister", [allow("s3:ListBucket", ACCESS_POINT)], "s3").head_bucket(Bucket=alias)


@pytest.mark.parametrize(("may_list", "status"), [(True, 404), (False, 403)])
def test_a_missing_object_is_404_for_who_may_list_and_403_for_others(
    emulator: Emulator, alias: str, may_list: bool, status: int
) -> None:
    statements = [allow("s3:GetObject", f"{ACCESS_POINT}/object/*")]
    statements += [allow("s3:ListBucket", ACCESS_POINT)] if may_list else []
    s3 = as_role(emulator, f"reads-missing-{status}", statements, "s3")
    for read in (s3.head_object, s3.get_object):
        with pytest.raises(ClientError) as caught:
            read(Bucket=alias, Key="never-there")
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == status


@pytest.mark.parametrize(
    "statements",
    [
        [],
        [allow("s3:GetObject", f"{OTHER_ACCESS_POINT}/object/*")],
        [allow("s3:GetObject", f"{ACCESS_POINT}/object/finance/*")],
        [allow("s3:PutObject", f"{ACCESS_POINT}/object/*")],
        [allow("s3:GetObject", "arn:aws:s3:::volume/*")],
    ],
    ids=["nothing", "other-access-point", "other-prefix", "other-action", "only-the-bucket"],
)
def test_without_that_statement_reading_through_the_access_point_is_refused(
    emulator: Emulator, alias: str, statements: list[dict[str, object]]
) -> None:
    s3 = as_role(emulator, "refused", statements or [allow("s3:ListAllMyBuckets", "*")], "s3")
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.get_object(Bucket=alias, Key="legal/a.txt")


def test_the_delegation_gives_nothing_to_who_goes_to_the_bucket_itself(
    emulator: Emulator, alias: str
) -> None:
    s3 = as_role(emulator, "reader", [allow("s3:GetObject", f"{ACCESS_POINT}/object/*")], "s3")
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.get_object(Bucket="volume", Key="legal/a.txt")


WRITER = """
import boto3
def handler(event, context):
    boto3.client("dynamodb").put_item(TableName=event, Item={"pk": {"S": "a"}})
"""


def test_a_function_has_the_permissions_of_its_own_role(emulator: Emulator) -> None:
    """Allowed on the table that its statement names, refused on the other."""
    for table in ("allowed", "other"):
        emulator.client("dynamodb").create_table(
            TableName=table,
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
    arn = f"arn:aws:dynamodb:{REGION}:{ACCOUNT_ID}:table/allowed"
    make_function(emulator, "writer", WRITER, statements=[allow("dynamodb:PutItem", arn)])
    assert invoke(emulator, "writer", "allowed") == (None, False)
    answer, failed = invoke(emulator, "writer", "other")
    assert failed
    assert "AccessDenied" in answer["errorMessage"]


@pytest.mark.parametrize("resource", [f"arn:aws:events:{REGION}:{ACCOUNT_ID}:event-bus/mine"])
def test_put_events_is_checked_on_the_bus(emulator: Emulator, resource: str) -> None:
    for name in ("mine", "other"):
        emulator.client("events").create_event_bus(Name=name)
    events = as_role(emulator, "publisher", [allow("events:PutEvents", resource)], "events")
    entry = {"Source": "fsxn.fpolicy", "DetailType": "t", "Detail": "{}"}
    assert events.put_events(Entries=[{**entry, "EventBusName": "mine"}])["FailedEntryCount"] == 0
    with pytest.raises(ClientError, match="AccessDenied"):
        events.put_events(Entries=[{**entry, "EventBusName": "other"}])


def test_start_execution_is_checked_on_the_state_machine(emulator: Emulator) -> None:
    machine = make_machine(emulator, "checked", {"Type": "Pass", "End": True})
    allowed = as_role(emulator, "starter", [allow("states:StartExecution", machine)], "stepfunctions")
    assert allowed.start_execution(stateMachineArn=machine)["executionArn"]
    refused = as_role(
        emulator, "not-starter", [allow("states:StartExecution", f"{machine}x")], "stepfunctions"
    )
    with pytest.raises(ClientError, match="AccessDenied"):
        refused.start_execution(stateMachineArn=machine)


def make_machine(emulator: Emulator, name: str, state: dict[str, object]) -> str:
    """A machine of one state under a role without any permission."""
    made = emulator.client("stepfunctions").create_state_machine(
        name=name,
        definition=json.dumps({"StartAt": "Only", "States": {"Only": state}}),
        roleArn=make_role(emulator, "empty", []),
    )
    return str(made["stateMachineArn"])


def make_queue(emulator: Emulator, name: str) -> tuple[str, str]:
    """URL and ARN of a queue without a policy."""
    sqs = emulator.client("sqs")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
    return url, attributes["QueueArn"]


def test_not_checked_here_the_role_of_a_state_machine(emulator: Emulator) -> None:
    """AWS would fail this execution: its role may not invoke the function."""
    function = make_function(emulator, "called", "def handler(e, c): return 'ran'")
    task = {"Type": "Task", "Resource": function, "End": True}
    states = emulator.client("stepfunctions")
    execution = states.start_execution(stateMachineArn=make_machine(emulator, "unchecked", task))[
        "executionArn"
    ]
    ended = wait_until(
        lambda: (d := states.describe_execution(executionArn=execution))["status"] != "RUNNING" and d
    )
    assert (ended["status"], ended["output"]) == ("SUCCEEDED", '"ran"')


def test_not_checked_here_the_queue_permissions_of_an_event_source_mapping(emulator: Emulator) -> None:
    """AWS refuses the mapping: the function's role may not receive from the queue."""
    url, arn = make_queue(emulator, "polled")
    make_function(emulator, "poller", "def handler(e, c): print('got', e['Records'][0]['body'])")
    emulator.client("lambda").create_event_source_mapping(EventSourceArn=arn, FunctionName="poller")
    sqs = emulator.client("sqs")
    sqs.send_message(QueueUrl=url, MessageBody="text")
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    wait_until(
        lambda: (
            set(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"].values()) == {"0"}
        )
    )


def test_not_checked_here_the_policy_of_a_rules_target_queue(emulator: Emulator) -> None:
    """AWS delivers nothing to a queue whose policy does not name events.amazonaws.com."""
    url, arn = make_queue(emulator, "target")
    events = emulator.client("events")
    events.put_rule(Name="to-queue", EventPattern='{"source": ["test"]}')
    events.put_targets(Rule="to-queue", Targets=[{"Id": "queue", "Arn": arn}])
    events.put_events(Entries=[{"Source": "test", "DetailType": "t", "Detail": "{}"}])
    assert emulator.client("sqs").receive_message(QueueUrl=url, WaitTimeSeconds=5)["Messages"]


def test_one_event_source_mapping_is_read_and_changed_with_permissions_on_it(emulator: Emulator) -> None:
    url, _ = make_queue(emulator, "mapped")
    mapping = make_mapping(emulator, "mapped-taker", url)
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT_ID}:event-source-mapping:"
    reader = as_role(emulator, "looks", [allow("lambda:GetEventSourceMapping", arn + mapping)], "lambda")
    assert reader.get_event_source_mapping(UUID=mapping)["State"] == "Enabled"
    with pytest.raises(ClientError, match="AccessDenied"):
        reader.update_event_source_mapping(UUID=mapping, Enabled=False)
    other = as_role(emulator, "other", [allow("lambda:GetEventSourceMapping", arn + "other")], "lambda")
    with pytest.raises(ClientError, match="AccessDenied"):
        other.get_event_source_mapping(UUID=mapping)


def test_a_batch_needs_the_permission_of_the_single_call(emulator: Emulator) -> None:
    url, arn = make_queue(emulator, "batched")
    entries = [{"Id": "1", "MessageBody": "text"}]
    sender = as_role(emulator, "sender", [allow("sqs:SendMessage", arn)], "sqs")
    assert sender.send_message_batch(QueueUrl=url, Entries=entries)["Successful"]
    receiver = as_role(emulator, "receiver", [allow("sqs:ReceiveMessage", arn)], "sqs")
    with pytest.raises(ClientError, match="AccessDenied"):
        receiver.send_message_batch(QueueUrl=url, Entries=entries)


def test_a_trust_policy_may_ask_for_the_account_of_the_service(emulator: Emulator) -> None:
    """The account root takes roles in place of services here: the own account fits, another does not."""
    make_role(emulator, "conditional", [])
    iam, sts = emulator.client("iam"), emulator.client("sts")
    for account, fits in ((ACCOUNT_ID, True), ("111122223333", False)):
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "ecs-tasks.amazonaws.com"},
            "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"aws:SourceAccount": account}},
        }
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.update_assume_role_policy(RoleName="conditional", PolicyDocument=document)
        role = {"RoleArn": f"arn:aws:iam::{ACCOUNT_ID}:role/conditional", "RoleSessionName": "test"}
        if fits:
            assert sts.assume_role(**role)["Credentials"]
        else:
            with pytest.raises(ClientError, match="AccessDenied"):
                sts.assume_role(**role)


def test_a_bucket_policy_that_names_a_role_and_asks_for_tls_admits_that_role_alone(
    emulator: Emulator,
) -> None:
    emulator.client("s3").create_bucket(Bucket="evidence")
    denials = [
        {"Action": "s3:*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}},
        {
            "Action": "s3:PutObject",
            "Condition": {"ArnNotEquals": {"aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT_ID}:role/export"}},
        },
    ]
    statements = [
        {"Effect": "Deny", "Principal": "*", "Resource": "arn:aws:s3:::evidence/*", **denial}
        for denial in denials
    ]
    emulator.client("s3").put_bucket_policy(
        Bucket="evidence", Policy=json.dumps({"Version": "2012-10-17", "Statement": statements})
    )
    permitted = [allow("s3:PutObject", "arn:aws:s3:::evidence/*")]
    as_role(emulator, "export", permitted, "s3").put_object(Bucket="evidence", Key="a", Body=b"1")
    with pytest.raises(ClientError, match="explicit deny in a resource-based policy"):
        as_role(emulator, "other", permitted, "s3").put_object(Bucket="evidence", Key="b", Body=b"1")
