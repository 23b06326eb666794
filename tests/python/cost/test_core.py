"""Examples of the estimate: figures worked out by hand, and what is refused."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from fsxn_runtime.cost import Configuration, compare, estimate, price_list, read_profile
from fsxn_runtime.cost.model import Mapped, WorkloadConfiguration
from fsxn_runtime.cost.prices import shipped
from fsxn_runtime.errors import RejectedError

MILLION: dict[str, Any] = {
    "hours": 730,
    "events": 2_000_000,
    "busy_events_per_second": 50,
    "workloads": {"inventory": {}},
}


def amounts(profile: dict[str, Any], configuration: Configuration | None = None) -> dict[str, Decimal]:
    found = estimate(read_profile(profile), configuration or Configuration(), price_list("us-east-1"))
    return {line.quantity.name: line.quantity.amount for line in found.lines}


def test_a_million_new_files_need_what_the_code_does_for_each() -> None:
    found = amounts(MILLION)
    assert found["Step Functions state transitions"] == 3_000_000
    assert found["DynamoDB write units, state"] == 15_000_000
    assert found["DynamoDB write units, process"] == 5_000_000
    assert found["S3 reads"] == 4_000_000
    assert found["S3 writes"] == 1_000_000
    assert found["EventBridge events"] == 2_000_000
    assert found["SQS requests, work queue"] == 6_000_000


def test_transitions_are_the_largest_line_of_what_grows_with_the_files() -> None:
    found = estimate(read_profile(MILLION), Configuration(), price_list("us-east-1"))
    largest = max((line for line in found.lines if line.quantity.by_traffic), key=lambda line: line.usd)
    assert (largest.quantity.name, largest.usd) == ("Step Functions state transitions", Decimal(75))


def test_a_version_that_is_gone_starts_nothing() -> None:
    found = amounts({**MILLION, "workloads": {"inventory": {"final_share": 0}}})
    assert "Step Functions state transitions" not in found
    assert found["DynamoDB write units, state"] == 2_000_000 + 6_000_000
    assert found["S3 reads"] == 2_000_000 + 1_000_000  # whether the access point is there is asked, too


def test_replayed_events_cost_the_path_but_no_execution() -> None:
    plain, replayed = amounts(MILLION), amounts({**MILLION, "replayed_share": "0.5"})
    assert replayed["Step Functions state transitions"] == plain["Step Functions state transitions"]
    assert replayed["EventBridge events"] == 3_000_000
    assert replayed["DynamoDB write units, state"] == plain["DynamoDB write units, state"] + 6_000_000


def test_of_a_deletion_nothing_is_read() -> None:
    assert amounts({**MILLION, "workloads": {"inventory": {"delete_share": "0.25"}}})["S3 reads"] == 3_000_000


def test_what_was_counted_stands_beside_what_was_estimated() -> None:
    found = estimate(read_profile(MILLION), Configuration(), price_list("us-east-1"))
    (row,) = compare(found, [{"workload": "inventory", "quantity": "S3 writes", "amount": 500_000}])
    assert row.estimated == 1_000_000
    assert row.ratio == row.counted / 1_000_000 == Decimal("0.5")


@pytest.mark.parametrize(
    ("counted", "words"),
    [
        ({"workload": "inventory", "quantity": "S3 rites", "amount": 1}, "the estimate has no such line"),
        ({"workload": "inventory", "quantity": "S3 writes"}, "objects with workload, quantity and amount"),
        (
            {"workload": "inventory", "quantity": "S3 writes", "amount": "x"},
            "objects with workload, quantity",
        ),
    ],
)
def test_a_count_of_nothing_known_is_refused(counted: dict[str, Any], words: str) -> None:
    found = estimate(read_profile(MILLION), Configuration(), price_list("us-east-1"))
    with pytest.raises(RejectedError, match=words):
        compare(found, [counted])


def test_a_window_fills_the_batches_of_the_starter() -> None:
    mapped = {"inventory": WorkloadConfiguration(starter=Mapped(Decimal(10), Decimal(1)))}
    assert amounts(MILLION)["Lambda invocations, starter"] == 2_000_000
    assert amounts(MILLION, Configuration(workloads=mapped))["Lambda invocations, starter"] == 200_000


def test_events_above_64_kb_are_charged_in_chunks() -> None:
    assert amounts({**MILLION, "event_bytes": 65_537})["EventBridge events"] == 4_000_000


def test_events_per_second_are_an_average_over_the_period() -> None:
    profile = {**MILLION, "hours": 10, "events_per_second": "0.5"}
    del profile["events"]
    assert read_profile(profile).events == 18_000


def test_money_is_exact() -> None:
    found = estimate(read_profile(MILLION), Configuration(), price_list("us-east-1"))
    assert found.usd == sum(line.usd for line in found.lines) == sum(found.by_workload.values())
    (line,) = [each for each in found.lines if each.quantity.name == "Lambda GB-seconds, process"]
    assert line.to_dict()["usd"] == "6.6667"


def test_every_price_has_a_source_and_a_unit() -> None:
    for entry in shipped()["regions"]["us-east-1"].values():
        assert entry["source"].startswith("https://") and entry["unit"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"workloads": {}}, "workloads is {}; it must be an object with at least one workload"),
        ({"hours": 0}, "hours is 0; it must be a number above 0"),
        ({"hours": True}, "hours is True; it must be a number above 0"),
        ({"events": "many"}, "events is 'many'; it must be 0 or more"),
        ({"events": -1}, "events is -1; it must be 0 or more"),
        ({"events": "NaN"}, "events is 'NaN'; it must be 0 or more"),
        ({"events_per_second": 1}, "events is 2000000; it must be left out when there is events_per_second"),
        ({"file_count": 1}, "file_count is not known; allowed: busy_events_per_second, event_bytes, events,"),
        ({"workloads": {"a": {"event_share": 2}}}, "workloads.a.event_share is 2; it must be 0 to 1"),
        (
            {"workloads": {"a": {"events_per_version": "0.5"}}},
            "workloads.a.events_per_version is '0.5'; it must be 1 or more",
        ),
        ({"workloads": {"a": 1}}, "workloads.a is 1; it must be an object"),
    ],
)
def test_a_wrong_profile_is_refused_by_name(change: dict[str, Any], words: str) -> None:
    with pytest.raises(RejectedError) as caught:
        read_profile({**MILLION, **change})
    assert words in str(caught.value)


def test_a_region_without_prices_is_refused() -> None:
    with pytest.raises(RejectedError, match=r"no prices of eu-west-1; there are of us-east-1\. Give a price"):
        price_list("eu-west-1")


def test_a_missing_price_is_asked_for_never_taken_as_nothing() -> None:
    prices = {"regions": {"eu-west-1": {"sqs.request": {"usd": "0.40", "per": 1_000_000}}}}
    with pytest.raises(
        RejectedError, match=r"prices of eu-west-1 are missing: dynamodb.read_unit, .*s3.write"
    ):
        estimate(read_profile(MILLION), Configuration(), price_list("eu-west-1", prices))


@pytest.mark.parametrize(
    "entry", [1, {}, {"usd": "x", "per": 1}, {"usd": 1, "per": 0}, {"usd": -1, "per": 1}]
)
def test_an_entry_that_is_no_price_is_refused(entry: object) -> None:
    with pytest.raises(RejectedError, match="the price a must be an object with `usd`"):
        price_list("r", {"regions": {"r": {"a": entry}}})
