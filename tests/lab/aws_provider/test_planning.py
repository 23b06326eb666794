"""The plan and the values it is made of, without Terraform."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.aws_provider.planning import Facts, merged_tags, plan
from lab.aws_provider.schema import Block
from lab.aws_provider.values import (
    UNKNOWN,
    conform,
    decode,
    empty_object,
    encode,
    is_known,
    known_or_none,
    same,
)

BLOCK = Block.parse(
    {
        "attributes": {
            "name": ["string", "r"],
            "size": ["number", "o", 30],
            "zone": ["string", "oc"],
            "arn": ["string", "c"],
            "version": ["string", "c"],
            "policy": ["string", "o"],
            "groups": [["set", "string"], "o"],
            "tags": [["map", "string"], "o"],
            "tags_all": [["map", "string"], "oc"],
            "region": ["string", "oc"],
        },
        "blocks": {
            "rule": {"attributes": {"days": ["number", "r"], "key": ["string", "c"]}, "nesting": "set"}
        },
    }
).with_defaults({})
FACTS = Facts(
    create_only=frozenset({"name"}),
    volatile={"version": ("size",)},
    documents={"policy": "policy"},
    region="us-east-1",
    default_tags={"Project": "lab"},
)


def config(**members: Any) -> dict[str, Any]:
    return {**empty_object(BLOCK), "name": "a", **members}


def state(**members: Any) -> dict[str, Any]:
    known = {"size": 30, "zone": "z", "arn": "arn", "version": "1", "region": "us-east-1"}
    return {**config(), **known, "tags_all": {"Project": "lab"}, **members}


def test_a_new_object_has_defaults_and_unknowns() -> None:
    planned = plan(BLOCK, FACTS, config(), None).planned
    assert planned["size"] == 30
    assert planned["policy"] is None
    assert planned["region"] == "us-east-1"
    assert [name for name, value in planned.items() if value is UNKNOWN] == ["zone", "arn", "version"]


def test_nothing_changed_means_the_prior_values() -> None:
    planned = plan(BLOCK, FACTS, config(), state()).planned
    assert planned == state()


def test_a_removed_argument_goes_back_to_its_default_and_a_computed_one_stays() -> None:
    planned = plan(BLOCK, FACTS, config(), state(size=99, zone="chosen")).planned
    assert (planned["size"], planned["zone"]) == (30, "chosen")


def test_only_what_the_change_moves_becomes_unknown() -> None:
    planned = plan(BLOCK, FACTS, config(size=50), state()).planned
    assert planned["version"] is UNKNOWN
    assert planned["arn"] == "arn"


def test_a_create_only_argument_asks_for_a_replacement() -> None:
    assert plan(BLOCK, FACTS, config(name="b"), state()).replace == ["name"]
    assert plan(BLOCK, FACTS, config(region="eu-west-1"), state()).replace == ["region"]
    assert plan(BLOCK, FACTS, config(size=50), state()).replace == []


def test_the_same_policy_written_differently_keeps_the_prior_text() -> None:
    prior = json.dumps({"Statement": [{"Action": ["b", "a"], "Resource": "*"}]})
    fresh = json.dumps({"Statement": [{"Resource": ["*"], "Action": ["a", "b"], "Condition": {}}]}, indent=2)
    assert plan(BLOCK, FACTS, config(policy=fresh), state(policy=prior)).planned["policy"] == prior


def test_a_set_in_another_order_is_no_change() -> None:
    planned = plan(BLOCK, FACTS, config(groups=["b", "a"]), state(groups=["a", "b"])).planned
    assert planned["groups"] == ["a", "b"]


def test_blocks_of_a_set_keep_their_own_computed_parts() -> None:
    prior = state(rule=[{"days": 1, "key": "one"}, {"days": 2, "key": "two"}])
    planned = plan(
        BLOCK, FACTS, config(rule=[{"days": 2, "key": None}, {"days": 3, "key": None}]), prior
    ).planned
    assert planned["rule"] == [{"days": 2, "key": "two"}, {"days": 3, "key": UNKNOWN}]


def test_own_tags_win_over_default_tags() -> None:
    assert merged_tags({"a": "1", "b": "1"}, {"b": "2"}) == {"a": "1", "b": "2"}
    assert merged_tags({"a": "1"}, UNKNOWN) is UNKNOWN


values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**31), 2**31) | st.text() | st.just(UNKNOWN),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(value=values)
def test_encoding_then_decoding_is_the_identity(value: Any) -> None:
    assert decode(encode(value)) == value


@given(value=values)
def test_a_value_without_its_unknowns_is_known(value: Any) -> None:
    assert is_known(known_or_none(value))


members = st.fixed_dictionaries(
    {},
    optional={
        "size": st.integers(0, 99),
        "zone": st.text(max_size=3),
        "groups": st.lists(st.text(max_size=2), unique=True, max_size=3),
        "tags": st.dictionaries(st.text(max_size=2), st.text(max_size=2), max_size=2),
    },
)


@given(given_now=members, given_before=members)
def test_planning_what_was_applied_plans_nothing(
    given_now: dict[str, Any], given_before: dict[str, Any]
) -> None:
    """The result of an apply (the plan with its unknowns filled in) is its own plan."""
    prior = {**state(), **given_before}
    applied = {
        name: "filled" if value is UNKNOWN else value
        for name, value in plan(BLOCK, FACTS, config(**given_now), prior).planned.items()
    }
    assert plan(BLOCK, FACTS, config(**given_now), applied).planned == applied


@pytest.mark.parametrize(
    ("reported", "kind", "value"),
    [
        ("30", "number", 30),
        ("0.5", "number", 0.5),
        ("True", "bool", True),
        (False, "string", "false"),
        ({"a": 1}, "string", '{"a": 1}'),
        (["1"], ["set", "number"], [1]),
        ({"a": "x", "other": 1}, ["object", {"a": "string", "b": "string"}], {"a": "x", "b": None}),
    ],
)
def test_reported_values_take_the_type_of_the_attribute(reported: Any, kind: Any, value: Any) -> None:
    assert conform(reported, kind) == value


def test_the_order_of_a_state_machine_counts() -> None:
    left, right = '{"a": [1, 2]}', '{"a": [2, 1]}'
    assert not same("policy", left, right, BLOCK, "json")
    assert same("policy", left, right, BLOCK, "policy")
