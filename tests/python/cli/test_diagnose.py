"""`fsxn diagnose access-point` on the local AWS and the simulated FSx, with each layer broken in turn."""

from __future__ import annotations

import json
import uuid
from types import SimpleNamespace

import boto3
import pytest
from fsxn_runtime.cli.main import main
from fsxn_runtime.edge.clients import forget_clients

from lab.cloud.clients import ACCOUNT_ID, REGION
from lab.ontap_sim.process import SimProcess
from tests.support.s3_stand_in import HANG, LAYER_2, SLOW_DOWN, UNAVAILABLE, S3StandIn

LOOKUP_FAILED = "Failed to lookup the provided user in ONTAP"
ENDPOINT_POLICY = "User: x is not authorized because no VPC endpoint policy allows the s3:ListBucket action"
EXPLICIT_DENY = "User: x is not authorized with an explicit deny in a resource-based policy"


@pytest.fixture(scope="module")
def lab(emulator, tmp_path_factory):
    """A simulator with one volume and its access point, on an emulator that checks permissions."""
    folder = tmp_path_factory.mktemp("volume")
    (folder / "vol1/legal").mkdir(parents=True)
    (folder / "vol1/legal/a.txt").write_text("text")
    face = {"bucket": "lab-vol1", "access_point": "lab-vol1-ap"}
    volumes = [{"name": "vol1", "directory": str(folder / "vol1"), "s3": face}]
    config = {"svms": [{"name": "svm1", "volumes": volumes}], "s3": {"endpoint": emulator.endpoint}}
    with SimProcess(config, folder / "sim") as simulator:
        (found,) = simulator.ready["access_points"]
        yield SimpleNamespace(emulator=emulator, simulator=simulator, alias=found["alias"], arn=found["arn"])


READ_ITSELF = {  # what the command reads besides calling through the access point
    "Effect": "Allow",
    "Action": [
        "iam:GetRole",
        "iam:SimulatePrincipalPolicy",
        "s3:GetAccessPointPolicy",
        "sts:GetCallerIdentity",
    ],
    "Resource": "*",
}


TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT_ID}:root"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
)


def reads(arn):
    return [
        {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": arn},
        {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"{arn}/object/*"},
    ]


@pytest.fixture
def be(lab, monkeypatch):
    """Become a role or user that has these statements; give its ARN."""
    for name in ("AWS_PROFILE", "AWS_CONFIG_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ENDPOINT_URL", lab.emulator.endpoint)
    monkeypatch.setenv("AWS_ENDPOINT_URL_FSX", lab.simulator.ready["fsx"])
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    iam, sts = lab.emulator.client("iam"), lab.emulator.client("sts")

    def become(statements, *, as_user=False):
        name = f"caller-{uuid.uuid4().hex[:8]}"
        policy = json.dumps({"Version": "2012-10-17", "Statement": [*statements, READ_ITSELF]})
        if as_user:
            arn = iam.create_user(UserName=name)["User"]["Arn"]
            iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=policy)
            made = {**iam.create_access_key(UserName=name)["AccessKey"], "SessionToken": ""}
        else:
            arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
            iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=policy)
            made = sts.assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", made["AccessKeyId"])
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", made["SecretAccessKey"])
        monkeypatch.setenv("AWS_SESSION_TOKEN", made["SessionToken"])
        monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)  # it keeps the credentials that it saw first
        forget_clients()
        return arn

    yield become
    forget_clients()


def run(capsys, *arguments):
    """Status, verdict (None or layer, state, advice), text of each layer."""
    status = main(["diagnose", "access-point", *arguments, "--json"])
    shown = json.loads(capsys.readouterr().out)
    return status, shown["verdict"], {step["layer"]: step["text"] for step in shown["steps"]}


def test_a_reader_with_the_modules_policy_passes_every_layer(lab, be, capsys):
    be(reads(lab.arn))
    for target in (lab.alias, "lab-vol1-ap", lab.arn):
        status, verdict, texts = run(capsys, target)
        assert (status, verdict) == (0, None)
        assert "acts as UNIX user lab-reader" in texts["attachment"]
        assert texts["volume"] == "CREATED, mounted at /vol1"
        assert "s3:GetObject, s3:ListBucket allowed" in texts["identity policy"]
    assert main(["diagnose", "access-point", lab.alias]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == f"{lab.alias}: no layer refuses"


def test_a_role_without_permission_is_refused_by_its_own_policies(lab, be, capsys):
    role = be([])
    status, verdict, _ = run(capsys, lab.alias, "--key", "legal/a.txt")
    assert (status, verdict["layer"], verdict["state"]) == (1, "identity policy", "refuses")
    assert f"simulated for {role}" in verdict["text"]
    assert "reader_policy" in verdict["advice"]


def test_a_policy_on_the_alias_gives_nothing(lab, be, capsys):
    be(reads(f"arn:aws:s3:::{lab.alias}"))
    status, verdict, _ = run(capsys, lab.alias)
    assert (status, verdict["layer"]) == (1, "identity policy")
    assert "the alias matches nothing" in verdict["advice"]


def test_who_may_read_may_not_write(lab, be, capsys):
    be(reads(lab.arn))
    status, verdict, _ = run(capsys, lab.alias, "--write")
    assert (status, verdict["layer"]) == (1, "identity policy")
    assert "s3:PutObject" in verdict["text"]


def test_what_is_written_to_try_is_deleted(lab, be, capsys):
    writes = {
        "Effect": "Allow",
        "Action": ["s3:PutObject", "s3:DeleteObject"],
        "Resource": f"{lab.arn}/object/*",
    }
    be([*reads(lab.arn), writes])
    status, _, texts = run(capsys, lab.alias, "--write")
    assert status == 0
    assert "PutObject, DeleteObject passed" in texts["file system"]
    listed = lab.emulator.client("s3").list_objects_v2(Bucket="lab-vol1")["Contents"]
    assert [item["Key"] for item in listed] == ["legal/a.txt"]


def test_another_role_is_simulated(lab, be, capsys):
    other = be([])
    be(reads(lab.arn))
    status, verdict, texts = run(capsys, lab.alias, "--role", other)
    assert (status, verdict["layer"]) == (1, "identity policy")
    assert texts["file system"] == "ListObjectsV2, GetObject passed"


def test_a_restriction_denies_who_is_not_named(lab, be, capsys):
    """The statement of modules/s3-access-point: Deny unless aws:PrincipalArn is one of the named.

    The named one is a user: on the local AWS that key is a session's own ARN, on AWS its role's.
    """
    named = be(reads(lab.arn), as_user=True)
    condition = {"StringNotEquals": {"aws:PrincipalArn": [named]}}
    common = {"Effect": "Deny", "Principal": "*", "Condition": condition}
    statements = [
        {**common, "Sid": "OnlyAccessPoint", "Action": ["s3:ListBucket"], "Resource": lab.arn},
        {**common, "Sid": "OnlyObjects", "Action": ["s3:GetObject"], "Resource": f"{lab.arn}/object/*"},
    ]
    control = lab.emulator.client("s3control")
    control.put_access_point_policy(
        AccountId=ACCOUNT_ID,
        Name="lab-vol1-ap",
        Policy=json.dumps({"Version": "2012-10-17", "Statement": statements}),
    )
    try:
        status, verdict, texts = run(capsys, lab.alias)
        assert (status, verdict) == (0, None)
        assert texts["access point policy"] == "denies in OnlyAccessPoint, OnlyObjects, none met"
        be(reads(lab.arn))
        status, verdict, _ = run(capsys, lab.alias)
        assert (status, verdict["layer"]) == (1, "access point policy")
        assert "OnlyAccessPoint" in verdict["advice"]
    finally:
        control.delete_access_point_policy(AccountId=ACCOUNT_ID, Name="lab-vol1-ap")


def test_an_alias_that_is_gone_has_no_attachment(lab, be, capsys):
    be(reads(lab.arn))
    status, verdict, _ = run(capsys, "gone-0123456789abcdef-ext-s3alias")
    assert (status, verdict["layer"]) == (1, "attachment")
    assert "new alias" in verdict["advice"]


@pytest.mark.parametrize(
    ("change", "layer", "word"),
    [
        ({"lifecycle": "FAILED", "reason": LOOKUP_FAILED}, "attachment", "fsxadmin"),
        ({"lifecycle": "MISCONFIGURED", "reason": "volume is offline"}, "attachment", "Mend"),
        ({"vpc_id": "vpc-0123456789abcdef0"}, "network origin", "own VPC"),
    ],
)
def test_what_fsx_says_of_the_attachment_is_the_verdict(change, layer, word, lab, be, capsys):
    be(reads(lab.arn))
    lab.simulator.client.fsx("attachment", name="lab-vol1-ap", **change)
    try:
        status, verdict, _ = run(capsys, lab.alias, "--caller-vpc", "outside")
    finally:
        whole = {"lifecycle": "AVAILABLE", "reason": "", "vpc_id": ""}
        lab.simulator.client.fsx("attachment", name="lab-vol1-ap", **whole)
    assert (status, verdict["layer"]) == (1, layer)
    assert word in verdict["advice"]
    assert change.get("reason", "") in verdict["text"]


def test_a_volume_that_is_not_mounted_is_the_verdict(lab, be, capsys):
    be(reads(lab.arn))
    lab.simulator.client.fsx("mount", volume="vol1", mounted=False)
    try:
        status, verdict, _ = run(capsys, lab.alias)
    finally:
        lab.simulator.client.fsx("mount", volume="vol1", mounted=True)
    assert (status, verdict["layer"]) == (1, "volume")


# What the local AWS cannot answer: a stand-in for S3 says it.


@pytest.mark.parametrize(
    ("answers", "vpc", "status", "layer", "word"),
    [
        ({"ListObjectsV2": LAYER_2, "GetObject": LAYER_2}, "", 1, "file system", "mode bits"),
        ({"GetObject": LAYER_2}, "", 1, "file system", "mode bits"),
        (
            {"ListObjectsV2": (403, "AccessDenied", ENDPOINT_POLICY)},
            "",
            1,
            "endpoint policy",
            "endpoint_policy",
        ),
        ({"ListObjectsV2": (403, "AccessDenied", EXPLICIT_DENY)}, "vpc-1", 1, "network origin", "own VPC"),
        ({"ListObjectsV2": UNAVAILABLE}, "", 1, "service", "administrative actions"),
        ({"ListObjectsV2": SLOW_DOWN}, "", 1, "service", "fewer"),
        ({"PutObject": (501, "NotImplemented", "m")}, "", 1, "service", "conditional writes"),
        ({"ListObjectsV2": HANG}, "", 3, "network origin", "gateway endpoint"),
    ],
)
def test_what_s3_says_names_its_layer(answers, vpc, status, layer, word, lab, be, capsys, monkeypatch):
    be([*reads(lab.arn), {"Effect": "Allow", "Action": ["s3:PutObject"], "Resource": f"{lab.arn}/object/*"}])
    lab.simulator.client.fsx("attachment", name="lab-vol1-ap", vpc_id=vpc)
    arguments = ["--write"] if "PutObject" in answers else []
    try:
        with S3StandIn(answers) as stand_in:
            monkeypatch.setenv("AWS_ENDPOINT_URL_S3", stand_in.endpoint)
            forget_clients()
            found, verdict, _ = run(capsys, lab.alias, "--key", "marker.txt", *arguments)
    finally:
        lab.simulator.client.fsx("attachment", name="lab-vol1-ap", vpc_id="")
    assert (found, verdict["layer"]) == (status, layer)
    assert word in verdict["advice"]


def test_where_nothing_answers_the_status_is_3(lab, be, capsys, monkeypatch):
    be(reads(lab.arn))
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    forget_clients()
    status, verdict, _ = run(capsys, lab.alias)
    assert (status, verdict["state"]) == (3, "unreachable")


def test_an_explicit_deny_of_the_role_itself_is_not_the_access_points(lab, be, capsys):
    be([*reads(lab.arn), {"Effect": "Deny", "Action": "s3:ListBucket", "Resource": lab.arn}])
    status, verdict, _ = run(capsys, lab.alias, "--key", "legal/a.txt")
    assert (status, verdict["layer"]) == (1, "identity policy")


def test_without_a_region_the_status_is_3_and_one_line_says_so(be, capsys, monkeypatch):
    be([])
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    forget_clients()
    assert main(["diagnose", "access-point", "legal-vol1"]) == 3
    assert "region" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [["arn:aws:s3:::bucket"], ["legal-vol1", "--caller-vpc", "here"], ["legal-vol1", "--role", "reader"]],
)
def test_wrong_use_is_status_2_and_asks_nobody(arguments, capsys, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    assert main(["diagnose", "access-point", *arguments]) == 2
    assert arguments[-1] in capsys.readouterr().err
