"""What a preflight looks at, and what it says of each thing."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from fsxn_runtime.diagnose.facts import Facts


class Verdict(StrEnum):
    """What is known of one thing."""

    OK = "ok"
    FINDING = "finding"
    UNKNOWN = "not known"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing: what was seen, and for a finding what to do, for what is not known how to find out."""

    name: str
    verdict: Verdict
    says: str
    todo: str = ""


@dataclass(frozen=True, slots=True)
class Inputs:
    """What Terraform is given (the roots' variables); "" or () where it was not said."""

    file_system_id: str = ""
    svms: tuple[str, ...] = ()
    vpc_id: str = ""
    subnet_ids: tuple[str, ...] = ()
    source_group_ids: tuple[str, ...] = ()
    management_addresses: tuple[str, ...] = ()
    server_port: int = 9898


def unknown(name: str, facts: Facts, part: str, todo: str) -> Check:
    """Say that a part was not read, and why."""
    fact = facts.get(part)
    why = " ".join(fact.why_not.split()) if fact and fact.why_not else "it was not asked"
    return Check(name, Verdict.UNKNOWN, why, todo)
