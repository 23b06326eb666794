"""`fsxn events backfill` on the local AWS: a real function, rule, bucket and queue."""

from __future__ import annotations

import io
import json
import zipfile
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from fsxn_runtime.cli.main import main
from fsxn_runtime.edge.clients import forget_clients
from fsxn_runtime.errors import TransientError
from fsxn_runtime.workloads import backfill
from fsxn_runtime.workloads.model import ObjectVersion, Page

from lab.cloud.emulator import Emulator
from tests.support.workload_world import T0, WorkloadWorld

SCOPE = {
    "event_type": ["FILE_CREATE", "FILE_DELETE"],
    "svm_name": ["svm1"],
    "volume_name": ["vol1"],
    "$or": [{name: [{"prefix": "/vol1/in/"}]} for name in ("file_path", "target_path")],
}


def rule(events: Any, name: str, detail: dict[str, Any]) -> None:
    pattern = json.dumps({"source": ["fsxn.fpolicy"], "detail": detail})
    events.put_rule(Name=name, EventBusName="lab-events", EventPattern=pattern)


@pytest.fixture(scope="module")
def made(emulator: Emulator) -> Emulator:
    url = emulator.client("sqs").create_queue(QueueName="lab-inventory-work")["QueueUrl"]
    emulator.client("s3").create_bucket(Bucket="volume")
    for key in ("in/a", "in/deep/b", "in/deep/c", "out/d", "in/folder/"):
        emulator.client("s3").put_object(Bucket="volume", Key=key, Body=b"x")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("index.py", "")
    role = emulator.client("iam").create_role(RoleName="lab", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    settings = {
        "ACCESS_POINT": "volume",
        "JUNCTION_PATH": "/vol1",
        "SETTLE_SECONDS": "1",
        "WORKLOAD_QUEUE_URL": url,
    }
    for workload in ("inventory", "twovolumes", "norule"):
        emulator.client("lambda").create_function(
            FunctionName=f"lab-{workload}-start",
            Runtime="python3.13",
            Role=role,
            Handler="index.handler",
            Code={"ZipFile": packed.getvalue()},
            Environment={"Variables": settings},
        )
    events = emulator.client("events")
    events.create_event_bus(Name="lab-events")
    rule(events, "lab-inventory", SCOPE)
    rule(events, "lab-twovolumes", SCOPE | {"volume_name": ["vol1", "vol2"]})
    return emulator


@pytest.fixture
def run(made: Emulator, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    monkeypatch.setenv("AWS_ENDPOINT_URL", made.endpoint)
    forget_clients()

    def command(*arguments: str, workload: str = "inventory") -> tuple[int, str, str]:
        status = main(["events", "backfill", workload, "--prefix", "lab", *arguments])
        said = capsys.readouterr()
        return status, said.out, said.err

    yield command
    forget_clients()


Run = Callable[..., tuple[int, str, str]]


def asked(local: Emulator) -> Counter[str]:
    sqs = local.client("sqs")
    url = sqs.get_queue_url(QueueName="lab-inventory-work")["QueueUrl"]
    found: Counter[str] = Counter()
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=2).get(
        "Messages"
    ):
        for message in messages:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            found[json.loads(message["Body"])["detail"]["file_path"]] += 1
    return found


def test_without_yes_it_counts_and_sends_nothing(run: Run, made: Emulator) -> None:
    status, said, _ = run()
    assert (status, said.splitlines()[0]) == (0, "3 files would be asked for, 1 directory")
    assert asked(made) == {}


def test_with_yes_every_file_in_scope_is_asked_for_once(run: Run, made: Emulator) -> None:
    status, said, _ = run("--yes", "--json")
    assert (status, json.loads(said)) == (
        0,
        {"files": 3, "sent": 3, "skipped": {"directory": 1}, "resume": None},
    )
    assert asked(made) == Counter(["/vol1/in/a", "/vol1/in/deep/b", "/vol1/in/deep/c"])


def test_below_narrows_and_never_widens_the_scope(run: Run, made: Emulator) -> None:
    assert json.loads(run("--yes", "--json", "--below", "/vol1/in/deep/")[1])["files"] == 2
    assert asked(made) == Counter(["/vol1/in/deep/b", "/vol1/in/deep/c"])
    assert json.loads(run("--json", "--below", "/vol1")[1])["files"] == 3


def test_files_from_before_a_time_are_left_alone(run: Run) -> None:
    assert json.loads(run("--json", "--modified-since", "2001-01-01T00:00:00Z")[1])["files"] == 3
    found = json.loads(run("--json", "--modified-since", "2100-01-01T00:00:00Z")[1])
    assert (found["files"], found["skipped"]) == (0, {"unchanged": 4})


@pytest.mark.parametrize(
    ("workload", "arguments", "words"),
    [
        ("absent", (), "there is no workload 'absent' below 'lab'"),
        ("norule", (), "there is no rule lab-norule on the bus lab-events"),
        ("twovolumes", (), "names vol1, vol2: say with --volume"),
        ("inventory", ("--below", "/vol2/in/"), "--below is '/vol2/in/'; it must lie in /vol1"),
        ("inventory", ("--below", "/vol1/out/"), "the workload's scope has nothing there"),
        ("inventory", ("--rate", "0"), "--rate is 0; it must be 1 to 1000"),
        ("inventory", ("--yes", "--dry-run"), "exclude each other"),
        ("inventory", ("--modified-since", "yesterday"), "--modified-since is"),
        ("inventory", ("--resume", "x"), "it must be what an earlier run said"),
        ("inventory", ("--resume", '["out/", ""]'), "another scope or --below"),
    ],
)
def test_wrong_use_is_said_in_one_line(
    run: Run, workload: str, arguments: tuple[str, ...], words: str
) -> None:
    status, said, error = run(*arguments, workload=workload)
    assert (status, said) == (2, "")
    assert words in error
    assert error.count("\n") == 1


def test_a_workload_of_two_volumes_is_told_which(run: Run) -> None:
    assert json.loads(run("--json", "--volume", "vol1", workload="twovolumes")[1])["files"] == 3


# the walk over memory ------------------------------------------------------------------------------------


def walker(world: WorkloadWorld, sleeps: list[float]) -> backfill.Backfill:
    scope = world.poller().scope
    found = backfill.Found(scope, "alias", "queue", settle_seconds=1)
    time = iter(range(10_000))
    return backfill.Backfill(
        found, world.files, world.queue, lambda: T0, lambda: next(time) / 1000, sleeps.append
    )


def test_the_rate_is_kept_between_calls() -> None:
    """25 messages in three calls at 10 a second: the second waits about a second, the third another."""
    world, sleeps = WorkloadWorld(), []
    world.files.page_size = 100
    for number in range(25):
        world.write(str(number))
    [*_] = walker(world, sleeps).run([""], 0, 10.0, send=True, begin=("", ""))
    assert len(world.queue.bodies) == 25
    assert sleeps == pytest.approx([0, 1, 1], abs=0.02)


def test_a_run_that_stopped_goes_on_where_it_did() -> None:
    world = WorkloadWorld()
    for number in range(9):
        world.write(str(number))
    walk = walker(world, []).run([""], 0, 10.0, send=True, begin=("", ""))
    place = next(walk).following
    page = world.files.page

    def broken(prefix: str, token: str = "") -> Page:
        raise TransientError("no network")

    world.files.page = broken
    with pytest.raises(TransientError):
        next(walk)
    world.files.page = page
    [*_] = walker(world, []).run([""], 0, 10.0, send=True, begin=place)
    paths = [json.loads(body)["detail"]["file_path"] for body in world.queue.bodies]
    assert sorted(paths) == [f"/vol1/{number}" for number in range(9)]


def test_several_prefixes_are_walked_one_after_the_other() -> None:
    world = WorkloadWorld()
    for key in ("a/1", "a/2", "a/3", "b/1"):
        world.files.versions[key] = ObjectVersion(key, 1, "e", T0)
    steps = list(walker(world, []).run(["a/", "b/"], 0, 10.0, send=False, begin=("", "")))
    assert sum(step.counts["asked"] for step in steps) == 4
    assert steps[-1].following == ("", "")
    assert ("b/", "") in [step.following for step in steps]
