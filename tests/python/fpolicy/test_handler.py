"""Which events ask for what: a task's event is a trigger in whatever form, and nothing else is taken."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from fsxn_runtime.errors import RejectedError
from fsxn_runtime.fpolicy.handler import answer
from hypothesis import given
from hypothesis import strategies as st

DOCUMENT = {"svm": "svm1"}


class Asked:
    """A reconciler that writes down what it is asked for."""

    def __init__(self) -> None:
        self.calls: list[tuple[object, ...]] = []

    def reconcile(self) -> dict[str, Any]:
        self.calls.append(("reconcile",))
        return {}

    def status(self) -> dict[str, Any]:
        self.calls.append(("status",))
        return {}

    def want(self, name: str, document: Mapping[str, Any]) -> dict[str, Any]:
        self.calls.append(("want", name, document))
        return {}

    def remove(self, name: str, document: Mapping[str, Any]) -> dict[str, Any]:
        self.calls.append(("remove", name, document))
        return {}


def asked(*events: Mapping[str, Any]) -> list[tuple[object, ...]]:
    reconciler = Asked()
    for event in events:
        answer(reconciler, event)  # type: ignore[arg-type]
    return reconciler.calls


def task_event(status: str, spelling: str) -> dict[str, Any]:
    """An ECS event: attachments write the address one way, containers another (AWS facts 7.3)."""
    attachment = {"type": "eni", "details": [{"name": spelling, "value": "10.0.1.7"}]}
    detail = {"lastStatus": status, "attachments": [attachment]}
    return {"source": "aws.ecs", "detail-type": "ECS Task State Change", "detail": detail}


@given(
    st.lists(
        st.builds(
            task_event,
            st.sampled_from(["RUNNING", "DEACTIVATING", "STOPPING", "STOPPED"]),
            st.sampled_from(["privateIPv4Address", "privateIpv4Address"]),
        )
    )
)
def test_task_events_in_any_order_twice_and_in_either_spelling_are_each_a_trigger(
    events: list[dict[str, Any]],
) -> None:
    """Nothing of them is believed: what runs is read (test_clients.py)."""
    assert asked(*events) == [("reconcile",)] * len(events)


@pytest.mark.parametrize(
    ("event", "call"),
    [
        ({"source": "aws.events"}, ("reconcile",)),
        ({"action": "reconcile"}, ("reconcile",)),
        ({"action": "status"}, ("status",)),
        ({"tf": {"action": "create"}, "svm": "main", "wanted": DOCUMENT}, ("want", "main", DOCUMENT)),
        ({"tf": {"action": "update"}, "svm": "main", "wanted": DOCUMENT}, ("want", "main", DOCUMENT)),
        ({"tf": {"action": "delete"}, "svm": "main", "wanted": DOCUMENT}, ("remove", "main", DOCUMENT)),
    ],
)
def test_each_kind_of_event_has_its_method(event: dict[str, Any], call: tuple[object, ...]) -> None:
    assert asked(event) == [call]


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"action": "remove"},
        {"source": "aws.s3"},
        {"svm": "main", "wanted": DOCUMENT},
        {"tf": {"action": "read"}, "svm": "main", "wanted": DOCUMENT},
        {"tf": {"action": "delete"}, "svm": "main"},
    ],
)
def test_an_event_that_nobody_sends_is_refused(event: dict[str, Any]) -> None:
    with pytest.raises(RejectedError, match="lifecycle call"):
        asked(event)
