"""`aws_iam_policy_document` against golden documents and the rules of its form."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lab.aws_provider.errors import ProviderError
from lab.aws_provider.policy_document import render

GOLDEN = json.loads((Path(__file__).parent / "golden" / "policy_documents.json").read_text())


@pytest.mark.parametrize("name", GOLDEN)
def test_it_equals_the_documented_result(name: str) -> None:
    """Text against text: key order and list order count."""
    case = GOLDEN[name]
    config = {
        **case["config"],
        "source_policy_documents": [render(source)[0] for source in case.get("sources", [])],
        "override_policy_documents": [render(override)[0] for override in case.get("overrides", [])],
    }
    indented, minified = render(config)
    assert indented == json.dumps(case["json"], indent=2)
    assert minified == json.dumps(case["json"], separators=(",", ":"))


def statement(**members: Any) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(render({"statement": [members]})[1])["Statement"][0]
    return parsed


def test_a_policy_variable_is_written_with_an_ampersand() -> None:
    assert (
        statement(actions=["s3:*"], resources=["home/&{aws:username}"])["Resource"] == "home/${aws:username}"
    )


def test_values_of_a_condition_keep_their_order() -> None:
    condition = {"test": "StringLike", "variable": "s3:prefix", "values": ["", "home/", "a/"]}
    found = statement(actions=["s3:ListBucket"], condition=[condition])
    assert found["Condition"] == {"StringLike": {"s3:prefix": ["", "home/", "a/"]}}


def test_everybody_is_a_bare_star_and_every_aws_identity_is_not() -> None:
    everybody = {"type": "*", "identifiers": ["*"]}
    identities = {"type": "AWS", "identifiers": ["*"]}
    assert statement(actions=["a:b"], principals=[everybody])["Principal"] == "*"
    assert statement(actions=["a:b"], principals=[identities])["Principal"] == {"AWS": "*"}


def test_principals_of_one_kind_are_joined() -> None:
    blocks = [{"type": "Service", "identifiers": ["a", "b"]}, {"type": "Service", "identifiers": ["c"]}]
    assert statement(actions=["a:b"], principals=blocks)["Principal"] == {"Service": ["b", "a", "c"]}


def test_markup_characters_are_escaped_as_the_real_provider_does() -> None:
    indented, _ = render({"statement": [{"actions": ["a:b"], "resources": ["<x>"]}]})
    assert '"\\u003cx\\u003e"' in indented


def test_a_sid_used_twice_is_refused() -> None:
    with pytest.raises(ProviderError, match="duplicate Sid 'A'"):
        render({"statement": [{"sid": "A", "actions": ["a:b"]}, {"sid": "A", "actions": ["a:c"]}]})


def test_a_sid_in_two_source_documents_is_refused() -> None:
    text = render({"statement": [{"sid": "A", "actions": ["a:b"]}]})[0]
    with pytest.raises(ProviderError, match="source document 1: duplicate Sid 'A'"):
        render({"source_policy_documents": [text, text]})


def test_the_older_version_has_no_policy_variables() -> None:
    with pytest.raises(ProviderError, match="policy variables need version"):
        render({"version": "2008-10-17", "statement": [{"resources": ["&{aws:username}"]}]})
