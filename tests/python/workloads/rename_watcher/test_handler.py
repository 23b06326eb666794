"""The watcher on the local AWS: one message a window, however many renames, and never none."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fsxn_runtime.edge.clients import forget_clients
from fsxn_runtime.errors import MisconfiguredError
from fsxn_runtime.events import EventType
from fsxn_runtime.lineage import LineageStore
from fsxn_runtime.workloads import core
from fsxn_runtime.workloads.model import WorkKeyKind
from fsxn_runtime.workloads.rename_watcher import handler as module
from fsxn_runtime.workloads.rename_watcher.store import Window

from lab.cloud.emulator import Emulator
from lab.inbox import Inbox
from tests.support.emulator import emulator, emulator_process  # noqa: F401
from tests.support.file_events import file_event
from tests.support.lineage_table import create_lineage_table
from tests.support.waiting import wait_until
from tests.support.workload_world import MACHINE, T0, Time


def job(number: int, new: str = "a.locked") -> dict[str, Any]:
    """The input of an execution about one rename."""
    event = file_event(
        event_type=EventType.FILE_RENAME,
        event_id=f"{number:032x}",
        file_path=f"/vol1/{number}.pdf",
        target_path=f"/vol1/{number}{new}",
    )
    wanted = core.classify(event, "/vol1")
    assert isinstance(wanted, core.Wanted)
    key = core.work_key(WorkKeyKind.EVENT, wanted, None, event.event_id)
    item = core.new_item(
        uc_id="watch",
        key=key,
        wanted=wanted,
        event=event,
        version=None,
        state_machine_arn=MACHINE,
        now_us=T0,
    )
    given: dict[str, Any] = json.loads(item.execution_input)
    return given


@pytest.fixture(scope="module")
def topic(emulator: Emulator) -> str:  # noqa: F811
    emulator.client("dynamodb").create_table(
        TableName="window",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
    )
    create_lineage_table(emulator.client("dynamodb"), "lineage")
    return str(emulator.client("sns").create_topic(Name="notifications")["TopicArn"])


@pytest.fixture
def window(emulator: Emulator, topic: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:  # noqa: F811
    """The handler's environment, and an empty table."""
    variables = {
        "AWS_ENDPOINT_URL": emulator.endpoint,
        "UC_ID": "watch",
        "EXTENSIONS": "locked",
        "ALERT_TOPIC_ARN": topic,
        "WINDOW_TABLE": "window",
        "LINEAGE_TABLE": "lineage",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    dynamodb = emulator.client("dynamodb")
    dynamodb.delete_item(TableName="window", Key={"pk": {"S": "WINDOW"}})
    forget_clients()
    module._parts.cache_clear()
    yield Window(dynamodb, "window")
    module._parts.cache_clear()
    forget_clients()


def outcomes(*jobs: dict[str, Any]) -> list[str]:
    return [module.handler(each, Time())["outcome"] for each in jobs]


def test_of_many_suspicious_renames_people_hear_of_one_and_all_are_counted_and_recorded(
    window: Window,
    topic: str,
    emulator: Emulator,  # noqa: F811
    capsys: pytest.CaptureFixture[str],
) -> None:
    with Inbox(emulator, topic) as inbox:
        assert outcomes(job(1, ".txt"), job(2), job(3), job(4)) == ["harmless", "told", "held", "held"]
        wait_until(lambda: inbox.found("/vol1/2a.locked"))
        assert len(inbox.found("known ransomware")) == 1
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    suspicious = [
        line["RenameWatcherSuspicious_count"] for line in lines if "RenameWatcherSuspicious_count" in line
    ]
    assert suspicious == [0, 1, 1, 1]
    [record] = LineageStore(emulator.client("dynamodb"), "lineage").by_file("/vol1/3.pdf")
    assert (record.status, record.reason, record.target_path) == ("success", "held", "/vol1/3a.locked")


def test_the_work_that_may_tell_may_tell_again_until_its_window_ends(window: Window) -> None:
    """A repetition of the one that died before it told anybody is not held back by itself."""
    assert window.claim("k1", 1000, 900)
    assert not window.claim("k2", 1899, 900)
    assert window.claim("k1", 1001, 900)
    assert window.claim("k2", 1901, 900)
    assert not window.claim("k1", 1902, 900)


def test_of_claims_at_once_one_wins(window: Window) -> None:
    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(lambda number: window.claim(f"k{number}", 1000, 900), range(40)))
    assert won.count(True) == 1


def test_a_topic_that_does_not_take_it_is_an_error_and_the_window_stays_with_that_work(
    window: Window, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALERT_TOPIC_ARN", topic + "-gone")
    module._parts.cache_clear()
    with pytest.raises(MisconfiguredError, match="sns:Publish"):
        outcomes(job(5))
    monkeypatch.setenv("ALERT_TOPIC_ARN", topic)
    module._parts.cache_clear()
    assert outcomes(job(6), job(5)) == ["held", "told"]
