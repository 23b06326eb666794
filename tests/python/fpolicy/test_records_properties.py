"""ONTAP's records and the model: what is written is read back as what was meant, and silence as empty."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from fsxn_runtime.errors import RejectedError
from fsxn_runtime.fpolicy import records
from fsxn_runtime.fpolicy.model import (
    ClientCertificate,
    Engine,
    Event,
    Link,
    Policy,
    PutEvent,
    PutPolicy,
    Store,
)
from hypothesis import example, given
from hypothesis import strategies as st

_names = st.sampled_from(["a", "b", "c"])
_sets = st.frozensets(_names)
_hosts = st.frozensets(st.sampled_from(["10.0.1.1", "10.0.1.2", "10.0.1.3"]))

engines = st.builds(
    Engine,
    st.just("e"),
    _hosts,
    st.integers(1, 65535),
    st.integers(10, 600),  # PT10S to PT10M (ONTAP REST reference 13.1)
    st.sampled_from(["no_auth", "server_auth", "mutual_auth"]),
    _hosts,
    st.sampled_from(["asynchronous", "synchronous"]),
    st.sampled_from(["xml", "protobuf"]),
).flatmap(
    lambda engine: (
        st.just(engine)
        if engine.ssl_option != "mutual_auth"
        else st.builds(
            replace, st.just(engine), client_certificate=st.builds(ClientCertificate, _names, _names, _names)
        )
    )
)
events = st.builds(
    Event, st.just("e"), st.sampled_from(["cifs", "nfsv3"]), _sets, _sets, st.booleans(), st.booleans()
)
scopes = st.frozensets(
    st.tuples(st.sampled_from(records.SCOPE_LISTS), _names)
    | st.tuples(st.sampled_from(records.SCOPE_FLAGS), st.just("true"))
)
policies = st.builds(
    Policy,
    st.just("p"),
    _names,
    _sets,
    scopes,
    st.sampled_from(["", "s"]),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)


def merged(before: Mapping[str, Any], body: Mapping[str, Any]) -> dict[str, Any]:
    """What ONTAP keeps after a PATCH: members of objects are merged, lists are exchanged."""
    kept = dict(before)
    for name, value in body.items():
        kept[name] = merged(kept.get(name, {}), value) if isinstance(value, Mapping) else value
    return kept


def told(record: Mapping[str, Any]) -> dict[str, Any]:
    """What ONTAP shows of what it keeps: false members and empty lists are left out."""
    shown = {n: told(v) if isinstance(v, Mapping) else v for n, v in record.items()}
    return {n: v for n, v in shown.items() if v not in (False, [], {}, "")}


@given(engines)
def test_an_engine_is_read_back_as_it_was_written(engine: Engine) -> None:
    assert records.engine_of(told({"name": "e", **records.engine_body(engine)})) == engine


@given(engines, engines)
def test_a_changed_engine_has_nothing_left_of_what_it_was(before: Engine, after: Engine) -> None:
    kept = merged(records.engine_body(before), records.engine_body(after))
    assert records.engine_of(told({"name": "e", **kept})) == after


@given(events, st.none() | events)
@example(Event("e", "cifs", frozenset()), Event("e", "cifs", frozenset("a"), frozenset("b"), True, True))
def test_an_event_set_is_what_was_meant_whatever_was_there(event: Event, before: Event | None) -> None:
    kept = records.event_body(PutEvent(before, None)) if before else {}
    kept = merged(kept, records.event_body(PutEvent(event, before)))
    assert records.event_of(told({"name": "e", **kept})) == event


def test_the_protocol_of_an_event_set_is_named_only_where_it_changes() -> None:
    event = Event("e", "cifs", frozenset({"create"}))
    assert "protocol" in records.event_body(PutEvent(event, None))
    assert "protocol" in records.event_body(PutEvent(event, replace(event, protocol="nfsv3")))
    assert "protocol" not in records.event_body(PutEvent(event, replace(event, operations=frozenset())))


_PLAIN = Policy("p", "a", frozenset(), frozenset())


@given(policies, st.none() | policies)
@example(_PLAIN, replace(_PLAIN, store="s"))
@example(
    _PLAIN, replace(_PLAIN, scope=frozenset({("include_volumes", "a"), (records.SCOPE_FLAGS[0], "true")}))
)
def test_a_policy_is_what_was_meant_whatever_was_there(policy: Policy, before: Policy | None) -> None:
    kept = records.policy_body(PutPolicy(before, None)) if before else {}
    kept = merged(kept, records.policy_body(PutPolicy(policy, before)))
    shown = told({"name": "p", **kept}) | {"mandatory": kept["mandatory"]}
    assert records.policy_of(shown) == policy


@given(policies)
def test_a_policys_body_switches_nothing_on(policy: Policy) -> None:
    """Without a priority it stays disabled (ONTAP REST reference 13.4)."""
    body = records.policy_body(PutPolicy(replace(policy, is_enabled=True, priority=3), None))
    assert not {"enabled", "priority"} & body.keys()


def test_what_ontap_leaves_out_of_a_policy_is_read_as_its_default() -> None:
    policy = records.policy_of({"name": "p"})
    assert policy == Policy("p", "native", frozenset(), frozenset(), is_mandatory=True)
    assert records.policy_of({"name": "p", "enabled": True, "priority": 4}).priority == 4
    assert records.policy_of({"name": "p", "enabled": False, "priority": 4}).priority is None


def test_a_store_is_read_with_its_volume() -> None:
    assert records.store_of({"name": "s", "volume": "v", "size": 5}) == Store("s", "v", 5)
    assert records.store_of({"name": "s"}) == Store("s", "", 0)


def test_a_connection_is_read_with_its_reason_and_time() -> None:
    record = {"node": {"uuid": "n"}, "policy": {"name": "p"}, "server": "10.0.1.1", "state": "disconnected"}
    record |= {"disconnected_reason": {"message": "x" * 500}, "update_time": "1970-01-01T01:00:02+01:00"}
    assert records.link_of(record) == Link("n", "p", "10.0.1.1", False, "x" * 200, 2_000_000)
    bare = {name: record[name] for name in ("node", "policy", "server")} | {"state": "connected"}
    assert records.link_of(bare) == Link("n", "p", "10.0.1.1", True)


@given(st.integers(0, 100), st.integers(0, 5000), st.integers(0, 5000))
def test_a_duration_is_the_sum_of_its_parts(hours: int, minutes: int, rest: int) -> None:
    assert records.seconds(f"PT{hours}H{minutes}M{rest}S") == hours * 3600 + minutes * 60 + rest
    assert records.seconds(f"PT{minutes}M") == minutes * 60
    assert records.seconds(f"PT{rest}S") == rest


@given(st.text(max_size=12) | st.from_regex(r"P[T0-9HMS.-]{0,8}", fullmatch=True))
def test_any_other_duration_is_refused_and_shown(text: str) -> None:
    try:
        assert records.seconds(text) >= 0
    except RejectedError as exc:
        assert repr(text[:40]) in str(exc)


@pytest.mark.parametrize("text", ["", "PT", "PT-2M", "2M", "PT2M ", "P1DT2M", "PT1.5S", "PT2M\n"])
def test_a_duration_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(RejectedError):
        records.seconds(text)
