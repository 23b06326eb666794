"""What a dead letter is, by who put it there."""

from __future__ import annotations

import json

import pytest
from fsxn_runtime.redrive import Choice, Fate, Kind, Letter, Outcome, judge
from fsxn_runtime.redrive.core import outcome
from fsxn_runtime.workloads.core import failure_message, new_item
from fsxn_runtime.workloads.model import Action, Execution, Wanted
from hypothesis import given
from hypothesis import strategies as st

from tests.support.file_events import file_event
from tests.support.workload_world import MACHINE, T0, message

EVENT = message(file_event())


def letter(body: str = EVENT, **attributes: str) -> Letter:
    return Letter("m", "r", body, attributes, 0)


@pytest.mark.parametrize(
    ("kind", "given_letter", "reason", "fate"),
    [
        (Kind.WORKLOAD, letter(reason="failed"), "failed", Fate.REDRIVE),
        (Kind.WORKLOAD, letter(reason="timed_out"), "timed_out", Fate.REDRIVE),
        (Kind.WORKLOAD, letter(reason="misconfigured"), "misconfigured", Fate.REDRIVE),
        (Kind.WORKLOAD, letter(reason="rejected"), "rejected", Fate.ON_REQUEST),
        (Kind.WORKLOAD, letter(reason="missing_field"), "missing_field", Fate.ON_REQUEST),
        (Kind.WORKLOAD, letter(ERROR_CODE="NO_PERMISSIONS"), "no_permissions", Fate.REDRIVE),
        (Kind.WORKLOAD, letter(), "received_too_often", Fate.REDRIVE),
        (Kind.INGESTION, letter(), "received_too_often", Fate.REDRIVE),
        (
            Kind.QUARANTINE,
            letter("{", reason="not_json", source_message_id="s", explanation="x"),
            "not_json",
            Fate.ON_REQUEST,
        ),
        (Kind.QUARANTINE, letter('{"reason": "too_large"}'), "too_large", Fate.NEVER),
        (Kind.QUARANTINE, letter("{"), "unknown", Fate.NEVER),
    ],
)
def test_who_put_it_there_says_whether_it_may_go_back(
    kind: Kind, given_letter: Letter, reason: str, fate: Fate
) -> None:
    found = judge(kind, given_letter)
    assert (found.reason, found.fate) == (reason, fate)


def test_the_finishers_letter_names_file_work_attempt_and_error() -> None:
    event = file_event()
    wanted = Wanted(Action.DELETE, event.file_path, "legal/a.pdf")
    item = new_item(
        uc_id="inventory",
        key="k1",
        wanted=wanted,
        event=event,
        version=None,
        state_machine_arn=MACHINE,
        now_us=T0,
    )
    body = failure_message(item, Execution("FAILED", error="RejectedError"))
    found = judge(Kind.WORKLOAD, letter(body, reason="failed"))
    assert (found.file_path, found.event_id) == (event.file_path, event.event_id)
    assert (found.work_key, found.attempt, found.error) == ("k1", 1, "RejectedError")


def test_an_event_of_the_ingestion_queue_names_its_file() -> None:
    body = json.dumps(file_event().to_dict())
    assert judge(Kind.INGESTION, letter(body)).file_path == "/vol1/legal/a.pdf"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["detail", "failure", "file_path", "attempt", "reason"]), inner, max_size=4
        )
    ),
    max_leaves=8,
)


@given(kind=st.sampled_from(Kind), body=st.text(max_size=20) | json_values.map(json.dumps))
def test_any_body_is_judged(kind: Kind, body: str) -> None:
    """What lies there may be anything: that it could not be read is often why."""
    assert judge(kind, letter(body)).reason


@pytest.mark.parametrize(
    ("fate", "reasons", "execute", "done"),
    [
        (Fate.REDRIVE, (), False, Outcome.LISTED),
        (Fate.REDRIVE, (), True, Outcome.REDRIVEN),
        (Fate.REDRIVE, ("other",), True, Outcome.NOT_CHOSEN),
        (Fate.ON_REQUEST, (), True, Outcome.NOT_CHOSEN),
        (Fate.ON_REQUEST, ("code",), True, Outcome.REDRIVEN),
        (Fate.NEVER, ("code",), True, Outcome.NOT_POSSIBLE),
    ],
)
def test_what_was_refused_for_what_it_is_goes_back_only_by_its_reason(
    fate: Fate, reasons: tuple[str, ...], execute: bool, done: Outcome
) -> None:
    judgement = judge(Kind.WORKLOAD, letter(reason="code"))
    judgement = type(judgement)(reason="code", fate=fate)
    assert outcome(judgement, Choice(execute, frozenset(reasons))) is done
