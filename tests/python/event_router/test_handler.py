"""The router as Lambda calls it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fsxn_runtime.edge.metrics import Emf
from fsxn_runtime.errors import MisconfiguredError
from fsxn_runtime.event_router import handler as router
from fsxn_runtime.event_router.settings import Settings
from fsxn_runtime.event_router.store import schema_validator
from fsxn_runtime.events import parse_timestamp

from tests.support.file_events import file_event
from tests.support.router_world import RouterWorld

ACCEPTED_AT_US = parse_timestamp(file_event().timestamp) + 250_000
Route = Callable[..., tuple[list[str], dict[str, Any]]]


@pytest.fixture
def route(monkeypatch: pytest.MonkeyPatch) -> Iterator[Route]:
    """Call the handler with these bodies as messages m0, m1, ...: failed ids and the metrics written."""

    def run(world: RouterWorld, *bodies: str) -> tuple[list[str], dict[str, Any]]:
        lines: list[str] = []
        parts = router._Parts(
            bus=world.bus(ACCEPTED_AT_US),
            quarantine=world.quarantine(),
            metrics=Emf("Space", write=lines.append),
            validate=schema_validator(),
        )
        monkeypatch.setattr(router, "_parts", lambda: parts)
        records = [{"messageId": f"m{number}", "body": body} for number, body in enumerate(bodies)]
        answer = router.handler({"Records": records}, world)
        metrics: dict[str, Any] = {}
        for line in map(json.loads, lines):
            for metric in line["_aws"]["CloudWatchMetrics"][0]["Metrics"]:
                metrics[":".join(filter(None, (metric["Name"], line.get("Reason"))))] = line[metric["Name"]]
        return [item["itemIdentifier"] for item in answer["batchItemFailures"]], metrics

    yield run


def body_of(number: int, **changes: Any) -> str:
    return json.dumps(file_event(event_id=f"{number:032x}", **changes).to_dict())


def test_a_batch_goes_to_the_bus(route: Route) -> None:
    world = RouterWorld()
    failed, metrics = route(world, *(body_of(number) for number in range(12)))
    assert failed == []
    assert world.accepted == [f"{number:032x}" for number in range(12)]
    assert metrics["RouterEventsReceived_count"] == 12
    assert metrics["RouterEventsSent_count"] == 12
    assert metrics["EventIngestionLatency_ms"] == [250.0] * 12
    assert metrics["ClockSkew"] == 0


def test_replayed_events_do_not_enter_the_latency(route: Route) -> None:
    _, metrics = route(RouterWorld(), body_of(1, replayed=True))
    assert "EventIngestionLatency_ms" not in metrics


def test_an_operation_in_the_future_counts_as_skew(route: Route) -> None:
    _, metrics = route(RouterWorld(), body_of(1, timestamp="2099-01-01T00:00:00.000000Z"))
    assert (metrics["EventIngestionLatency_ms"], metrics["ClockSkew"]) == (0.0, 1)


def test_poison_is_kept_with_its_reason_and_blocks_nobody(route: Route) -> None:
    world = RouterWorld()
    failed, metrics = route(world, "poison", body_of(1))
    assert failed == []
    assert world.quarantined == [("poison", "not_json")]
    assert world.accepted == [f"{1:032x}"]
    assert metrics["RouterEventsQuarantined_count:not_json"] == 1


def test_only_the_message_of_a_failed_event_comes_again(route: Route) -> None:
    world = RouterWorld(answer=lambda event_id, _: "AccessDenied" if event_id == f"{1:032x}" else "")
    failed, metrics = route(world, body_of(0), body_of(1), body_of(2))
    assert failed == ["m1"]
    assert metrics["RouterMessagesFailed_count:bus_misconfigured"] == 1


def test_a_message_is_finished_only_when_all_its_events_are(route: Route) -> None:
    world = RouterWorld(answer=lambda event_id, _: "AccessDenied" if event_id == f"{1:032x}" else "")
    events = [json.loads(body_of(number)) for number in (0, 1, 1)]
    failed, _ = route(world, json.dumps({"schema_version": "1.0", "events": events}))
    assert failed == ["m0"]


def test_poison_that_cannot_be_kept_comes_again(route: Route) -> None:
    failed, metrics = route(RouterWorld(refuse_quarantine=True), "poison", body_of(1))
    assert failed == ["m0"]
    assert metrics["RouterMessagesFailed_count:quarantine_unavailable"] == 1
    assert "RouterEventsQuarantined_count:not_json" not in metrics


def test_settings_have_exactly_these_names() -> None:
    env = {"EVENT_BUS_NAME": "bus", "QUARANTINE_QUEUE_URL": "https://queue"}
    assert Settings.from_env(env) == Settings("bus", "https://queue", "FSxN-S3AP-Patterns", "INFO")


@pytest.mark.parametrize("name", ["EVENT_BUS_NAME", "QUARANTINE_QUEUE_URL"])
def test_a_missing_setting_is_named(name: str) -> None:
    env = {"EVENT_BUS_NAME": "bus", "QUARANTINE_QUEUE_URL": "https://queue", name: ""}
    with pytest.raises(MisconfiguredError, match=name):
        Settings.from_env(env)


def test_a_wrong_log_level_is_named() -> None:
    env = {"EVENT_BUS_NAME": "bus", "QUARANTINE_QUEUE_URL": "https://queue", "LOG_LEVEL": "LOUD"}
    with pytest.raises(MisconfiguredError, match="LOG_LEVEL is 'LOUD'"):
        Settings.from_env(env)
