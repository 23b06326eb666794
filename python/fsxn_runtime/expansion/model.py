"""What expansion knows: requests, file systems and volumes as FSx shows them, plans, operations.

Sizes are MiB, in which FSx counts volumes; a file system's GiB are converted where they are read and written.
Times are microseconds since 1970.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

MIB_PER_GIB: Final = 1024


class Kind(StrEnum):
    """What can grow."""

    FILE_SYSTEM = "file_system"
    VOLUME = "volume"


# The guardrail's action types.
ACTION_TYPES: Final[Mapping[Kind, str]] = MappingProxyType(
    {Kind.FILE_SYSTEM: "file_system_grow", Kind.VOLUME: "volume_grow"}
)


class Level(StrEnum):
    """How far expansion goes on its own (EXPANSION_LEVEL)."""

    REPORT = "report"
    PROPOSE = "propose"
    ACT = "act"


class Outcome(StrEnum):
    """What came of a request or an operation (a metric dimension)."""

    IGNORED = "ignored"  # an event that asks for nothing
    NOTHING = "nothing"  # there is space enough
    WAITING = "waiting"  # FSx takes no update now
    REPORTED = "reported"  # a person must see it
    PROPOSED = "proposed"
    APPROVED = "approved"  # a person said yes; it begins at once
    REJECTED = "rejected"
    DENIED = "denied"  # by the guardrail
    STARTED = "started"
    COMPLETED = "completed"
    FAILED = "failed"


class Why(StrEnum):
    """Why nothing grows, or what grows instead."""

    NONE = ""
    ENOUGH_SPACE = "enough_space"
    NO_DATA = "no_utilisation_data"
    NOT_AVAILABLE = "resource_not_available"
    UPDATE_RUNNING = "update_running"
    SIX_HOURS = "within_six_hours"
    AUTOSIZE = "autosize_on"
    AT_MAXIMUM = "at_maximum"
    SSD_FULL = "ssd_tier_full"
    OPERATION_OPEN = "operation_open"
    REFUSED = "rejected_by_a_person"
    REPORT_ONLY = "level_is_report"
    STALE = "proposal_is_stale"
    UNKNOWN = "operation_unknown"
    DRY = "dry_run"


@dataclass(frozen=True, slots=True)
class Request:
    """Somebody asks to look at one resource. `request_id` is the same on every repetition."""

    cause: str  # alarm, forecast, check, request
    request_id: str
    file_system_id: str
    volume_id: str = ""
    growth_gb_per_day: float = 0.0

    @property
    def resource_id(self) -> str:
        """Give the id of what is asked about."""
        return self.volume_id or self.file_system_id


@dataclass(frozen=True, slots=True)
class Update:
    """An administrative action of FSx. `target_mib` is the size it leads to; 0 when it is about no size."""

    action: str
    status: str
    requested_us: int
    target_mib: int = 0
    message: str = ""


@dataclass(frozen=True, slots=True)
class Resource:
    """A file system or volume as FSx describes it."""

    kind: Kind
    resource_id: str
    arn: str
    name: str
    file_system_id: str
    lifecycle: str
    size_mib: int
    updates: tuple[Update, ...] = ()
    uuid: str = ""  # of a volume at ONTAP
    is_autosized: bool | None = None  # whether ONTAP grows it by itself; None: not asked


@dataclass(frozen=True, slots=True)
class Policy:
    """How much to grow. `target_pct` is the utilisation aimed at, `lead_days` how far growth is foreseen.

    `ssd_limit_pct`: above it a volume is not grown, because that makes no space.
    """

    threshold_pct: int
    target_pct: int
    lead_days: int
    ssd_limit_pct: int
    max_file_system_gb: int
    max_volume_gb: int
    autosized: frozenset[str]


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do about a request. `outcome` is STARTED for a growth that may begin."""

    outcome: Outcome
    why: Why
    resource: Resource
    used_pct: float | None
    to_mib: int = 0

    @property
    def grow_gb(self) -> float:
        """Give the growth in GiB."""
        return max(self.to_mib - self.resource.size_mib, 0) / MIB_PER_GIB


@dataclass(frozen=True, slots=True)
class Operation:
    """One growth: proposed, running or ended. `action_id` is the guardrail's and FSx's idempotency key."""

    operation_id: str
    outcome: Outcome
    kind: Kind
    resource_id: str
    file_system_id: str
    arn: str
    from_mib: int
    to_mib: int
    cause: str
    request_id: str
    action_id: str
    created_us: int
    reason: str = ""
    actor: str = ""
    guardrail_mode: str = ""  # of the guardrail that was asked when it started
    link_hash: str = ""  # of the last approval link's token

    @property
    def grow_gb(self) -> float:
        """Give the growth in GiB."""
        return (self.to_mib - self.from_mib) / MIB_PER_GIB


@dataclass(frozen=True, slots=True)
class Answer:
    """What was done about a request."""

    outcome: Outcome
    why: str
    resource_id: str
    operation_id: str = ""

    def to_dict(self) -> dict[str, str]:
        """Give it as the function answers."""
        return {
            "outcome": str(self.outcome),
            "reason": str(self.why),
            "resource_id": self.resource_id,
            "operation_id": self.operation_id,
        }
