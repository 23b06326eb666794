"""Which events are whose: event patterns, matched here as the bus does it, and what sets of rules mean."""

from fsxn_runtime.routing.pattern import Pattern, parse_pattern
from fsxn_runtime.routing.rules import Finding, Kind, Rule, check
from fsxn_runtime.routing.source import rules_of_bus, rules_of_document

__all__ = [
    "Finding",
    "Kind",
    "Pattern",
    "Rule",
    "check",
    "parse_pattern",
    "rules_of_bus",
    "rules_of_document",
]
