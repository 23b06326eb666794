"""What a dead letter is, and whether it may go back. Pure.

Who put it there is told by its attributes: `reason` from our functions, ERROR_CODE from EventBridge, which
could not deliver (EventBridge guide, dead-letter queues), nothing from SQS, after too many receives.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from fsxn_runtime.redrive.model import Choice, Fate, Judgement, Kind, Letter, Outcome

# How the finisher says that executions failed: Step Functions' statuses, and what a person had to put right.
# Its `rejected` is not among them: the input was wrong and is wrong still.
FAILED_EXECUTIONS: Final = frozenset({"aborted", "failed", "misconfigured", "timed_out"})
RECEIVED_TOO_OFTEN: Final = "received_too_often"


def judge(kind: Kind, letter: Letter) -> Judgement:
    """Say what a letter is and whether it may go back."""
    document = _document(letter.body)
    reason, fate = _reason(kind, letter.attributes, document)
    event = document.get("detail", document)
    event = event if isinstance(event, Mapping) else {}
    failure = document.get("failure")
    failure = failure if isinstance(failure, Mapping) else {}
    attempt = failure.get("attempt")
    return Judgement(
        reason=reason,
        fate=fate,
        file_path=_text(event, "file_path"),
        event_id=_text(event, "event_id"),
        work_key=_text(failure, "work_key"),
        attempt=attempt if isinstance(attempt, int) else None,
        error=_text(failure, "error"),
    )


def _reason(kind: Kind, attributes: Mapping[str, str], document: Mapping[str, Any]) -> tuple[str, Fate]:
    given = attributes.get("reason")
    if kind is Kind.QUARANTINE:
        if given is not None and "source_message_id" in attributes:
            return given, Fate.ON_REQUEST  # the router's: the queue message as it came
        return _text(document, "reason") or "unknown", Fate.NEVER  # the server's: bytes of FPolicy, no event
    if given is not None:
        return given, Fate.REDRIVE if given in FAILED_EXECUTIONS else Fate.ON_REQUEST
    return attributes.get("ERROR_CODE", RECEIVED_TOO_OFTEN).lower(), Fate.REDRIVE


def outcome(judgement: Judgement, choice: Choice) -> Outcome:
    """Say what is done with a letter. A reason that is asked for is enough, but for what never goes back."""
    if judgement.fate is Fate.NEVER:
        return Outcome.NOT_POSSIBLE
    is_wanted = judgement.reason in choice.reasons if choice.reasons else judgement.fate is Fate.REDRIVE
    if not is_wanted:
        return Outcome.NOT_CHOSEN
    return Outcome.REDRIVEN if choice.execute else Outcome.LISTED


def _document(body: str) -> Mapping[str, Any]:
    """Read a body; what is no object (it may be why it lies here) has nothing to tell."""
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, Mapping) else {}


def _text(found: Mapping[str, Any], name: str) -> str:
    value = found.get(name)
    return value if isinstance(value, str) else ""
