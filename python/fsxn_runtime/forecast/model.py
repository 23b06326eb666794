"""What a forecast is made from, and what it says. Times are days since 1970, as the methods count them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

GIB = 2**30  # names that end in _gb mean GiB; this is the one place that converts
US_PER_DAY = 86_400_000_000
# A century. Beyond it a number of days says nothing but "not in sight", and dates would leave the calendar.
HORIZON_DAYS = 36_500.0

Point = tuple[float, float]


class Kind(StrEnum):
    """What can become full."""

    SSD = "ssd"
    VOLUME = "volume"
    FILES = "files"  # inodes of a volume


class Outcome(StrEnum):
    """What came of one forecast. The set is closed: it is shown, stored and alarmed on."""

    FORECAST = "forecast"
    FULL = "full"
    NEARLY_FULL = "nearly_full"  # and no growth that would name a day
    NOT_GROWING = "not_growing"
    TOO_FEW_POINTS = "too_few_points"
    WINDOW_TOO_SHORT = "window_too_short"
    STALE = "stale"
    NO_CAPACITY = "no_capacity"


class Level(StrEnum):
    """What has been told about a resource."""

    CLEAR = "clear"
    WARNED = "warned"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class Resource:
    """One thing that can become full. `key` is its metric dimension and its key in the table."""

    kind: Kind
    key: str  # ssd, fsvol-..., fsvol-.../files
    name: str

    @property
    def unit(self) -> str:
        """Give the unit of usage and capacity."""
        return "files" if self.kind is Kind.FILES else "GiB"


@dataclass(frozen=True, slots=True)
class Usage:
    """What was read of one resource: at different times, oldest first; values in the resource's unit."""

    resource: Resource
    used: tuple[Point, ...]
    capacity: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class CapacityChange:
    """The capacity became another within the window; `at` is RFC 3339 UTC."""

    at: str
    before: float
    after: float


@dataclass(frozen=True, slots=True)
class Data:
    """What the forecast could look at."""

    point_count: int = 0
    window_days: float = 0.0
    coverage_pct: float = 0.0  # points there are, of those that an unbroken series would have
    longest_gap_hours: float = 0.0
    age_hours: float = 0.0  # of the last point


@dataclass(frozen=True, slots=True)
class Forecast:
    """When one resource will be full.

    `days_until_full` is -1 when there is no forecast (`outcome` says why), 0 when it is full or nearly so,
    and at most HORIZON_DAYS. `earliest_days` and `latest_days` hold the day with 90 % probability; None: not
    in sight. `method` predicted the held-back last days best; `errors` has the median error of each, in
    `unit`.
    """

    resource: Resource
    outcome: Outcome
    days_until_full: float
    forecast_date: str  # YYYY-MM-DD; "" without a day within the horizon
    current_usage_pct: float
    used: float
    capacity: float
    growth_per_day: float
    data: Data
    method: str = ""
    r_squared: float | None = None
    earliest_days: float | None = None
    latest_days: float | None = None
    errors: Mapping[str, float] | None = None
    capacity_changes: tuple[CapacityChange, ...] = ()

    @property
    def available(self) -> bool:
        """Say whether there is a number of days."""
        return self.outcome in (Outcome.FORECAST, Outcome.FULL, Outcome.NEARLY_FULL)

    def to_dict(self) -> dict[str, object]:
        """Give everything as JSON; sizes of space also under the names that end in _gb."""
        found = asdict(self)
        resource = found.pop("resource")
        sizes = {
            "total_capacity_gb": self.capacity,
            "growth_rate_gb_per_day": self.growth_per_day,
            "current_usage_gb": self.used,
        }
        is_space = self.resource.unit == "GiB"
        return {**resource, "unit": self.resource.unit, **found, **(sizes if is_space else {})}


def moment(days: float) -> datetime:
    """Turn days since 1970 into a time; the caller keeps them within the calendar."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=days)
