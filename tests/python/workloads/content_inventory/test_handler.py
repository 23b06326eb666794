"""The process function on the local AWS: reports, lineage, versions that change under it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import pytest
from fsxn_runtime.edge.metrics import Emf
from fsxn_runtime.errors import RejectedError, TransientError
from fsxn_runtime.events import EventType, format_timestamp
from fsxn_runtime.lineage import LineageSettings, LineageStore, LineageTracker
from fsxn_runtime.workloads import core
from fsxn_runtime.workloads.clients import Files, Reports
from fsxn_runtime.workloads.content_inventory import handler as module
from fsxn_runtime.workloads.content_inventory.settings import InventorySettings
from fsxn_runtime.workloads.job import Job, output_key
from fsxn_runtime.workloads.model import WorkKeyKind

from tests.support.emulator import emulator, emulator_process  # noqa: F401
from tests.support.file_events import file_event
from tests.support.lineage_table import create_lineage_table
from tests.support.workload_world import MACHINE, T0, Time

SETTINGS = InventorySettings("inventory", "volume", "/vol1", "reports", "out", "Test", "INFO")
DELETE = {"event_type": EventType.FILE_DELETE}
RENAME = {"event_type": EventType.FILE_RENAME, "target_path": "/vol1/legal/b.txt"}


class Place:
    """The volume, the bucket of reports and the lineage table, with the handler's parts over them."""

    def __init__(self, s3, dynamodb):
        self.s3 = s3
        self.lineage = LineageStore(dynamodb, "lineage")
        self.files = Files(s3, "volume")
        settings = LineageSettings("lineage", 365, "Test")
        tracker = LineageTracker(settings, store=self.lineage, emf=Emf("Test", write=lambda _: None))
        self.parts = (SETTINGS, self.files, Reports(s3, "reports"), tracker)

    def job(self, **changes):
        """The input of an execution about the event, as the starter builds it from the file's state now."""
        event = file_event(**{"file_path": "/vol1/legal/a.txt"} | changes)
        wanted = core.classify(event, "/vol1")
        version = None if wanted.action == "delete" else self.files.look(wanted.key)
        key = core.work_key(WorkKeyKind.FILE_VERSION, wanted, version, event.event_id)
        item = core.new_item(
            uc_id="inventory",
            key=key,
            wanted=wanted,
            event=event,
            version=version,
            state_machine_arn=MACHINE,
            now_us=T0,
        )
        return json.loads(item.execution_input)

    def report(self, result):
        return json.loads(self.s3.get_object(Bucket="reports", Key=result["output_key"])["Body"].read())


@pytest.fixture(scope="module")
def services(emulator):  # noqa: F811
    s3, dynamodb = emulator.client("s3"), emulator.client("dynamodb")
    for bucket in ("volume", "reports"):
        s3.create_bucket(Bucket=bucket)
    create_lineage_table(dynamodb, "lineage")
    return s3, dynamodb


@pytest.fixture
def place(services, monkeypatch):
    s3, dynamodb = services
    for bucket in ("volume", "reports"):
        for found in s3.list_objects_v2(Bucket=bucket).get("Contents", []):
            s3.delete_object(Bucket=bucket, Key=found["Key"])
    for found in dynamodb.scan(TableName="lineage")["Items"]:
        key = {name: found[name] for name in ("source_file_key", "processing_timestamp")}
        dynamodb.delete_item(TableName="lineage", Key=key)
    made = Place(s3, dynamodb)
    monkeypatch.setattr(module, "_parts", lambda: made.parts)
    s3.put_object(Bucket="volume", Key="legal/a.txt", Body=b"two words\n")
    return made


def test_a_file_has_a_report_with_hash_type_and_statistics(place):
    job = place.job()
    result = module.handler(job, Time())
    assert result["output_key"] == f"out/inventory/legal/a.txt/{job['work_key']}.json"
    report = place.report(result)
    assert report.pop("processed_at")
    assert report == {
        "schema_version": "1.0",
        "uc_id": "inventory",
        "work_key": job["work_key"],
        "action": "process",
        "file_path": "/vol1/legal/a.txt",
        "event_id": job["event"]["event_id"],
        "event_timestamp": job["event"]["timestamp"],
        "size": 10,
        "sha256": hashlib.sha256(b"two words\n").hexdigest(),
        "media_type": "text/plain",
        "text": {"encoding": "us-ascii", "lines": 1, "words": 2, "characters": 10},
        "last_modified": job["object"]["last_modified"],
        "execution_arn": job["execution_arn"],
    }


def test_the_lineage_has_both_checksums_and_the_report(place):
    job = place.job()
    result = module.handler(job, Time())
    [record] = place.lineage.by_execution(job["execution_arn"])
    body = place.s3.get_object(Bucket="reports", Key=result["output_key"])["Body"].read()
    assert record.output_keys == (result["output_key"],)
    assert record.input_checksum == hashlib.sha256(b"two words\n").hexdigest()
    assert record.output_checksum == hashlib.sha256(body).hexdigest()
    assert (record.source_file_key, record.processing_timestamp) == (
        "/vol1/legal/a.txt",
        format_timestamp(T0),
    )


def test_running_twice_is_running_once(place):
    job = place.job()
    first = module.handler(job, Time())
    before = place.report(first)
    assert module.handler(job, Time()) == first
    assert place.report(first) == before
    assert len(list(place.lineage.by_file("/vol1/legal/a.txt"))) == 1


@pytest.mark.parametrize("change", ["replaced", "removed"])
def test_a_version_that_is_no_longer_there_ends_as_superseded(place, change):
    job = place.job()
    if change == "replaced":
        place.s3.put_object(Bucket="volume", Key="legal/a.txt", Body=b"newer")
    else:
        place.s3.delete_object(Bucket="volume", Key="legal/a.txt")
    assert module.handler(job, Time()) == {"status": "superseded", "work_key": job["work_key"]}
    assert "Contents" not in place.s3.list_objects_v2(Bucket="reports")
    [record] = place.lineage.by_file("/vol1/legal/a.txt")
    assert (record.status, record.output_keys) == ("superseded", ())


def test_a_version_that_changes_while_it_is_read_is_not_reported(place):
    job = place.job()
    look = place.files.look
    place.files.look = lambda key: replace(look(key), etag="other")
    assert module.handler(job, Time())["status"] == "superseded"


def test_a_delete_leaves_a_tombstone(place):
    report = place.report(module.handler(place.job(**DELETE), Time()))
    assert (report["action"], report["sha256"], report["size"], report["text"]) == (
        "delete",
        None,
        None,
        None,
    )


def test_a_rename_tells_both_names_and_what_is_at_the_new_one(place):
    place.s3.put_object(Bucket="volume", Key="legal/b.txt", Body=b"moved")
    report = place.report(module.handler(place.job(**RENAME), Time()))
    assert (report["file_path"], report["target_path"]) == ("/vol1/legal/a.txt", "/vol1/legal/b.txt")
    assert report["sha256"] == hashlib.sha256(b"moved").hexdigest()


def test_a_rename_whose_target_went_on_is_reported_without_contents(place):
    report = place.report(module.handler(place.job(**RENAME), Time()))
    assert (report["action"], report["sha256"], report["last_modified"]) == ("rename", None, None)


def test_a_body_that_breaks_off_is_tried_again(place):
    class Broken:
        def iter_chunks(self, _):
            yield b"two"
            raise ConnectionResetError("by peer")

    place.files.open = lambda _: Broken()
    with pytest.raises(TransientError, match="broke off"):
        module.handler(place.job(), Time())


@pytest.mark.parametrize("broken", [{}, {"action": "copy"}, {"event": {}}, {"object": {}}, {"object": "x"}])
def test_an_input_that_is_no_job_is_rejected(place, broken):
    job = place.job() | broken if broken else broken
    with pytest.raises(RejectedError):
        module.handler(job, Time())


def test_a_key_that_s3_would_refuse_has_a_hash_in_its_place(place):
    job = Job.from_input(place.job())
    long = replace(job, event=file_event(file_path="/vol1/" + "ä" * 500))
    key = output_key(long, "/out/", "/vol1")
    assert key == f"out/inventory/{hashlib.sha256(('ä' * 500).encode()).hexdigest()}/{job.work_key}.json"
    with pytest.raises(RejectedError, match="outside"):
        output_key(job, "out", "/vol2")


def test_metrics_say_what_was_read(place, capsys):
    module.handler(place.job(), Time())
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    found = {name: line[name] for line in lines for name in line if name.startswith("ContentInventory")}
    assert found["ContentInventoryRead_bytes"] == 10
    assert found["ContentInventoryProcessed_count"] == 1
    assert found["ContentInventoryDuration_ms"] >= 0


def test_settings_read_exactly_their_names():
    env = {
        "UC_ID": "u",
        "ACCESS_POINT": "a",
        "JUNCTION_PATH": "/v",
        "OUTPUT_BUCKET": "b",
        "OUTPUT_PREFIX": "p",
    }
    assert InventorySettings.from_env(env) == InventorySettings(
        "u", "a", "/v", "b", "p", "FSxN-S3AP-Patterns", "INFO"
    )
