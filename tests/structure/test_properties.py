"""docs/reference/properties.md against the suite."""

from __future__ import annotations

import re

from tools.property_catalogue import BEGIN, PAGE, names_in_suite, properties

NAMED = {
    "framing": {"round trip", "size limit", "end of stream", "several messages", "detection"},
    "guardrails": {"modes", "rate", "cap", "cooldown"},
    "lineage": {"round trip", "index", "expiry"},
    "SLO": {"comparison", "no data"},
    "forecast": {"accuracy", "edge cases"},
}


def rows() -> dict[str, list[str]]:
    """Tests by the name of the property, of the page's first table."""
    by_name = PAGE.read_text().partition(BEGIN)[0]
    found = re.findall(r"^\| ([^|`]+: [^|`]+) \|.*\| ([^|]*`) \|$", by_name, re.MULTILINE)
    return {name: re.findall(r"`([^`]+)`", tests) for name, tests in found}


def test_every_row_names_tests_that_exist() -> None:
    suite = names_in_suite()
    missing = {name: gone for name, tests in rows().items() if (gone := set(tests) - suite)}
    assert missing == {}
    assert all(rows().values())


def test_the_promised_properties_have_rows_of_which_one_test_draws_its_input() -> None:
    """But for three that have few cases, each with its own example."""
    promised = {f"{area}: {name}" for area, names in NAMED.items() for name in names}
    assert promised <= rows().keys()
    drawn = {each.test for each in properties()}
    only_examples = {name for name in promised if not drawn & set(rows()[name])}
    assert only_examples == {"lineage: index", "lineage: expiry", "SLO: no data"}
