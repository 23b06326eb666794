"""What the engine reports when a service misbehaves: named, and before Terraform reports it badly."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from lab.aws_provider.cloud import Cloud
from lab.aws_provider.engine import Resource
from lab.aws_provider.errors import NotFoundError, ProviderError
from lab.aws_provider.records import Record, record_of
from lab.aws_provider.schema import Block, load
from lab.aws_provider.schema_types import APPLIED
from lab.aws_provider.values import UNKNOWN, empty_object

BLOCK = Block.parse(
    {
        "attributes": {
            "id": ["string", "oc"],
            "name": ["string", "r"],
            "size": ["number", "o"],
            "arn": ["string", "c"],
            "tags": [["map", "string"], "o"],
            "tags_all": [["map", "string"], "oc"],
        },
        "blocks": {"rule": {"attributes": {"days": ["number", "o"]}, "nesting": "list", "max": 1}},
    }
)
CLOUD = Cloud({"region": "us-east-1"}, {})
# Blocks that a configuration may make from values not known yet (`dynamic`).
CHECKED_BLOCKS = {"metric_query", "attribute", "global_secondary_index", "input_transformer", "volume"}
REPORTED = {"arn": "arn:thing", "name": "a", "size": "5"}


def fails(*_: Any) -> None:
    raise RuntimeError("the service said no")


def gone(*_: Any) -> dict[str, Any]:
    raise NotFoundError("thing")


GOOD = Record(
    type="aws_thing",
    create=lambda _cloud, _values: {"id": "1"},
    update=lambda _cloud, _state, _changed: None,
    read=lambda _cloud, _state: dict(REPORTED),
    delete=lambda _cloud, _state: None,
)


def resource(**changed: Any) -> Resource:
    return Resource("aws_thing", BLOCK, replace(GOOD, **changed))


def planned(**members: Any) -> dict[str, Any]:
    unknown = {"id": UNKNOWN, "arn": UNKNOWN}
    return {**empty_object(BLOCK), "name": "a", "size": 5, "tags_all": {}, **unknown, **members}


def state(**members: Any) -> dict[str, Any]:
    return planned(id="1", arn="arn:thing", **members)


def test_apply_returns_the_plan_with_its_unknowns_filled_in() -> None:
    applied = resource().create(CLOUD, planned())
    assert applied.error is None
    assert applied.state == state()


def test_what_is_left_unknown_is_named() -> None:
    applied = resource(read=lambda _cloud, _state: {"name": "a"}).create(CLOUD, planned())
    assert applied.error is not None
    assert applied.error.message == "aws_thing: apply left arn unknown"
    assert applied.state is not None
    assert applied.state["id"] == "1"


def test_a_failed_call_of_a_creation_names_verb_type_and_object() -> None:
    with pytest.raises(ProviderError, match="create aws_thing 'a': RuntimeError: the service said no"):
        resource(create=fails).create(CLOUD, planned())


def test_an_object_that_was_made_but_not_finished_is_not_lost() -> None:
    applied = resource(finish=fails).create(CLOUD, planned())
    assert applied.error is not None
    assert "create aws_thing 'a'" in applied.error.message
    assert applied.state is not None
    assert applied.state["id"] == "1"


def test_update_gets_the_names_of_what_changed() -> None:
    seen: list[set[str]] = []
    update = resource(update=lambda _cloud, _state, changed: seen.append(changed))
    update.update(CLOUD, state(size=6), state())
    assert seen == [{"size"}]


def test_a_type_without_an_update_says_what_cannot_change() -> None:
    applied = resource(update=None).update(CLOUD, state(size=6), state())
    assert applied.error is not None
    assert "size cannot be changed in place" in applied.error.message


def test_an_object_that_is_gone_reads_as_null_and_deletes_in_peace() -> None:
    assert resource(read=gone).read(CLOUD, state()) is None
    resource(delete=gone).delete(CLOUD, state())


def test_reading_replaces_only_what_differs() -> None:
    result = resource(read=lambda _cloud, _state: {**REPORTED, "size": "7"}).read(CLOUD, state())
    assert result == state(size=7)


def test_an_empty_report_does_not_replace_null() -> None:
    result = resource(read=lambda _cloud, _state: {"size": 0, "rule": [{"days": 1}]}).read(
        CLOUD, state(size=None)
    )
    assert result == state(size=None)


def test_a_foreign_tag_shows_in_both_tag_maps() -> None:
    before = state(tags={"own": "1"}, tags_all={"own": "1", "default": "d"})
    reported = {**REPORTED, "tags": {"own": "2", "default": "d", "foreign": "f"}}
    result = resource(read=lambda _cloud, _state: dict(reported)).read(CLOUD, before)
    assert result is not None
    assert result["tags"] == {"own": "2", "foreign": "f"}
    assert result["tags_all"] == reported["tags"]


def test_a_value_of_the_wrong_type_is_named() -> None:
    wrong = resource(read=lambda _cloud, _state: {**REPORTED, "size": "many"})
    with pytest.raises(ProviderError, match="aws_thing: size was reported as 'many'"):
        wrong.read(CLOUD, state())


def test_an_import_takes_the_defaults_of_what_is_not_reported() -> None:
    imported = resource(defaults={"size": 30}, read=lambda _cloud, _state: {"name": "a", "arn": "arn:thing"})
    result = imported.read(CLOUD, imported.import_state("1"), imported=True)
    assert result is not None
    assert result["size"] == 30


def test_an_evaluation_without_aws_puts_names_where_aws_computes() -> None:
    """LAB_AWS_PREVIEW without a local AWS: nothing is called, nothing is left unknown."""
    preview = Cloud({"region": "us-east-1"}, {"LAB_AWS_PREVIEW": "1"})
    applied = resource(create=fails, read=fails).create(preview, planned())
    assert applied.error is None
    assert applied.state == state() | {"id": "aws_thing(a).id", "arn": "aws_thing(a).arn"}


@pytest.mark.parametrize("kind", sorted(APPLIED))
def test_a_configuration_of_unknown_values_passes_every_check(kind: str) -> None:
    """What a module does not know yet when it is validated must not be refused."""
    name = f"aws_{kind}"
    whole = Resource(name, load().resources[name], record_of(name))
    block = whole.block
    settable = {n: a for n, a in block.attributes.items() if (a.optional or a.required) and not a.write_only}
    whole.validate(
        {
            **empty_object(block),
            **dict.fromkeys(settable, UNKNOWN),
            **dict.fromkeys(CHECKED_BLOCKS & set(block.blocks), UNKNOWN),
        }
    )
