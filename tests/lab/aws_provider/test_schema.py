"""The committed schema, and the records against it. `schema_tool --check` compares it with the packages."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.aws_provider import schema_tool
from lab.aws_provider.records import record_of
from lab.aws_provider.schema import Block, load
from lab.aws_provider.schema_types import APPLIED, DATA_SOURCES, PLAN_ONLY, PROVIDER_VERSION

SCHEMA = load()
TYPES = [f"aws_{name}" for name in APPLIED]


def test_it_names_the_packages_that_it_was_made_from() -> None:
    assert SCHEMA.sources == {
        "provider": PROVIDER_VERSION,
        "cdktf-cdktf-provider-aws": "21.22.1",
        "pulumi-aws": "7.14.0",
    }


def test_it_holds_exactly_the_listed_types() -> None:
    assert set(SCHEMA.resources) == {f"aws_{name}" for name in (*APPLIED, *PLAN_ONLY)}
    assert set(SCHEMA.data_sources) == {f"aws_{name}" for name in DATA_SOURCES}


def test_the_committed_file_is_small() -> None:
    assert schema_tool.SCHEMA_FILE.stat().st_size < 1 << 20


def blocks(block: Block) -> list[Block]:
    return [block, *(inner for nested in block.blocks.values() for inner in blocks(nested))]


@pytest.mark.parametrize("name", sorted(SCHEMA.resources))
def test_every_attribute_is_required_optional_or_computed(name: str) -> None:
    """Terraform loads no provider that has one attribute of none of these kinds."""
    for block in blocks(SCHEMA.resources[name]):
        for attribute in block.attributes.values():
            assert attribute.required != (attribute.optional or attribute.computed)


@pytest.mark.parametrize("name", TYPES)
def test_a_record_speaks_only_of_arguments_that_exist(name: str) -> None:
    record, block = record_of(name), SCHEMA.resources[name]
    assert record is not None
    used = {
        *record.create_only,
        *record.defaults,
        *record.blank,
        *record.documents,
        *record.patterns,
        *record.filled,
    }
    for computed, causes in record.volatile.items():
        used |= {computed, *causes}
    assert used - set(block.attributes) - set(block.blocks) == set()


@pytest.mark.parametrize("name", TYPES)
def test_only_computed_attributes_are_blank_or_volatile(name: str) -> None:
    record = record_of(name)
    assert record is not None
    block = SCHEMA.resources[name].with_defaults(record.defaults)
    for attribute in {*record.blank, *record.volatile}:
        assert block.attributes[attribute].computed, attribute


@pytest.mark.parametrize("name", [f"aws_{kind}" for kind in PLAN_ONLY])
def test_a_plan_only_type_has_no_record(name: str) -> None:
    assert record_of(name) is None


# the tool, on a made-up resource in the packages' form ----------------------------------------------------

JAVASCRIPT = """
function thingRuleToHclTerraform(struct) {
    const attrs = {
        days: {
            value: cdktf.numberToHclTerraform(struct.days),
            isBlock: false,
            type: "simple",
            storageClassType: "number",
        },
    };
}
class ThingRuleOutputReference extends cdktf.ComplexObject {
    // rule_id - computed: true, optional: false, required: false
    get ruleId() {
        return this.getStringAttribute('rule_id');
    }
}
class Thing extends cdktf.TerraformResource {
    constructor(scope, id, config) {
        this._rule = new ThingRuleOutputReference(this, "rule");
    }
    get arn() {
        return this.getStringAttribute('arn');
    }
    get zones() {
        return cdktf.Fn.tolist(this.getListAttribute('zones'));
    }
    synthesizeHclAttributes() {
        const attrs = {
            name: {
                value: cdktf.stringToHclTerraform(this._name),
                isBlock: false,
                type: "simple",
                storageClassType: "string",
            },
            labels: {
                value: cdktf.hashMapperHcl(cdktf.stringToHclTerraform)(this._labels),
                isBlock: false,
                type: "map",
                storageClassType: "stringMap",
            },
            rule: {
                value: thingRuleToHclTerraform(this._rule.internalValue),
                isBlock: true,
                type: "list",
                storageClassType: "ThingRuleList",
            },
        };
    }
}
"""
DECLARATIONS = """
export interface ThingConfig extends cdktf.TerraformMetaArguments {
    readonly name: string;
    readonly labels?: { [key: string]: string };
    readonly rule?: ThingRule;
}
export interface ThingRule {
    readonly days: number;
}
"""


def test_the_tool_reads_names_types_and_blocks() -> None:
    assert schema_tool.Extractor(JAVASCRIPT, DECLARATIONS).root() == {
        "attributes": {
            "arn": ["string", "c"],
            "labels": [["map", "string"], "o"],
            "name": ["string", "r"],
            "zones": [["set", "string"], "c"],
        },
        "blocks": {
            "rule": {
                "attributes": {"days": ["number", "r"], "rule_id": ["string", "c"]},
                "nesting": "list",
                "max": 1,
            }
        },
    }


@pytest.mark.parametrize(
    ("kind", "text", "default"),
    [
        ("number", "Seconds. Defaults to `30`.", 30),
        ("bool", "Whether to. Default is `false`.", False),
        ("string", 'Mode. Defaults to `"Zip"`.', "Zip"),
        ("number", "Defaults to the account's limit.", None),
        ("number", "Defaults to `many`.", None),
    ],
)
def test_the_tool_reads_documented_defaults(kind: str, text: str, default: object) -> None:
    assert schema_tool.documented_default(kind, text) == default


def test_the_tool_says_which_package_is_missing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert schema_tool.main(["--check", str(tmp_path)]) == 2
    assert "no wheel of cdktf-cdktf-provider-aws 21.22.1" in capsys.readouterr().err
