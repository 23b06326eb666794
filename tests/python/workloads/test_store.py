"""The state table on the local AWS: conditions decide, races have one winner, the memory double agrees."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from fsxn_runtime.errors import MisconfiguredError
from fsxn_runtime.events import format_timestamp
from fsxn_runtime.workloads.model import StateItem, Status
from fsxn_runtime.workloads.store import StateStore

from tests.support.emulator import emulator, emulator_process  # noqa: F401
from tests.support.state_table import create_state_table
from tests.support.workload_world import T0, UC_ID, MemoryStore, Steps

TABLE = "state"
TTL = T0 + 90 * 86_400_000_000


def item(work_key: str = "k1", **changes: object) -> StateItem:
    """An open item of a first attempt."""
    first = StateItem(
        uc_id=UC_ID,
        work_key=work_key,
        status=Status.IN_PROGRESS,
        attempt=1,
        execution_arn="arn:1",
        event_id="e1",
        file_path="/vol1/a",
        updated_at=format_timestamp(T0),
        execution_input='{"a": 1}',
    )
    return replace(first, **changes)


@pytest.fixture(scope="module")
def dynamodb(emulator):  # noqa: F811
    client = emulator.client("dynamodb")
    create_state_table(client, TABLE)
    return client


@pytest.fixture
def empty_table(dynamodb):
    for found in dynamodb.get_paginator("scan").paginate(TableName=TABLE).search("Items"):
        dynamodb.delete_item(TableName=TABLE, Key={"pk": found["pk"]})
    return dynamodb


@pytest.fixture(params=["table", "memory"])
def store(request):
    if request.param == "memory":
        return MemoryStore(Steps())
    return StateStore(request.getfixturevalue("empty_table"), TABLE, UC_ID)


def test_the_first_reservation_wins_and_later_ones_see_it(store):
    assert store.reserve(item()) is None
    assert store.reserve(item(event_id="e2")) == item()
    assert store.get("k1") == item()
    assert store.get("k2") is None


def test_a_change_needs_the_state_that_was_seen(store):
    store.reserve(item())
    second = item(attempt=2, execution_arn="arn:2")
    assert store.advance(item(), second)
    assert not store.advance(item(), second)
    assert not store.close(item(), Status.DONE, T0, TTL)
    assert store.get("k1") == second
    assert store.close(second, Status.DONE, T0, TTL)
    assert not store.close(second, Status.FAILED, T0, TTL)
    assert store.get("k1").status is Status.DONE


def test_a_missing_item_is_not_made_by_a_change(store):
    assert not store.advance(item(), item(attempt=2))
    assert not store.close(item(), Status.DONE, T0, TTL)
    store.count_duplicate("k1")
    assert store.get("k1") is None


def test_a_closed_item_is_forgotten_in_time_and_an_open_one_never(empty_table):
    store = StateStore(empty_table, TABLE, UC_ID)

    def attributes():
        return empty_table.get_item(TableName=TABLE, Key={"pk": {"S": f"{UC_ID}#k1"}})["Item"]

    store.reserve(item())
    assert "ttl" not in attributes()
    store.close(item(), Status.FAILED, T0, TTL)
    assert attributes()["ttl"] == {"N": str(TTL // 1_000_000)}
    assert "execution_input" not in attributes()
    store.advance(item(status=Status.FAILED), item(attempt=2))
    assert "ttl" not in attributes()


def test_duplicates_are_counted_on_the_item(empty_table):
    store = StateStore(empty_table, TABLE, UC_ID)
    store.reserve(item())
    for _ in range(3):
        store.count_duplicate("k1")
    found = empty_table.get_item(TableName=TABLE, Key={"pk": {"S": f"{UC_ID}#k1"}})["Item"]
    assert found["duplicates"] == {"N": "3"}


def test_the_sweep_sees_only_open_items_from_before_in_order_over_pages(empty_table):
    store = StateStore(empty_table, TABLE, UC_ID)
    # 300 KB each: DynamoDB gives 1 MB a page, so five items are more than one page.
    for number in range(5):
        at = format_timestamp(T0 + (9 - number) * 1_000_000)
        store.reserve(item(f"k{number}", updated_at=at, execution_input="x" * 300_000))
    store.reserve(item("done", status=Status.DONE))
    store.reserve(item("young", updated_at=format_timestamp(T0 + 10_000_000)))
    found = [each.work_key for each in store.in_progress_before(T0 + 10_000_000)]
    assert found == ["k4", "k3", "k2", "k1", "k0"]


def test_of_many_at_once_one_reserves_and_one_changes(empty_table):
    store = StateStore(empty_table, TABLE, UC_ID)
    with ThreadPoolExecutor(16) as pool:
        reserved = list(pool.map(lambda n: store.reserve(item(event_id=f"e{n}")), range(32)))
        seen = store.get("k1")
        changed = list(pool.map(lambda n: store.advance(seen, item(attempt=2, event_id=f"e{n}")), range(32)))
    assert reserved.count(None) == 1
    assert changed.count(True) == 1


def test_a_missing_table_needs_a_person(empty_table):
    with pytest.raises(MisconfiguredError, match="dynamodb:GetItem answered ResourceNotFoundException"):
        StateStore(empty_table, "absent", UC_ID).get("k1")
