"""The poller on the local AWS: real pages, tokens, table and queue; and its runs over memory."""

from __future__ import annotations

import json
from collections import Counter

import boto3
import pytest
from botocore.stub import Stubber
from fsxn_runtime.edge.clients import forget_clients
from fsxn_runtime.edge.clock import TimeBudget
from fsxn_runtime.errors import ConflictError, MisconfiguredError, TransientError
from fsxn_runtime.workloads import poll
from fsxn_runtime.workloads.clients import Files, Queue
from fsxn_runtime.workloads.model import Pass, Watermark
from fsxn_runtime.workloads.poll import Outcome
from fsxn_runtime.workloads.poll_store import PollStore
from fsxn_runtime.workloads.settings import PollSettings

from tests.support.emulator import emulator, emulator_process  # noqa: F401
from tests.support.state_table import create_state_table
from tests.support.workload_world import T0, MemoryPollStore, Steps, Time, WorkloadWorld

PATTERN = {
    "source": ["fsxn.fpolicy"],
    "detail": {"event_type": ["FILE_CREATE"], "file_path": [{"prefix": "/vol1/in/"}]},
}
PAGE_AND_RESERVE = 12_000


@pytest.fixture(scope="module")
def installed(emulator):  # noqa: F811
    create_state_table(emulator.client("dynamodb"), "state")
    emulator.client("s3").create_bucket(Bucket="volume")
    url = emulator.client("sqs").create_queue(QueueName="work")["QueueUrl"]
    emulator.client("ssm").put_parameter(Name="state", Value='{"state": "available"}', Type="SecureString")
    environment = {
        "ACCESS_POINT": "volume",
        "AWS_ENDPOINT_URL": emulator.endpoint,
        "JUNCTION_PATH": "/vol1",
        "POLL_PROCESS_EXISTING": "true",
        "SETTLE_SECONDS": "0",
        "STATE_PARAMETER": "state",
        "STATE_TABLE": "state",
        "SVM_NAME": "svm1",
        "UC_ID": "inventory",
        "VOLUME_NAME": "vol1",
        "WORKLOAD_QUEUE_URL": url,
    }
    return emulator, environment


@pytest.fixture
def system(installed, monkeypatch):
    local, environment = installed
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    forget_clients()
    poll._parts.cache_clear()
    local.client("dynamodb").delete_item(TableName="state", Key={"pk": {"S": "poll#inventory"}})
    yield local
    forget_clients()
    poll._parts.cache_clear()


def run(remaining_ms=60_000):
    return poll.handler({"pattern": PATTERN}, Time(remaining_ms))


class OnePage(Time):
    """Time for one page of the listing."""

    def get_remaining_time_in_millis(self):
        self.remaining_ms -= 1
        return self.remaining_ms


def received(local):
    sqs, url = local.client("sqs"), local.client("sqs").get_queue_url(QueueName="work")["QueueUrl"]
    keys = []
    while found := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for each in found:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=each["ReceiptHandle"])
            keys.append(json.loads(each["Body"])["detail"]["file_path"].removeprefix("/vol1/"))
    return keys


def metrics(capsys):
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return {name: line[name] for line in lines if "_aws" in line for name in line if name[0] == "W"}


def test_a_listing_larger_than_one_run_goes_on_where_it_stopped(system):
    """1,003 objects are two pages; each run has time for one. The tokens are the local AWS's own."""
    s3 = system.client("s3")
    wanted = {f"in/{number:04}" for number in range(1003)}
    for key in [*wanted, "out/x"]:
        s3.put_object(Bucket="volume", Key=key, Body=b"x")
    first = poll.handler({"pattern": PATTERN}, OnePage(PAGE_AND_RESERVE + 1))
    assert (first["outcome"], first["asked"]) == ("unfinished", 1000)
    second = poll.handler({"pattern": PATTERN}, OnePage(PAGE_AND_RESERVE + 1))
    assert (second["outcome"], second["asked"]) == ("complete", 3)
    assert Counter(received(system)) == Counter(wanted)
    assert run() == {"outcome": "complete", "asked": 1003}  # all are within the overlap
    received(system)
    for key in wanted:
        s3.delete_object(Bucket="volume", Key=key)


def test_a_run_says_what_it_did_and_how_far_behind_it_is(system, capsys):
    system.client("s3").put_object(Bucket="volume", Key="in/folder/", Body=b"")
    run()
    assert metrics(capsys)["WorkloadPollBehind_sec"] < 30
    capsys.readouterr()
    run()
    told = metrics(capsys)
    assert (told["WorkloadPolls_count"], told["WorkloadListedSkipped_count"]) == (1, 1)
    assert told["WorkloadPolled_count"] == 0


def test_a_disrupted_access_point_is_listed_later(system):
    def say(state):
        system.client("ssm").put_parameter(
            Name="state", Value=json.dumps({"state": state}), Type="SecureString", Overwrite=True
        )

    say("disrupted")
    try:
        assert run() == {"outcome": "disrupted"}
        assert PollStore(system.client("dynamodb"), "state", "inventory").get() is None
    finally:
        say("available")
    assert run()["outcome"] == "complete"


def test_a_state_that_cannot_be_read_does_not_stop_polling(system, monkeypatch):
    monkeypatch.setenv("STATE_PARAMETER", "gone")
    poll._parts.cache_clear()
    assert run()["outcome"] == "complete"


def test_a_failed_run_is_an_error_and_says_nothing_of_how_far_behind_it_is(system, monkeypatch, capsys):
    monkeypatch.setenv("ACCESS_POINT", "no-such-bucket")
    poll._parts.cache_clear()
    with pytest.raises(MisconfiguredError, match="NoSuchBucket"):
        run()
    told = metrics(capsys)
    assert told["WorkloadPolls_count"] == 1
    assert "WorkloadPollBehind_sec" not in told


def test_a_token_that_s3_refuses_is_told_from_a_listing_that_it_refuses():
    s3 = boto3.client("s3")
    with Stubber(s3) as stub:
        stub.add_client_error("list_objects_v2", "InvalidArgument", http_status_code=400)
        with pytest.raises(ConflictError) as refused:
            Files(s3, "volume").page("in/", "token")
        assert refused.value.code == "token_refused"
        stub.add_client_error("list_objects_v2", "InvalidArgument", http_status_code=400)
        with pytest.raises(MisconfiguredError):
            Files(s3, "volume").page("in/")


def test_a_message_that_the_queue_refuses_fails_the_page(system):
    class Sqs:
        def send_message_batch(self, **_):
            return {"Failed": [{"Id": "0", "Code": "InternalError", "SenderFault": False}]}

    with pytest.raises(TransientError, match="InternalError"):
        Queue(Sqs(), "url").send_all([("body", 0)])


def test_more_messages_than_one_call_takes_are_sent_each_once(system):
    queue = Queue(system.client("sqs"), system.client("sqs").get_queue_url(QueueName="work")["QueueUrl"])
    bodies = [json.dumps({"detail": {"file_path": f"/vol1/{number}"}}) for number in range(23)]
    queue.send_all([(body, 0) for body in bodies])
    assert Counter(received(system)) == Counter(str(number) for number in range(23))


@pytest.fixture(params=["memory", "DynamoDB"])
def store(request, system):
    if request.param == "memory":
        return MemoryPollStore(Steps())
    return PollStore(system.client("dynamodb"), "state", "inventory")


def test_the_watermark_is_kept_as_it_was_written(store):
    assert store.get() is None
    known = Watermark(1, 2, Pass(3, 4, "a/", "token"))
    assert store.put(known) == store.get() == Watermark(1, 2, Pass(3, 4, "a/", "token"), revision=1)
    known = store.put(Watermark(5, 2, None, revision=1))
    assert store.get() == known == Watermark(5, 2, None, revision=2)


def test_of_two_pollers_one_is_refused(store):
    mine = store.put(Watermark(1, 1))
    store.put(mine)
    with pytest.raises(ConflictError):
        store.put(mine)
    with pytest.raises(ConflictError):
        store.put(Watermark(1, 1))


# over memory ---------------------------------------------------------------------------------------------


def budget(remaining_ms=60_000):
    return TimeBudget.of(Time(remaining_ms), 0)


def test_a_run_that_another_one_overtakes_ends(system):
    world = WorkloadWorld()
    poller = world.poller()
    poller.run(budget(), T0, Counter())
    page = world.files.page

    def overtaken(prefix, token=""):
        world.polls.put(world.polls.known)
        return page(prefix, token)

    world.files.page = overtaken
    assert poller.run(budget(), T0, Counter())[0] is Outcome.CONFLICT


def test_a_fresh_token_that_is_refused_is_an_error_and_no_endless_walk():
    world = WorkloadWorld()
    for name in "abcde":
        world.write(name)
    poller, page = world.poller(process_existing=True), world.files.page

    def forgetful(prefix, token=""):
        world.files.forget_tokens()
        return page(prefix, token)

    world.files.page = forgetful
    with pytest.raises(ConflictError, match="InvalidArgument"):
        poller.run(budget(), T0, Counter())


def test_a_run_sends_at_most_a_page_more_than_its_number_of_messages():
    world = WorkloadWorld()
    for number in range(9):
        world.write(str(number))
    poller = world.poller(process_existing=True, max_messages=3)
    counts = Counter()
    assert poller.run(budget(), T0, counts)[0] is Outcome.UNFINISHED
    assert counts["asked"] == 4


def test_a_young_version_waits_in_the_queue_until_it_has_settled():
    world = WorkloadWorld(settle_seconds=30)
    world.write("young", at=T0)
    world.write("old", at=T0 - 40_000_000)
    world.poller(process_existing=True).run(budget(), T0 + 10_000_000, Counter())
    delays = {
        json.loads(body)["detail"]["file_path"]: d
        for body, d in zip(world.queue.bodies, world.queue.delays, strict=True)
    }
    assert delays == {"/vol1/young": 20, "/vol1/old": 0}


def test_a_pattern_that_no_listed_file_meets_is_a_mistake_that_a_person_must_see():
    poller = WorkloadWorld().poller({"detail": {"event_type": ["FILE_DELETE"]}})
    with pytest.raises(MisconfiguredError, match="takes no file"):
        poller.run(budget(), T0, Counter())


def test_an_overlap_below_the_clocks_tolerance_is_refused():
    environment = {
        "ACCESS_POINT": "a",
        "JUNCTION_PATH": "/vol1",
        "STATE_TABLE": "t",
        "SVM_NAME": "s",
        "UC_ID": "u",
        "VOLUME_NAME": "v",
        "WORKLOAD_QUEUE_URL": "q",
        "POLL_OVERLAP_SECONDS": "61",
    }
    with pytest.raises(MisconfiguredError, match="POLL_OVERLAP_SECONDS is '61'"):
        PollSettings.from_env(environment)
