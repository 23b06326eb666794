"""Approval by link: who may decide about a proposal with which link. Pure.

A link is the proposal's id and a random token of 256 bits; only the token's SHA-256 is kept, on the
operation's item. It is good once, for as long as the proposal.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from fsxn_runtime.expansion.core import PROPOSAL_US
from fsxn_runtime.expansion.model import Operation, Outcome, Why

TOKEN_BYTES: Final = 32
# An operation's id (core.operation_of), and 32 bytes in URL-safe base64 without padding.
_PATH: Final = re.compile(r"/([0-9a-f]{12})/([A-Za-z0-9_-]{43})")
# The whole form is one short field; anything longer is not ours.
_FORM: Final = {"decision=approve": "approve", "decision=reject": "reject"}


class Decision(StrEnum):
    """What a person may say about a proposal."""

    APPROVE = "approve"
    REJECT = "reject"


class LinkState(StrEnum):
    """What a link is good for (a metric dimension)."""

    OPEN = "open"
    USED = "used"
    EXPIRED = "expired"
    UNKNOWN = "unknown"  # cut off, tampered with, or replaced by a newer one


@dataclass(frozen=True, slots=True)
class Approval:
    """A proposal while it waits for a person. `task_token` is Step Functions' and stays in the table."""

    operation: Operation
    task_token: str = ""
    decision: str = ""
    decided_us: int = 0

    def __repr__(self) -> str:
        """Leave the task token out: this may end up in a log."""
        return f"Approval({self.operation.operation_id}, decision={self.decision!r})"


def hash_of(token: str) -> str:
    """Give what is kept of a link's token."""
    return hashlib.sha256(token.encode()).hexdigest()


def link_of(base_url: str, operation_id: str, token: str) -> str:
    """Write a link as `parts_of` reads it."""
    return f"{base_url.rstrip('/')}/{operation_id}/{token}"


def parts_of(path: str) -> tuple[str, str] | None:
    """Take operation id and token out of a path; None for any other path."""
    found = _PATH.fullmatch(path)
    return (found[1], found[2]) if found else None


def decision_of(form: str) -> Decision | None:
    """Read the page's form; None for anything else."""
    found = _FORM.get(form)
    return Decision(found) if found else None


def state_of(approval: Approval | None, token: str, now_us: int) -> LinkState:
    """Say what a link is good for now. Without the right token nothing is told of the proposal."""
    if approval is None or not hmac.compare_digest(approval.operation.link_hash, hash_of(token)):
        return LinkState.UNKNOWN
    operation = approval.operation
    if operation.outcome is Outcome.REJECTED and operation.reason == Why.STALE:
        return LinkState.EXPIRED
    if operation.outcome is not Outcome.PROPOSED or approval.decision:
        return LinkState.USED
    return LinkState.EXPIRED if now_us - operation.created_us >= PROPOSAL_US else LinkState.OPEN
