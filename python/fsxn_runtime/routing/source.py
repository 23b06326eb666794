"""Where rules come from: a bus, a Terraform plan or state, or a plain JSON object."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from fsxn_runtime.edge.aws_errors import aws_call
from fsxn_runtime.errors import RejectedError
from fsxn_runtime.routing.rules import Rule

_TYPE: Final = "aws_cloudwatch_event_rule"
# How module event-router describes rules that hand copies to consumers: they process no file.
_COPIES: Final = "File events as CloudEvents"


def rules_of_bus(events: Any, bus: str) -> list[Rule]:
    """Read the rules of a bus that choose events. AWS's own (an archive has one) and copies are left out."""
    found: list[Rule] = []
    request = {"EventBusName": bus}
    while True:
        with aws_call("events:ListRules"):
            page = events.list_rules(**request)
        found += [
            Rule(rule["Name"], rule["EventPattern"], rule["State"] != "DISABLED")
            for rule in page["Rules"]
            if rule.get("EventPattern")
            and not rule.get("ManagedBy")
            and not _is_copy(rule.get("Description"))
        ]
        if not page.get("NextToken"):
            return found
        request["NextToken"] = page["NextToken"]


def rules_of_document(text: str, bus: str) -> list[Rule]:
    """Read rules from JSON: what `terraform show -json` writes, or an object of patterns by name.

    Of Terraform's, those of the named bus are taken, and those whose bus is not known before the apply.
    """
    try:
        document = json.loads(text)
    except ValueError as exc:
        raise RejectedError(f"the rules are not JSON: {exc}") from exc
    if not isinstance(document, Mapping):
        raise RejectedError("the rules are no JSON object; give a plan, or patterns by name")
    values = document.get("planned_values", document.get("values"))
    if "terraform_version" in document and isinstance(values, Mapping):
        return [
            rule for resource in _resources(values.get("root_module", {})) for rule in _rule(resource, bus)
        ]
    if not all(isinstance(pattern, Mapping | str) for pattern in document.values()):
        raise RejectedError("the rules are no plan, and not every value is a pattern")
    return [Rule(name, pattern) for name, pattern in document.items()]


def _resources(module: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from module.get("resources", [])
    for child in module.get("child_modules", []):
        yield from _resources(child)


def _rule(resource: Mapping[str, Any], bus: str) -> Iterator[Rule]:
    """Give the rule that a resource is, if it is one of the bus."""
    values = resource.get("values", {})
    if resource.get("type") != _TYPE or values.get("event_bus_name", bus) != bus:
        return
    if values.get("event_pattern") and not _is_copy(values.get("description")):
        yield Rule(values["name"], values["event_pattern"], values.get("state") != "DISABLED")


def _is_copy(description: str | None) -> bool:
    return (description or "").startswith(_COPIES)
