"""`fsxn diagnose` in the laboratory: what is broken is named first; no secret is in the archive."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from lab.premises import FIRST_PASSWORD, SVM
from lab.world import World
from tests.support.local import run
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.local, pytest.mark.xdist_group("local")]

PREFIX = "fsxn-s3ap-local"
POLICY = "fsxn_s3ap_local"
EVERY_MINUTE = f"{PREFIX}-reconcile-every-minute"
RECOVERY_SECONDS = 180.0

Bundle = dict[str, Any]


def bundle(world: World, folder: Path) -> Bundle:
    """Run the command; its conclusion, after a look that no password is in any file of the archive."""
    path = folder / f"bundle{len(list(folder.iterdir()))}.tar.gz"
    done = run(world, "fsxn", "diagnose", "bundle", "--prefix", PREFIX, "--output", str(path), "--json")
    assert done.returncode in (0, 1, 3), done.stderr
    with tarfile.open(path) as archive:
        files = {m.name.partition("/")[2]: (archive.extractfile(m) or pytest.fail()).read() for m in archive}
    secret = world.client("secretsmanager").get_secret_value(SecretId=world.environment()["ONTAP_SECRET_ID"])
    for password in (FIRST_PASSWORD, json.loads(secret["SecretString"])["password"]):
        assert password not in done.stdout
        assert [name for name, content in files.items() if password.encode() in content] == []
    page = files["README.txt"].decode()
    conclusion: Bundle = json.loads(done.stdout)
    if conclusion["causes"]:
        assert f"Most likely cause: {conclusion['causes'][0]['says']}" in page
    assert {f"facts/{name}.json" for name in conclusion["collected"]} <= set(files)
    return conclusion


def keys(found: Bundle) -> list[str]:
    return [cause["key"] for cause in found["causes"]]


def stops(found: Bundle) -> list[str]:
    return [cause["key"] for cause in found["causes"] if cause["weight"] == "stops"]


def wait_until_all_is_there(world: World) -> None:
    wait_until(lambda: run(world, "fsxn", "fpolicy", "reconcile").returncode == 0, RECOVERY_SECONDS)


@contextmanager
def reconciler_off(world: World) -> Iterator[None]:
    """Nobody puts ONTAP right meanwhile; the last run has ended before."""
    events = world.client("events")
    events.disable_rule(Name=EVERY_MINUTE)
    try:
        wait_until_all_is_there(world)
        yield
    finally:
        events.enable_rule(Name=EVERY_MINUTE)
        wait_until_all_is_there(world)


def test_where_all_is_well_nothing_stops_the_way_and_all_is_collected(world: World, tmp_path: Path) -> None:
    found = bundle(world, tmp_path)
    assert found["not_collected"] == {}
    assert stops(found) == []


def test_a_server_that_is_scaled_to_0_is_named_first(world: World, tmp_path: Path) -> None:
    world.stop_server()
    try:
        assert keys(bundle(world, tmp_path))[0] == "server_scaled_to_zero"
    finally:
        world.start_server()


def test_a_policy_that_was_disabled_by_hand_is_named_first(world: World, tmp_path: Path) -> None:
    """Steps: no reconciler, disabled in ONTAP, named; the runbook's command puts it right."""
    with reconciler_off(world):
        (svm,) = world.sim.rest("GET", f"/svm/svms?name={SVM}")["records"]
        world.sim.rest("PATCH", f"/protocols/fpolicy/{svm['uuid']}/policies/{POLICY}", {"enabled": False})
        found = bundle(world, tmp_path)
        assert keys(found)[0] == f"policy_disabled:{SVM}"
        assert f"schedule_off:{EVERY_MINUTE}" in keys(found)
        assert found["causes"][0]["command"] == "fsxn fpolicy reconcile"
        assert run(world, "fsxn", "fpolicy", "reconcile").returncode == 0
        assert stops(bundle(world, tmp_path)) == []


def test_given_up_messages_are_named_with_the_command_that_sends_them_back(
    world: World, tmp_path: Path
) -> None:
    url = world.outputs["dead_letter_queue_urls"]["ingestion"]
    sqs = world.client("sqs")
    sqs.send_message(QueueUrl=url, MessageBody="{")
    try:
        found = bundle(world, tmp_path)
    finally:
        for message in sqs.receive_message(QueueUrl=url)["Messages"]:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    (cause,) = [c for c in found["causes"] if c["key"] == f"dead_letters:{PREFIX}-ingestion-dead-letters"]
    assert cause["command"] == f"fsxn events redrive ingestion --prefix {PREFIX}"


def test_ontap_that_does_not_answer_is_named_first_and_the_rest_is_collected(
    world: World, tmp_path: Path
) -> None:
    with reconciler_off(world):  # its runs would fail, and their events end in its dead-letter queue
        world.sim.fault("reset", count=0)
        try:
            found = bundle(world, tmp_path)
        finally:
            world.sim.clear_faults()
    assert keys(found)[0] == "ontap_unreachable"
    assert {"alarms", "queues", "server"} <= set(found["collected"])


def preflight(world: World) -> dict[str, dict[str, str]]:
    ec2 = world.client("ec2")
    subnets = ec2.describe_subnets(Filters=[{"Name": "cidr-block", "Values": ["10.0.0.0/24", "10.0.1.0/24"]}])
    command = ["fsxn", "diagnose", "preflight", "--prefix", PREFIX, "--json", "--svm", SVM]
    command += ["--file-system", world.file_system_id, "--vpc", subnets["Subnets"][0]["VpcId"]]
    for subnet in subnets["Subnets"]:
        command += ["--subnet", subnet["SubnetId"]]
    done = run(world, *command)
    assert done.returncode in (1, 3), done.stderr
    return {check["name"]: check for check in map(json.loads, done.stdout.splitlines())}


def test_preflight_sees_the_laboratory_as_it_is_and_a_client_that_fpolicy_does_not_see(world: World) -> None:
    """Its file system names no interfaces, so security groups and routes of nodes are not known."""
    checks = preflight(world)
    for name in (
        "file system",
        f"SVM {SVM}",
        "zones",
        "ONTAP: version",
        "ONTAP: clock",
        f"ONTAP: LIF of SVM {SVM}",
    ):
        assert checks[name]["verdict"] == "ok", checks[name]
    assert checks[f"ONTAP: scope on SVM {SVM}"]["verdict"] == "ok"
    for name in ("security groups", "routes", "ONTAP: NFS 4.2 clients"):
        assert checks[name]["verdict"] == "not known" and checks[name]["todo"]
    client = {"svm": SVM, "client_ip": "10.9.9.9", "volume": "vol1", "protocol": "nfs4.2"}
    world.sim.set_sessions(nfs=[client])
    try:
        found = preflight(world)["ONTAP: NFS 4.2 clients"]
    finally:
        world.sim.set_sessions(nfs=[])
    assert (found["verdict"], "10.9.9.9" in found["says"]) == ("finding", True)
