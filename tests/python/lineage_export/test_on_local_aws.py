"""Export, verification and each way of tampering on the local AWS: versions, Object Lock, KMS, DynamoDB."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError
from fsxn_runtime.cli.main import main
from fsxn_runtime.edge.clients import forget_clients
from fsxn_runtime.edge.clock import TimeBudget
from fsxn_runtime.edge.metrics import Emf
from fsxn_runtime.errors import ConflictError
from fsxn_runtime.lineage import LineageRecord, LineageSettings, LineageStatus, LineageStore, LineageTracker
from fsxn_runtime.lineage_export import core
from fsxn_runtime.lineage_export import handler as module
from fsxn_runtime.lineage_export.exporter import Exporter
from fsxn_runtime.lineage_export.parts import PartBuilder
from fsxn_runtime.lineage_export.settings import ExportSettings
from fsxn_runtime.lineage_export.store import Archive, ExportTable, Rows, Signer

from tests.support.emulator import emulator, emulator_process  # noqa: F401
from tests.support.lineage_table import create_lineage_table
from tests.support.workload_world import Time

NOW = datetime(2026, 1, 31, 16, tzinfo=UTC)
H10, H11, H12, H13 = (f"2026-01-31T{hour}" for hour in (10, 11, 12, 13))
BUCKET, TABLE, STATE = "archive", "lineage", "export"


class Aws:
    """The services, filled with the records of three hours, exported in parts of two."""

    def __init__(self, emulator, name):  # noqa: F811
        self.emulator = emulator
        self.dynamodb, self.s3, self.kms = (emulator.client(each) for each in ("dynamodb", "s3", "kms"))
        self.bucket, self.table, self.state = (f"{each}-{name}" for each in (BUCKET, TABLE, STATE))
        create_lineage_table(self.dynamodb, self.table)
        self.dynamodb.create_table(
            TableName=self.state,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        )
        self.s3.create_bucket(Bucket=self.bucket, ObjectLockEnabledForBucket=True)
        self.s3.put_object_lock_configuration(
            Bucket=self.bucket,
            ObjectLockConfiguration={
                "ObjectLockEnabled": "Enabled",
                "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1}},
            },
        )
        self.key = self.kms.create_key(KeySpec="RSA_3072", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["Arn"]
        self.runs = 0

    def write(self, hour, number, **changes):
        """A record that is written in the middle of that hour."""
        at = core.begin_of(hour) + timedelta(minutes=30)
        record = LineageRecord(
            **{
                "source_file_key": f"/vol1/legal/{number}.pdf",
                "processing_timestamp": f"{hour}:29:00.{number:06d}Z",
                "uc_id": "inventory",
                "status": LineageStatus.SUCCESS,
                "step_functions_execution_arn": f"arn:{number}",
                "work_key": f"k{number}",
                "event_id": "e",
                "action": "process",
                "output_keys": (f"out/{number}.json",),
                "metadata": {"pages": number, "share": 0.1},
            }
            | changes
        )
        tracker = LineageTracker(
            LineageSettings(self.table, 0, "Test"),
            store=LineageStore(self.dynamodb, self.table),
            emf=Emf("Test", write=lambda _: None),
            clock=lambda: int(at.timestamp() * 1_000_000),
        )
        assert tracker.record(record).stored

    def exporter(self, max_hours=48):
        settings = ExportSettings(
            self.table,
            self.state,
            self.bucket,
            self.key,
            H10,
            timedelta(minutes=15),
            max_hours,
            "Test",
            "INFO",
        )
        return Exporter(
            settings,
            Rows(self.dynamodb, self.table),
            ExportTable(self.dynamodb, self.state),
            Archive(self.s3, self.bucket),
            Signer(self.kms, self.key),
            lambda: PartBuilder(2),
        )

    def run(self, now=NOW):
        self.runs += 1
        return self.exporter().run(now, TimeBudget(lambda: 900_000, 0), f"run-{self.runs}")

    def records_of(self, hour):
        prefix = core.object_key(hour, 0, "").rpartition("/")[0]
        return [
            found["Key"] for found in self.s3.list_objects_v2(Bucket=self.bucket, Prefix=prefix)["Contents"]
        ]

    def get(self, key):
        return self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()

    def overwrite(self, key, data):
        """Put a newer version; give what takes it away again."""
        version = self.s3.put_object(Bucket=self.bucket, Key=key, Body=data)["VersionId"]
        return lambda: self.s3.delete_object(
            Bucket=self.bucket, Key=key, VersionId=version, BypassGovernanceRetention=True
        )

    def hide(self, key):
        """Put a delete marker, which a lock does not hinder; give what takes it away again."""
        version = self.s3.delete_object(Bucket=self.bucket, Key=key)["VersionId"]
        return lambda: self.s3.delete_object(Bucket=self.bucket, Key=key, VersionId=version)


@pytest.fixture(scope="module")
def aws(emulator):  # noqa: F811
    made = Aws(emulator, "main")
    for number in range(3):
        made.write(H10, number)
    made.write(H12, 10)
    made.run(datetime(2026, 1, 31, 13, 15, tzinfo=UTC))
    made.write(H10, 5)  # late
    made.run()
    return made


@pytest.fixture
def verify(aws, monkeypatch, capsys):
    """`fsxn lineage verify` of the three hours: its status and its lines."""
    for name, value in {
        "AWS_ENDPOINT_URL": aws.emulator.endpoint,
        "LINEAGE_TABLE": aws.table,
        "LINEAGE_EXPORT_TABLE": aws.state,
        "LINEAGE_EXPORT_BUCKET": aws.bucket,
        "LINEAGE_SIGNING_KEY": aws.key,
    }.items():
        monkeypatch.setenv(name, value)
    forget_clients()

    def call(*more, since=H10, until=H13):
        capsys.readouterr()
        status = main(["lineage", "verify", "--since", since, "--until", until, *more])
        captured = capsys.readouterr()
        return status, captured.out.splitlines(), captured.err

    yield call
    forget_clients()


def codes(lines):
    return sorted(line.split()[0] for line in lines if "." in line.split()[0])


def test_an_untouched_period_is_proven(aws, verify):
    status, lines, _ = verify()
    assert status == 0, lines
    assert lines[0].startswith(f"{H10} to {H13}: 3 hours, 5 records in 4 objects; ")
    assert lines[1] == "complete and unaltered; the table says the same"


def test_each_object_is_locked_and_what_it_holds_is_the_record(aws):
    (key,) = aws.records_of(H12)
    head = aws.s3.head_object(Bucket=aws.bucket, Key=key)
    assert (head["ObjectLockMode"], head["ContentType"]) == ("GOVERNANCE", "application/gzip")
    with pytest.raises(ClientError, match="AccessDenied"):
        aws.s3.delete_object(Bucket=aws.bucket, Key=key, VersionId=head["VersionId"])
    (row,) = [json.loads(line) for line in gzip.decompress(aws.get(key)).splitlines()]
    assert (row["source_file_key"], row["write_hour"], row["output_keys"]) == (
        "/vol1/legal/10.pdf",
        H12,
        ["out/10.json"],
    )
    assert (json.loads(row["metadata"]), row["schema_version"]) == ({"pages": 10, "share": 0.1}, "2.0")


def test_a_manifest_has_count_hash_version_and_a_signature_that_kms_itself_accepts(aws):
    file = json.loads(aws.get("manifests/0000000001.json"))
    manifest, signature = file["manifest"], file["signature"]
    data = aws.get(manifest["object"]["key"])
    assert hashlib.sha256(data).hexdigest() == manifest["object"]["sha256"]
    assert (manifest["count"], manifest["object"]["size_bytes"]) == (2, len(data))
    body = json.dumps(manifest, sort_keys=True, separators=(",", ":")).encode()
    answer = aws.kms.verify(
        KeyId=aws.key,
        Message=hashlib.sha256(body).digest(),
        MessageType="DIGEST",
        Signature=base64.b64decode(signature["value"]),
        SigningAlgorithm=signature["algorithm"],
    )
    assert answer["SignatureValid"]
    following = json.loads(aws.get("manifests/0000000002.json"))["manifest"]
    assert following["previous_sha256"] == hashlib.sha256(body).hexdigest()


def test_a_late_record_is_in_a_later_object_that_names_its_hour(aws):
    manifests = [
        json.loads(aws.get(found["Key"]))["manifest"]
        for found in aws.s3.list_objects_v2(Bucket=aws.bucket, Prefix="manifests/")["Contents"]
    ]
    late = [manifest for manifest in manifests if manifest["kind"] == "late"]
    assert [(manifest["hour"], manifest["count"]) for manifest in late] == [(H10, 1)]
    assert b"/vol1/legal/5.pdf" in gzip.decompress(aws.get(late[0]["object"]["key"]))


def test_the_public_key_and_the_archive_alone_are_enough(aws, verify, tmp_path, monkeypatch):
    public = tmp_path / "key.der"
    public.write_bytes(aws.kms.get_public_key(KeyId=aws.key)["PublicKey"])
    for name in ("LINEAGE_TABLE", "LINEAGE_EXPORT_TABLE", "LINEAGE_SIGNING_KEY"):
        monkeypatch.delenv(name)
    status, lines, _ = verify("--public-key", str(public), "--no-table")
    assert (status, lines[1]) == (0, "complete and unaltered; the table was not compared")


def test_json_has_the_findings(aws, verify):
    status, lines, _ = verify("--json", until="2026-01-31T17")
    assert status == 1
    (found,) = map(json.loads, lines)
    assert not found["ok"]
    assert {finding["code"] for finding in found["findings"]} == {"hour.gap"}


TAMPERINGS = {
    "an object is hidden": (lambda aws: aws.hide(aws.records_of(H12)[0]), ["object.missing"]),
    "a record is taken out of an object": (
        lambda aws: _rewrite(aws, lambda lines: lines[1:]),
        ["object.changed", "record.removed"],
    ),
    "a record is changed in an object": (
        lambda aws: _rewrite(aws, lambda lines: [lines[0].replace(b"success", b"failed"), *lines[1:]]),
        ["object.changed", "record.changed"],
    ),
    "a record is added to an object": (
        lambda aws: _rewrite(aws, lambda lines: [*lines, lines[0].replace(b"legal", b"forged")]),
        ["object.changed", "record.inserted"],
    ),
    "an object is added": (
        lambda aws: aws.overwrite(core.object_key(H11, 99, "0" * 64), gzip.compress(b"{}\n")),
        ["object.unlisted"],
    ),
    "a manifest is hidden": (
        lambda aws: aws.hide(_manifest_of(aws, H11)),
        ["hour.gap", "manifest.missing"],
    ),
    "the last manifest is hidden": (lambda aws: aws.hide(_last_manifest(aws)), ["manifest.missing"]),
    "a manifest is changed": (
        lambda aws: aws.overwrite(
            _manifest_of(aws, H11),
            aws.get(_manifest_of(aws, H11)).replace(b'"count": 0', b'"count": 1'),
        ),
        ["chain.broken", "hour.gap", "signature.wrong"],
    ),
    "a signature is another's": (
        lambda aws: aws.overwrite(_manifest_of(aws, H11), _signed_by_another(aws)),
        ["hour.gap", "signature.wrong"],
    ),
    "a record is taken out of the table": (lambda aws: _table(aws, None), ["record.removed"]),
    "a record is changed in the table": (
        lambda aws: _table(aws, lambda item: {**item, "status": {"S": "failed"}}),
        ["record.changed"],
    ),
    "a record is added to the table": (
        lambda aws: _table(aws, lambda item: {**item, "source_file_key": {"S": "/vol1/forged"}}),
        ["record.inserted"],
    ),
}


def _rewrite(aws, change):
    key = aws.records_of(H10)[0]
    lines = gzip.decompress(aws.get(key)).splitlines(keepends=True)
    return aws.overwrite(key, gzip.compress(b"".join(change(lines))))


def _manifests(aws):
    return [
        found["Key"] for found in aws.s3.list_objects_v2(Bucket=aws.bucket, Prefix="manifests/")["Contents"]
    ]


def _manifest_of(aws, hour):
    return next(key for key in _manifests(aws) if json.loads(aws.get(key))["manifest"]["hour"] == hour)


def _last_manifest(aws):
    return _manifests(aws)[-1]


def _signed_by_another(aws):
    file = json.loads(aws.get(_manifest_of(aws, H11)))
    other = aws.kms.create_key(KeySpec="RSA_3072", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["Arn"]
    body = json.dumps(file["manifest"], sort_keys=True, separators=(",", ":")).encode()
    signature = Signer(aws.kms, other).sign(hashlib.sha256(body).hexdigest())
    file["signature"] = {**file["signature"], "value": base64.b64encode(signature).decode()}
    return json.dumps(file).encode()


def _table(aws, change):
    """Change, add or (None) remove the row of hour 12; give what mends it."""
    names = ("source_file_key", "processing_timestamp")
    (row,) = aws.dynamodb.query(
        TableName=aws.table,
        IndexName="write_hour-index",
        KeyConditionExpression="write_hour = :hour",
        ExpressionAttributeValues={":hour": {"S": H12}},
    )["Items"]
    if change is None:
        aws.dynamodb.delete_item(TableName=aws.table, Key={name: row[name] for name in names})
        return lambda: aws.dynamodb.put_item(TableName=aws.table, Item=row)
    other = change(row)
    aws.dynamodb.put_item(TableName=aws.table, Item=other)

    def mend():
        aws.dynamodb.delete_item(TableName=aws.table, Key={name: other[name] for name in names})
        aws.dynamodb.put_item(TableName=aws.table, Item=row)

    return mend


@pytest.mark.parametrize("name", TAMPERINGS)
def test_tampering_is_found_and_named_and_nothing_else_is(aws, verify, name):
    tamper, expected = TAMPERINGS[name]
    mend = tamper(aws)
    try:
        status, lines, _ = verify()
    finally:
        mend()
    assert (status, codes(lines)) == (1, expected)
    assert lines[-1].startswith("NOT PROVEN: ")
    assert verify()[0] == 0


def test_an_object_deleted_by_who_may_bypass_the_lock_is_missed(emulator, verify):  # noqa: F811
    aws = Aws(emulator, "bypass")
    aws.write(H10, 1)
    aws.run()
    (key,) = aws.records_of(H10)
    version = aws.s3.head_object(Bucket=aws.bucket, Key=key)["VersionId"]
    aws.s3.delete_object(Bucket=aws.bucket, Key=key, VersionId=version, BypassGovernanceRetention=True)
    more = ["--bucket", aws.bucket, "--table", aws.table, "--export-table", aws.state, "--key", aws.key]
    status, lines, _ = verify(*more, until=H11)
    assert (status, codes(lines)) == (1, ["object.missing"])
    assert "its signed version is gone" in lines[0]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--until", H10], "is no period"),
        (["--public-key", "/nowhere"], "the public key cannot be read"),
        (["--key", "alias/absent"], "NotFoundException"),
        (["--bucket", "absent-bucket"], "NoSuchBucket"),
    ],
)
def test_wrong_use_is_one_line_and_status_2(verify, more, said):
    status, lines, error = verify(*more)
    assert (status, lines) == (2, [])
    assert said in error
    assert error.count("\n") == 1


def test_the_state_table_lets_one_run_at_a_time_write(emulator):  # noqa: F811
    aws = Aws(emulator, "lease")
    table = ExportTable(aws.dynamodb, aws.state)
    aws.run()
    table.lease("one", 1_000, 2_000)
    with pytest.raises(ConflictError, match="another export runs"):
        table.lease("two", 1_999, 5_000)
    table.release("two")
    table.lease("two", 2_001, 5_000)
    table.release("two")
    state = table.state()
    table.announce(state, _pending())
    with pytest.raises(ConflictError):
        table.announce(state, _pending())
    with pytest.raises(ConflictError):
        table.advance(state, state, table.hour(H10))
    assert table.state().pending == _pending()


def _pending():
    from fsxn_runtime.lineage_export.model import Kind, Pending

    return Pending(H13, Kind.LATE, 2, True, 1, 7, {"write_hour": H13}, "records/x", "0" * 64, 3, "now")


def test_the_handler_exports_what_is_due_and_tells_the_lag(aws, verify, monkeypatch, capsys):
    monkeypatch.setattr(module, "_parts", lambda: (aws.exporter(3)._settings, aws.exporter(3)))
    capsys.readouterr()
    context = Time()
    context.remaining_ms = 900_000
    context.aws_request_id = "request"
    answer = module.handler({"action": "export"}, context)
    assert (len(answer["sealed"]), answer["is_complete"]) == (3, False)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    (metrics,) = [line for line in lines if "_aws" in line]
    assert metrics["LineageExportLag_sec"] == answer["lag_seconds"] > 0
    assert (metrics["LineageExported_count"], metrics["LineageExportLate_count"]) == (0, 0)
    ExportTable(aws.dynamodb, aws.state).lease("other", 0, 10**17)
    assert module.handler({"action": "export"}, context) == {"skipped": "export_runs"}
    with pytest.raises(ConflictError, match="another export runs"):
        module.handler({"action": "export", "hour": H10}, context)
    ExportTable(aws.dynamodb, aws.state).release("other")
    assert verify()[0] == 0
