"""What is known about one access point, and what follows from it.

"" or None in the evidence means "not known": why is in `unread`, by the name of the call.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Layer(StrEnum):
    """What a call passes, in this order."""

    NAME = "name"
    ATTACHMENT = "attachment"
    VOLUME = "volume"
    NETWORK = "network origin"
    ACCESS_POINT_POLICY = "access point policy"
    IDENTITY_POLICY = "identity policy"
    ENDPOINT_POLICY = "endpoint policy"
    FILE_SYSTEM = "file system"
    SERVICE = "service"


class State(StrEnum):
    """What was found at a layer."""

    OK = "ok"
    REFUSES = "refuses"
    UNREACHABLE = "unreachable"  # nothing can be said, because no answer comes
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Target:
    """The access point as somebody named it: one of the three is set."""

    name: str = ""
    alias: str = ""
    arn: str = ""

    @property
    def text(self) -> str:
        """Give what was named."""
        return self.arn or self.alias or self.name


@dataclass(frozen=True, slots=True)
class Attachment:
    """What FSx says of the access point. `vpc_id` "" is Internet origin."""

    name: str
    alias: str
    arn: str
    lifecycle: str
    reason: str
    volume_id: str
    vpc_id: str
    identity: str  # "UNIX reader"


@dataclass(frozen=True, slots=True)
class Volume:
    """The volume behind it. `is_in_domain`: its SVM is joined to an Active Directory."""

    lifecycle: str
    junction_path: str
    is_in_domain: bool | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """One call through the access point: `reason` "" is success, else one of `edge.access_point_errors`."""

    operation: str
    reason: str = ""
    said: str = ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything that was read and tried. `caller_vpc`: "" not known, "outside", or the id of a VPC."""

    target: str
    calls: tuple[Call, ...]
    attachment: Attachment | None = None
    volume: Volume | None = None
    caller_vpc: str = ""
    policy_denials: tuple[str, ...] | None = None  # ids of Deny statements; None: the policy was not read
    identity: str = ""  # whose identity policies were simulated
    is_caller: bool = True  # whether the calls were made under that identity
    decisions: Mapping[str, str] = field(default_factory=dict)  # action -> IAM's decision
    unread: Mapping[str, str] = field(default_factory=dict)  # call -> why it gave nothing


@dataclass(frozen=True, slots=True)
class Step:
    """One layer's finding: what was seen, and what to do about it ("" when nothing)."""

    layer: Layer
    state: State
    text: str
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """All layers in order, and the first that stands in the way; None when none does."""

    target: str
    steps: tuple[Step, ...]
    verdict: Step | None
