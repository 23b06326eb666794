"""`fsxn events rules`: which rules overlap, and which can never match."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from fsxn_runtime.cli.console import Exit, say
from fsxn_runtime.cli.redrive import add_prefix
from fsxn_runtime.edge.clients import client
from fsxn_runtime.errors import RejectedError
from fsxn_runtime.routing import Finding, Kind, Rule, check, rules_of_bus, rules_of_document


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the group `events`."""
    parser = commands.add_parser(
        "rules",
        help="check the rules of workloads: which overlap, which can never match",
        description=(
            "Say which rules can match the same event, with an example, and which can match no event of this "
            "platform. Rules are read from the bus, from a plan (terraform show -json tfplan), or from an "
            "object of patterns by name (terraform output -json routing_rules). Exit status 1 when there is "
            "something to say."
        ),
    )
    parser.add_argument("file", nargs="?", metavar="FILE", help="JSON with the rules, - for standard input")
    parser.add_argument("--bus", metavar="NAME", help="the bus (PREFIX-events)")
    parser.add_argument(
        "--overlap-ok",
        action="store_true",
        help="do not report overlaps: several workloads may take one file",
    )
    add_prefix(parser)
    parser.add_argument("--json", action="store_true", help="everything as one JSON object")
    parser.set_defaults(run=_rules)


def _rules(arguments: argparse.Namespace) -> Exit:
    bus = arguments.bus or f"{arguments.prefix}-events"
    if arguments.file is None:
        rules = rules_of_bus(client("events"), bus)
    else:
        rules = rules_of_document(_read(arguments.file), bus)
    findings = [f for f in check(rules) if not (arguments.overlap_ok and f.kind is Kind.OVERLAP)]
    if arguments.json:
        say(
            json.dumps({"rules": [_row(rule) for rule in rules], "findings": [_finding(f) for f in findings]})
        )
    else:
        _print(rules, findings)
    return Exit.FINDING if findings else Exit.OK


def _read(name: str) -> str:
    try:
        return sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8")
    except OSError as exc:
        raise RejectedError(f"cannot read {name}: {exc.strerror}") from exc
    except UnicodeDecodeError as exc:
        raise RejectedError(f"cannot read {name}: it is not UTF-8 ({exc})") from exc


def _row(rule: Rule) -> dict[str, object]:
    return {"name": rule.name, "enabled": rule.is_enabled}


def _finding(finding: Finding) -> dict[str, object]:
    return {
        "kind": finding.kind,
        "rules": list(finding.rules),
        "text": finding.text,
        "example": finding.example,
    }


def _print(rules: list[Rule], findings: list[Finding]) -> None:
    disabled = [rule.name for rule in rules if not rule.is_enabled]
    for finding in findings:
        shown = "" if finding.example is None else f", such as {json.dumps(finding.example['detail'])}"
        say(f"{finding.kind}: {' and '.join(finding.rules)}: {finding.text}{shown}")
    note = f" ({', '.join(disabled)} disabled: a workload that polls alone, or by hand)" if disabled else ""
    say(f"{len(rules)} rules{note}, {len(findings)} findings")
