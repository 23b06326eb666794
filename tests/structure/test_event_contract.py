"""The page for consumers says what the schema in the package says."""

from __future__ import annotations

import json
import re

import jsonschema

from tests.structure.source_tree import ROOT

PAGE = (ROOT / "docs/guides/event-contract.md").read_text()
SCHEMA = json.loads((ROOT / "python/fsxn_runtime/file_event.schema.json").read_text())


def test_the_fields_their_types_and_which_are_required_are_those_of_the_schema() -> None:
    rows = re.findall(r"^\| `(\w+)` \| ([a-z ]+) \| (yes|no) \|", PAGE, re.MULTILINE)
    assert rows == [
        (name, type_of(field), "yes" if name in SCHEMA["required"] else "no")
        for name, field in SCHEMA["properties"].items()
    ]


def type_of(field: dict[str, object]) -> str:
    kind = field["type"]
    return " or ".join(kind) if isinstance(kind, list) else str(kind)


def test_the_example_is_an_event() -> None:
    (example,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    jsonschema.validate(json.loads(example), SCHEMA)


def test_the_imported_addresses_of_the_migration_are_resources_of_production() -> None:
    page = (ROOT / "docs/guides/migrate-from-cloudformation.md").read_text()
    inventory = (ROOT / "tests/terraform/inventories/production.yaml").read_text()
    addresses = re.findall(r"^  to = (\S+)$", page, re.MULTILINE)
    assert addresses
    assert [address for address in addresses if f"  {address}:" not in inventory] == []
