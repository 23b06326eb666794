"""Every event is a debt: accepted by the bus, kept in quarantine, or its message is reported as failed."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any
from unittest.mock import patch

from fsxn_runtime.edge.metrics import Emf
from fsxn_runtime.event_router import handler as router
from fsxn_runtime.event_router.bus_rules import MAX_ENTRIES, MAX_REQUEST_BYTES, batches
from fsxn_runtime.event_router.core import read
from fsxn_runtime.event_router.model import Entry, Message, Reject
from fsxn_runtime.event_router.store import schema_validator
from hypothesis import given
from hypothesis import strategies as st

from tests.support.file_events import file_event
from tests.support.router_world import RouterWorld, client_error

validate = schema_validator()

CODES = ["", "", "", "ThrottlingException", "InternalFailure", "MalformedDetail", "AccessDeniedException"]
WHOLE_CALLS = ["ValidationException", "ThrottlingException", "AccessDeniedException"]

# A message is a list of events (True: valid, False: poison); an empty one is poison as a whole.
batches_of_messages = st.lists(st.lists(st.booleans(), max_size=4), max_size=12)


@st.composite
def worlds(draw: st.DrawFn) -> RouterWorld:
    """A bus that answers anything, a quarantine queue that may refuse, and any amount of time."""
    script = draw(st.lists(st.tuples(st.sampled_from(CODES), st.sampled_from(["", "", "", *WHOLE_CALLS]))))
    answers = iter(script)

    def answer(_event_id: str, _attempt: int) -> str:
        code, whole_call = next(answers, ("", ""))
        if whole_call:
            raise client_error(whole_call)
        return code

    return RouterWorld(
        answer=answer,
        refuse_quarantine=draw(st.booleans()),
        remaining_ms=draw(st.integers(0, 30_000)),
        call_ms=draw(st.integers(0, 3000)),
    )


def body(message: int, events: list[bool]) -> str:
    objects: list[Any] = [
        file_event(event_id=f"{message:016x}{number:016x}").to_dict()
        if valid
        else {"poison": [message, number]}
        for number, valid in enumerate(events)
    ]
    return json.dumps({"schema_version": "1.0", "events": objects})


@given(messages=batches_of_messages, world=worlds())
def test_every_event_is_accepted_or_kept_or_its_message_comes_again(
    messages: list[list[bool]], world: RouterWorld
) -> None:
    parts = router._Parts(world.bus(), world.quarantine(), Emf("Space", write=len), validate)
    records = [{"messageId": str(n), "body": body(n, events)} for n, events in enumerate(messages)]
    with patch.object(router, "_parts", lambda: parts), patch("sys.stdout"):
        answer = router.handler({"Records": records}, world)
    failed = [int(item["itemIdentifier"]) for item in answer["batchItemFailures"]]
    kept = [json.loads(kept_body) for kept_body, _ in world.quarantined]

    assert len(failed) == len(set(failed))
    assert set(failed) <= set(range(len(messages)))
    for number, events in enumerate(messages):
        if number in failed:
            continue
        if not events:
            assert {"schema_version": "1.0", "events": []} in kept
        for position, valid in enumerate(events):
            event_id = f"{number:016x}{position:016x}"
            if valid:
                assert event_id in world.accepted or event_id in [item.get("event_id") for item in kept]
            else:
                assert {"poison": [number, position]} in kept
    assert max(Counter(world.accepted).values(), default=0) <= 1


@given(sizes=st.lists(st.integers(1, MAX_REQUEST_BYTES)))
def test_batches_keep_order_and_limits(sizes: list[int]) -> None:
    entries = [Entry("m", "e", "{}", size, None) for size in sizes]
    found = list(batches(entries))
    assert [entry for batch in found for entry in batch] == entries
    assert all(1 <= len(batch) <= MAX_ENTRIES for batch in found)
    assert all(sum(entry.size_bytes for entry in batch) <= MAX_REQUEST_BYTES for batch in found)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(text=st.text() | json_values.map(json.dumps) | json_values.map(lambda v: json.dumps({"events": v})))
def test_any_text_is_read_as_entries_and_rejects_and_nothing_else(text: str) -> None:
    found = list(read(Message("m", text), validate))
    assert found
    assert all(isinstance(item, Entry | Reject) for item in found)
