"""Beside what each alarm does in silence, and when it is OK again, stands why."""

from __future__ import annotations

import re

import pytest

from tests.structure.source_tree import ROOT
from tests.structure.test_documents import named

FILES = sorted(
    path
    for path in (ROOT / "modules").rglob("*.tf")
    if re.search(r'resource "aws_cloudwatch_(metric|composite)_alarm"', path.read_text())
)
ALARM = re.compile(
    r'^resource "aws_cloudwatch_(metric|composite)_alarm" "(\w+)" \{$(.*?)^\}$', re.MULTILINE | re.DOTALL
)
CHOICE = re.compile(r"^ +(treat_missing_data|ok_actions|missing) += (.+)$", re.MULTILINE)
# Choices that an alarm must state. The windows of error budgets have no actions at all.
STATED = {"metric": {"treat_missing_data", "ok_actions"}, "composite": {"ok_actions"}}
WITHOUT_ACTIONS = {"window"}


def without_reason(text: str) -> list[str]:
    """The lines that choose and have no comment of at least two words."""
    return [match[0].strip() for match in CHOICE.finditer(text) if not re.search(r"# \S+ \S+", match[2])]


def unstated(text: str) -> list[str]:
    """Alarms that leave a choice to CloudWatch."""
    found = []
    for kind, name, body in ALARM.findall(text):
        stated = {match[1] for match in CHOICE.finditer(body)}
        wanted = STATED[kind] - ({"ok_actions"} if name in WITHOUT_ACTIONS else set())
        found += [f"{name}: {choice}" for choice in sorted(wanted - stated)]
    return found


@pytest.mark.parametrize("file", FILES, ids=named)
def test_every_choice_of_an_alarm_is_made_and_has_its_reason_beside_it(file) -> None:
    text = file.read_text()
    assert (unstated(text), without_reason(text)) == ([], [])


def test_a_choice_without_a_reason_and_an_alarm_without_a_choice_are_found() -> None:
    alarm = 'resource "aws_cloudwatch_metric_alarm" "this" {\n  treat_missing_data = "missing"\n}\n'
    assert unstated(alarm) == ["this: ok_actions"]
    assert without_reason(alarm) == ['treat_missing_data = "missing"']
