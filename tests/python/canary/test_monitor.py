"""The access point monitor: against the local AWS with IAM enforced, and, for what that cannot be in trouble
with (a file system, a network origin, a throughput change, silence), against a stand-in for S3.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from fsxn_runtime.canary import access_point, monitor
from fsxn_runtime.edge.clients import forget_clients
from fsxn_runtime.errors import MisconfiguredError, TransientError

from lab.cloud.clients import local_client
from lab.cloud.emulator import Emulator
from tests.support.emulator import emulator, emulator_process  # noqa: F401
from tests.support.s3_stand_in import EXPLICIT_DENY, HANG, LAYER_2, SLOW_DOWN, UNAVAILABLE, S3StandIn

NAME, BUCKET, MARKER = "lab-vol1-ap", "lab-vol1", ".fsxn-canary/marker"
ARN = f"arn:aws:s3:us-east-1:000000000000:accesspoint/{NAME}"
PARAMETER = "/fsxn-test/access-point-state"
FILE_SYSTEM = "fs-0123456789abcdef0"
THROUGHPUT_UPDATE = {
    "AdministrativeActionType": "FILE_SYSTEM_UPDATE",
    "Status": "IN_PROGRESS",
    "TargetFileSystemValues": {"OntapConfiguration": {"ThroughputCapacity": 256}},
}


class World:
    """The monitor in this process, with the local AWS behind it."""

    def __init__(
        self, cloud: Emulator, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self.cloud = cloud
        self._monkeypatch = monkeypatch
        self._capsys = capsys
        self.lines: list[dict[str, Any]] = []
        cloud.client("ssm").put_parameter(Name=PARAMETER, Type="SecureString", Value='{"state": "available"}')
        self.set(
            AWS_ENDPOINT_URL=cloud.endpoint,
            ACCESS_POINT=f"{NAME}-ext-s3alias",
            ACCESS_POINT_ARN=ARN,
            FILE_SYSTEM_ID=FILE_SYSTEM,
            STATE_PARAMETER=PARAMETER,
            CHECK_SECONDS="10",
        )

    def set(self, **variables: str) -> None:
        for name, value in variables.items():
            self._monkeypatch.setenv(name, value)
        self._monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)  # it keeps the first credentials
        forget_clients()
        monitor._parts.cache_clear()

    def face(self) -> None:
        """A bucket that leaves every decision to its access point, the access point, and the marker."""
        s3 = self.cloud.client("s3")
        s3.create_bucket(Bucket=BUCKET)
        arn = f"arn:aws:s3:::{BUCKET}"
        statement = {
            "Effect": "Allow",
            "Principal": {"AWS": "*"},
            "Action": "s3:*",
            "Resource": [arn, f"{arn}/*"],
            "Condition": {"StringEquals": {"s3:DataAccessPointAccount": "000000000000"}},
        }
        s3.put_bucket_policy(
            Bucket=BUCKET, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        )
        control = self.cloud.client("s3control")
        made = control.create_access_point(AccountId="000000000000", Name=NAME, Bucket=BUCKET)
        s3.put_object(Bucket=BUCKET, Key=MARKER, Body=b"marker")
        self.set(ACCESS_POINT=made["Alias"])

    def act_as(self, statements: list[dict[str, Any]]) -> None:
        """Let the monitor be a user who may do this and keep the state, and nothing else."""
        iam = self.cloud.client("iam")
        iam.create_user(UserName="monitor")
        keep = {"Effect": "Allow", "Action": ["ssm:GetParameter", "ssm:PutParameter"], "Resource": "*"}
        document = {"Version": "2012-10-17", "Statement": [keep, *statements]}
        iam.put_user_policy(UserName="monitor", PolicyName="p", PolicyDocument=json.dumps(document))
        key = iam.create_access_key(UserName="monitor")["AccessKey"]
        self.set(AWS_ACCESS_KEY_ID=key["AccessKeyId"], AWS_SECRET_ACCESS_KEY=key["SecretAccessKey"])

    def stand_in(self, server: S3StandIn) -> None:
        """Let S3, S3 Control and FSx be the stand-in. S3 Control puts the account before an address."""
        self.set(AWS_ENDPOINT_URL_S3=server.endpoint, AWS_ENDPOINT_URL_FSX=server.endpoint)
        original = monitor.client

        def client(service: str, *, is_brief: bool = False) -> Any:
            if service == "s3control":
                return local_client(service, server.endpoint)
            return original(service, is_brief=is_brief)

        self._monkeypatch.setattr(monitor, "client", client)

    def run(self) -> dict[str, Any]:
        """Invoke once; give the answer. `lines` has what was written."""
        self._capsys.readouterr()
        answer = monitor.handler({}, None)
        self.lines = [json.loads(line) for line in self._capsys.readouterr().out.splitlines()]
        return answer

    def reasons(self) -> dict[str, str]:
        return {check["check"]: check["reason"] for check in self.run()["checks"]}

    def metric(self, name: str) -> dict[str, float]:
        """Value of a metric by its dimension Check (or Target), from the EMF lines of the last run."""
        return {line.get("Check", line["Target"]): line[name] for line in self.lines if name in line}

    def state(self) -> str:
        found = self.cloud.client("ssm").get_parameter(Name=PARAMETER, WithDecryption=True)
        return str(json.loads(found["Parameter"]["Value"])["state"])


@pytest.fixture
def world(
    emulator_process: Emulator,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[World]:
    emulator_process.reset()
    yield World(emulator_process, monkeypatch, capsys)
    forget_clients()
    monitor._parts.cache_clear()


@pytest.fixture
def server(world: World) -> Iterator[S3StandIn]:
    with S3StandIn() as running:
        world.stand_in(running)
        yield running


# against the local AWS ------------------------------------------------------------------------------------

READ = [
    {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": ARN},
    {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"{ARN}/object/{MARKER}"},
]
PROBE = {
    "Effect": "Allow",
    "Action": ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"],
    "Resource": f"{ARN}/object/{access_point.PROBE_KEY}",
}


def test_all_is_well_with_no_more_than_reading_and_the_probes_permissions(world: World) -> None:
    world.face()
    world.act_as([*READ, PROBE])
    world.set(PROBE_ENABLED="true")
    answer = world.run()
    assert [(check["check"], check["ok"]) for check in answer["checks"]] == [
        ("S3APList", True),
        ("S3APGet", True),
        ("S3APProbe", True),
    ]
    assert answer["state"] == world.state() == "available"
    assert world.metric("S3APList_Success") == {"S3APList": 1}
    assert world.metric("S3APGet_Success") == {"S3APGet": 1, "S3APProbe": 1}
    assert world.metric("S3APDisrupted_count") == {NAME: 0}
    assert world.metric("CanaryFailures_count") == {}
    keys = world.cloud.client("s3").list_objects_v2(Bucket=BUCKET)["Contents"]
    assert [entry["Key"] for entry in keys] == [MARKER], "the probe is gone again"


def test_a_missing_marker_is_named(world: World) -> None:
    world.face()
    world.act_as(READ)
    world.cloud.client("s3").delete_object(Bucket=BUCKET, Key=MARKER)
    assert world.reasons() == {"S3APList": "", "S3APGet": "marker_missing"}
    assert world.metric("S3APGet_Success") == {"S3APGet": 0}
    assert world.metric("CanaryFailures_count") == {"S3APGet": 1}
    (line,) = [line for line in world.lines if line.get("event") == "check.failed"]
    assert (line["check"], line["target"], line["reason"]) == ("S3APGet", NAME, "marker_missing")
    assert world.state() == "failing"


def test_a_missing_access_point_is_named(world: World) -> None:
    assert set(world.reasons().values()) == {"no_such_access_point"}


def test_a_missing_permission_is_told_from_the_file_systems(world: World) -> None:
    world.face()
    world.act_as(READ[:1])
    assert world.reasons() == {"S3APList": "", "S3APGet": "not_allowed"}


def test_an_explicit_deny_of_the_access_point_policy_is_named(world: World) -> None:
    world.face()
    world.act_as(READ)
    deny = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:ListBucket",
        "Resource": ARN,
        "Condition": {"StringNotEquals": {"aws:PrincipalArn": "arn:aws:iam::000000000000:role/nobody"}},
    }
    world.cloud.client("s3control").put_access_point_policy(
        AccountId="000000000000",
        Name=NAME,
        Policy=json.dumps({"Version": "2012-10-17", "Statement": [deny]}),
    )
    assert world.reasons() == {"S3APList": "explicit_deny", "S3APGet": ""}


def test_the_state_is_written_only_when_it_changes(world: World) -> None:
    """Steps: fine, failing, failing, fine. Expected: two writes, each told in the log."""
    world.face()
    s3, versions = world.cloud.client("s3"), []
    for has_marker in (True, False, False, True):
        if has_marker:
            s3.put_object(Bucket=BUCKET, Key=MARKER, Body=b"marker")
        else:
            s3.delete_object(Bucket=BUCKET, Key=MARKER)
        world.run()
        told = [line["state"] for line in world.lines if line.get("event") == "state.changed"]
        parameter = world.cloud.client("ssm").get_parameter(Name=PARAMETER)["Parameter"]
        versions.append((parameter["Version"], told))
    assert versions == [(1, []), (2, ["failing"]), (2, []), (3, ["available"])]


def test_metrics_go_out_before_trouble_with_the_state_is_an_error(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.face()
    world.set(STATE_PARAMETER="/nowhere")
    with pytest.raises(MisconfiguredError, match="ssm:GetParameter"):
        monitor.handler({}, None)
    assert '"S3APGet_Success":1' in capsys.readouterr().out


# against the stand-in -------------------------------------------------------------------------------------


def layer_2(server: S3StandIn) -> None:
    server.refuse_data_calls(LAYER_2)


def layer_2_of_the_marker(server: S3StandIn) -> None:
    server.refusals = {"GetObject": LAYER_2}


def denied_by_policy(server: S3StandIn) -> None:
    server.refuse_data_calls(EXPLICIT_DENY)
    server.is_vpc_origin = True
    server.policy = {"Statement": [{"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"}]}


def called_from_another_network(server: S3StandIn) -> None:
    server.refuse_data_calls(EXPLICIT_DENY)
    server.refusals["HeadBucket"] = EXPLICIT_DENY
    server.is_vpc_origin = True


def throughput_changes(server: S3StandIn) -> None:
    server.refusals = {"ListObjectsV2": UNAVAILABLE, "GetObject": LAYER_2}
    server.updates = [THROUGHPUT_UPDATE]


def busy_without_a_change(server: S3StandIn) -> None:
    server.refuse_data_calls(UNAVAILABLE)
    server.updates = [{**THROUGHPUT_UPDATE, "Status": "COMPLETED"}]


def capacity_grows(server: S3StandIn) -> None:
    server.refuse_data_calls(UNAVAILABLE)
    server.updates = [{**THROUGHPUT_UPDATE, "TargetFileSystemValues": {"StorageCapacity": 2048}}]


def throttled(server: S3StandIn) -> None:
    server.refuse_data_calls(SLOW_DOWN)


@pytest.mark.parametrize(
    ("trouble", "joined", "list_reason", "get_reason", "state"),
    [
        (layer_2, False, "layer2_denied", "layer2_denied", "failing"),
        (layer_2, True, "directory_outage", "directory_outage", "failing"),
        (layer_2_of_the_marker, True, "", "layer2_denied", "failing"),
        (denied_by_policy, False, "explicit_deny", "explicit_deny", "failing"),
        (called_from_another_network, False, "network_origin", "network_origin", "failing"),
        (throughput_changes, True, "service_disruption", "service_disruption", "disrupted"),
        (busy_without_a_change, False, "service_unavailable", "service_unavailable", "failing"),
        (capacity_grows, False, "service_unavailable", "service_unavailable", "failing"),
        (throttled, False, "throttled", "throttled", "failing"),
    ],
)
def test_what_the_local_aws_cannot_do_is_told_apart(
    world: World,
    server: S3StandIn,
    trouble: Callable[[S3StandIn], None],
    joined: bool,
    list_reason: str,
    get_reason: str,
    state: str,
) -> None:
    world.set(JOINED_TO_DIRECTORY=str(joined).lower())
    trouble(server)
    assert world.reasons() == {"S3APList": list_reason, "S3APGet": get_reason}
    assert world.state() == state
    assert world.metric("S3APDisrupted_count") == {NAME: int(state == "disrupted")}


def test_nothing_is_asked_beside_the_checks_while_all_is_well(world: World, server: S3StandIn) -> None:
    assert set(world.reasons().values()) == {""}
    assert server.seen == ["ListObjectsV2", "GetObject"]


def test_a_call_that_hangs_hides_no_other_and_the_run_ends_in_time(world: World, server: S3StandIn) -> None:
    world.set(PROBE_ENABLED="true", CHECK_SECONDS="2")
    server.refusals = {"ListObjectsV2": HANG, "HeadBucket": HANG, "DescribeFileSystems": HANG}
    started = time.monotonic()
    assert world.reasons() == {"S3APList": "timeout", "S3APGet": "", "S3APProbe": ""}
    assert time.monotonic() - started < 6 * 2 + 2
    assert world.metric("S3APList_Success") == {"S3APList": 0}
    assert world.metric("S3APList_Latency_ms")["S3APList"] >= 2000


def test_a_probe_that_cannot_be_read_is_deleted_all_the_same(world: World, server: S3StandIn) -> None:
    world.set(PROBE_ENABLED="true")
    server.refusals = {"GetObject": LAYER_2}
    assert world.reasons()["S3APProbe"] == "layer2_denied"
    assert server.seen[:5] == ["ListObjectsV2", "GetObject", "PutObject", "GetObject", "DeleteObject"]


def test_a_probe_that_comes_back_changed_is_a_finding(
    world: World, server: S3StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.set(PROBE_ENABLED="true")
    monkeypatch.setattr(access_point, "MARKER_BYTES", 5)
    assert world.reasons()["S3APProbe"] == "probe_mismatch"


def test_the_state_that_cannot_be_reached_is_an_error_that_may_pass(world: World, server: S3StandIn) -> None:
    world.set(AWS_ENDPOINT_URL_SSM="http://127.0.0.1:9")
    with pytest.raises(TransientError, match="ssm:GetParameter"):
        monitor.handler({}, None)
