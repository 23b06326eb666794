"""Lineage as an auditor meets it: exported as deployed, proven by the command, with the shipped policies."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from fsxn_runtime.edge.clock import TimeBudget
from fsxn_runtime.lineage_export import Archive, ExportTable, Rows, Signer
from fsxn_runtime.lineage_export.exporter import Exporter
from fsxn_runtime.lineage_export.settings import ExportSettings

from lab.terraform import REPOSITORY
from lab.world import World
from tests.support.flows import write_lineage
from tests.support.local import lineage, recorded, run

pytestmark = [pytest.mark.local, pytest.mark.xdist_group("local")]


def hour_of(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H}"


def verify(world: World, since: str, until: str) -> tuple[int, dict[str, Any]]:
    result = run(world, "fsxn", "lineage", "verify", "--since", since, "--until", until, "--json")
    assert result.returncode in (0, 1), result.stderr
    return result.returncode, json.loads(result.stdout)


def export(world: World, *more: str) -> dict[str, Any]:
    result = run(world, "fsxn", "lineage", "export", "--json", *more)
    assert result.returncode == 0, result.stderr
    answer: dict[str, Any] = json.loads(result.stdout)
    return answer


@pytest.fixture(scope="module")
def sealed(world: World) -> str:
    """An hour with three records, exported by the function as it is deployed, or by its schedule."""
    hour = hour_of(datetime.now(UTC) - timedelta(hours=2))
    for _ in range(3):
        write_lineage(world, hour)
    export(world)
    export(world, "--hour", hour)
    return hour


def test_the_deployed_function_exports_hours_that_are_then_proven(world: World, sealed: str):
    status, found = verify(world, sealed, hour_of(datetime.now(UTC) - timedelta(hours=1)))
    assert (status, found["findings"]) == (0, [])
    assert (found["hours"], found["records"]) == (1, 3)
    state = run(world, "fsxn", "lineage", "export", "--status", "--json")
    assert json.loads(state.stdout)["sealed_through"] >= sealed


def test_a_real_file_is_followed_from_the_volume_into_a_proven_hour(world: World):
    """Only the clock of this one export is moved: two hours on, the hour of the record is over."""
    file = world.volume / "audit/evidence.txt"
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(b"evidence")
    world.wait(lambda: recorded(world, "/vol1/audit/evidence.txt") == 1, 60, "the file's lineage")
    (record,) = lineage(world, "/vol1/audit/evidence.txt")
    (output,) = record["output_keys"]
    traced = run(world, "fsxn", "lineage", "trace", output)
    assert f"<- /vol1/audit/evidence.txt  [{record['uc_id']} process success " in traced.stdout
    traced = run(world, "fsxn", "lineage", "trace", "/vol1/audit/evidence.txt")
    assert f"-> {output}  [" in traced.stdout

    item = world.client("dynamodb").query(
        TableName=world.outputs["lineage_table_name"],
        KeyConditionExpression="source_file_key = :path",
        ExpressionAttributeValues={":path": {"S": "/vol1/audit/evidence.txt"}},
    )["Items"][0]
    hour = item["write_hour"]["S"]
    later = datetime.strptime(hour, "%Y-%m-%dT%H").replace(tzinfo=UTC) + timedelta(hours=2)
    exporter(world).run(later, TimeBudget(lambda: 900_000, 0), "test")
    status, found = verify(world, hour, hour_of(later - timedelta(hours=1)))
    # Other files of this run may be processed right now, into an hour that only this export took for over.
    assert {finding["code"] for finding in found["findings"]} <= {"record.inserted"}, (status, found)
    archive = world.client("s3")
    bucket, prefix = (
        world.outputs["lineage_export"]["bucket_name"],
        f"records/dt={hour[:10]}/hour={hour[11:]}/",
    )
    lines = [
        json.loads(line)
        for entry in archive.list_objects_v2(Bucket=bucket, Prefix=prefix)["Contents"]
        for line in gzip.decompress(
            archive.get_object(Bucket=bucket, Key=entry["Key"])["Body"].read()
        ).splitlines()
    ]
    (line,) = [line for line in lines if line["source_file_key"] == "/vol1/audit/evidence.txt"]
    assert (line["input_checksum"], line["output_keys"]) == (record["input_checksum"], [output])


def exporter(world: World) -> Exporter:
    place = world.outputs["lineage_export"]
    dynamodb, table = world.client("dynamodb"), world.outputs["lineage_table_name"]
    names = (table, place["table_name"], place["bucket_name"], place["signing_key_arn"])
    settings = ExportSettings(*names, "", timedelta(minutes=15), 48, "Test", "INFO")
    return Exporter(
        settings,
        Rows(dynamodb, table),
        ExportTable(dynamodb, place["table_name"]),
        Archive(world.client("s3"), place["bucket_name"]),
        Signer(world.client("kms"), place["signing_key_arn"]),
    )


def test_tampering_with_the_deployed_archive_or_table_ends_with_status_1(world: World, sealed: str):
    until = hour_of(datetime.now(UTC) - timedelta(hours=1))
    s3, bucket = world.client("s3"), world.outputs["lineage_export"]["bucket_name"]
    prefix = f"records/dt={sealed[:10]}/hour={sealed[11:]}/"
    key = s3.list_objects_v2(Bucket=bucket, Prefix=prefix)["Contents"][0]["Key"]
    version = s3.head_object(Bucket=bucket, Key=key)["VersionId"]
    with pytest.raises(ClientError, match="protected by object lock"):
        s3.delete_object(Bucket=bucket, Key=key, VersionId=version)
    marker = s3.delete_object(Bucket=bucket, Key=key)["VersionId"]
    status, found = verify(world, sealed, until)
    assert (status, [finding["code"] for finding in found["findings"]]) == (1, ["object.missing"])
    s3.delete_object(Bucket=bucket, Key=key, VersionId=marker)
    write_lineage(world, sealed)
    status, found = verify(world, sealed, until)
    assert (status, [finding["code"] for finding in found["findings"]]) == (1, ["record.inserted"])
    assert export(world, "--hour", sealed)["late_records"] == 1
    assert verify(world, sealed, until)[0] == 0


@contextmanager
def user(world: World, policy: str) -> Iterator[Mapping[str, str]]:
    """A user who has one shipped policy and nothing else: the environment of his commands."""
    iam, name = world.client("iam"), f"auditor-{uuid.uuid4().hex[:8]}"
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName="shipped", PolicyDocument=policy)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    yield {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}
    iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
    iam.delete_user_policy(UserName=name, PolicyName="shipped")
    iam.delete_user(UserName=name)


def command(world: World, identity: Mapping[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return subprocess.run(
        [str(REPOSITORY / ".venv" / "bin" / "fsxn"), "lineage", *words],
        env={**environment, **world.environment(), **identity},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_every_query_works_with_the_readers_policy_alone_and_nothing_more_does(world: World, sealed: str):
    more = {
        "output_keys": {"L": [{"S": "out/policy.json"}]},
        "step_functions_execution_arn": {"S": "arn:policy"},
    }
    file = write_lineage(world, sealed, **more)
    place = world.outputs["lineage_export"]
    with user(world, place["reader_policy"]) as reader:
        for words in (
            ("show", file),
            ("show", "--workload", "flows", "--since", "1d", "--limit", "2"),
            ("show", "--execution", "arn:policy"),
            ("trace", file),
        ):
            result = command(world, reader, *words)
            assert result.returncode == 0, (words, result.stderr)
        token = (
            command(world, reader, "show", "--workload", "flows", "--limit", "1")
            .stderr.rpartition(" ")[2]
            .strip()
        )
        assert (
            command(world, reader, "show", "--workload", "flows", "--limit", "1", "--after", token).returncode
            == 0
        )
        assert command(world, reader, "verify", "--since", sealed).returncode == 3
        assert command(world, reader, "export").returncode == 3
    other = {"Sid": "Other", "Effect": "Allow", "Action": "sqs:ListQueues", "Resource": "*"}
    with user(world, json.dumps({"Version": "2012-10-17", "Statement": [other]})) as nobody:
        result = command(world, nobody, "show", file)
        assert (result.returncode, result.stdout) == (3, "")
        assert "AccessDenied" in result.stderr
    export(world, "--hour", sealed)


def test_the_verifiers_policy_is_enough_to_prove_and_no_more(world: World, sealed: str):
    until = hour_of(datetime.now(UTC) - timedelta(hours=1))
    place = world.outputs["lineage_export"]
    with user(world, place["verifier_policy"]) as verifier:
        result = command(world, verifier, "verify", "--since", sealed, "--until", until)
        assert result.returncode == 0, result.stdout + result.stderr
        assert command(world, verifier, "export", "--status").returncode == 0
        assert command(world, verifier, "show", "/flows/x").returncode == 3
        assert command(world, verifier, "export").returncode == 3


def test_each_statement_of_the_verifiers_policy_is_needed(world: World, sealed: str):
    until = hour_of(datetime.now(UTC) - timedelta(hours=1))
    whole = json.loads(world.outputs["lineage_export"]["verifier_policy"])
    for statement in whole["Statement"]:
        rest = {**whole, "Statement": [each for each in whole["Statement"] if each is not statement]}
        with user(world, json.dumps(rest)) as verifier:
            result = command(world, verifier, "verify", "--since", sealed, "--until", until)
        assert result.returncode != 0, statement["Sid"]


def test_the_operators_policy_is_enough_to_export_and_no_more(world: World, sealed: str):
    with user(world, world.outputs["lineage_export"]["operator_policy"]) as operator:
        assert command(world, operator, "export", "--status").returncode == 0
        assert command(world, operator, "export", "--hour", sealed).returncode == 0
        assert command(world, operator, "verify", "--since", sealed).returncode == 3
