"""What a cost estimate is made of: traffic, configuration, quantities, prices, lines.

Amounts and money are `Decimal`: a sum of many small prices must be the sum. Money is USD.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from types import MappingProxyType
from typing import Final

SHARED: Final = "shared"  # the workload of what serves all of them, as the tag Workload says it
ONE: Final = Decimal(1)
ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class WorkloadTraffic:
    """What one workload gets and does.

    event_share: share of all notifications that its rule takes, 0 to 1.
    events_per_version: notifications for one file version, 1 or more: a create and a write are two.
    final_share: share of versions that are still there when the starter looks; the rest is superseded.
    delete_share: share of the notifications, and of the versions, that tell of a deletion: nothing is read.
    retries_per_version: executions beyond the first for a version, on average.
    resettles_per_version: times that a version is still being written and its message waits once more.
    process_*: one run of the process function: seconds, memory in MiB, S3 writes and reads, DynamoDB write
    units (those of its lineage record included).
    listed_files: files that one polling run lists.
    """

    event_share: Decimal = ONE
    events_per_version: Decimal = Decimal(2)
    final_share: Decimal = ONE
    delete_share: Decimal = ZERO
    retries_per_version: Decimal = ZERO
    resettles_per_version: Decimal = ZERO
    process_seconds: Decimal = ONE
    process_memory_mb: Decimal = Decimal(512)
    process_puts: Decimal = ONE
    process_reads: Decimal = Decimal(2)
    process_write_units: Decimal = Decimal(5)
    listed_files: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Profile:
    """The traffic of a period.

    hours: length of the period; a month has 730.
    events: notifications that ONTAP sends in the period.
    busy_events_per_second: how fast they come while they come: it says how full batches are.
    event_bytes: size of one event as JSON.
    replayed_share: share of events that arrive once more: replays, guard policies, redelivery.
    *_seconds, log_bytes_per_invocation: how long functions run, what they log: assumptions until measured.
    """

    hours: Decimal
    events: Decimal
    busy_events_per_second: Decimal
    workloads: Mapping[str, WorkloadTraffic]
    event_bytes: Decimal = Decimal(1200)
    replayed_share: Decimal = ZERO
    route_seconds_per_event: Decimal = Decimal("0.02")
    start_seconds_per_message: Decimal = Decimal("0.1")
    finish_seconds: Decimal = Decimal("0.2")
    scheduled_seconds: Decimal = ONE
    log_bytes_per_invocation: Decimal = Decimal(1500)


@dataclass(frozen=True, slots=True)
class Mapped:
    """How Lambda reads a queue: messages of a batch at most, seconds that it waits for more."""

    batch_size: Decimal
    window_seconds: Decimal


@dataclass(frozen=True, slots=True)
class WorkloadConfiguration:
    """One workload as it is deployed. Memory in MiB."""

    starter: Mapped = Mapped(Decimal(10), ZERO)
    starter_memory_mb: Decimal = Decimal(256)
    finisher_memory_mb: Decimal = Decimal(256)
    process_memory_mb: Decimal | None = None
    polls_per_hour: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Standing:
    """A thing that costs by being there: how many, of what, for which workload.

    price: key of its price; `hourly` prices count hours, others months.
    """

    name: str
    workload: str
    count: Decimal
    price: str
    hourly: bool = False


@dataclass(frozen=True, slots=True)
class Scheduled:
    """Runs of functions by a clock."""

    workload: str
    runs_per_hour: Decimal
    memory_mb: Decimal


@dataclass(frozen=True, slots=True)
class Configuration:
    """What is deployed. The defaults are those of the modules, without anything that costs by being there."""

    router: Mapped = Mapped(Decimal(100), ONE)
    router_memory_mb: Decimal = Decimal(256)
    server_tasks: Decimal = ONE
    linger_seconds: Decimal = Decimal("0.05")
    archive_days: Decimal = Decimal(14)
    architecture: str = "arm64"
    workloads: Mapping[str, WorkloadConfiguration] = field(default_factory=lambda: MappingProxyType({}))
    standing: tuple[Standing, ...] = ()
    scheduled: tuple[Scheduled, ...] = ()
    canary_runs_per_hour: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Quantity:
    """How much of one thing the period uses. `by_traffic`: more files, more of it."""

    name: str
    workload: str
    amount: Decimal
    unit: str
    formula: str
    price: str
    by_traffic: bool = True


@dataclass(frozen=True, slots=True)
class Price:
    """`usd` for each `per` units, where it was read, and that page's date ("" when it has none)."""

    usd: Decimal
    per: Decimal
    unit: str
    source: str
    dated: str

    def cost(self, amount: Decimal) -> Decimal:
        """Give the cost of an amount in USD."""
        return amount * self.usd / self.per


@dataclass(frozen=True, slots=True)
class PriceList:
    """Prices of one Region by key. Free tiers and volume discounts are left out."""

    region: str
    as_of: str
    prices: Mapping[str, Price]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of an estimate: a quantity, its price, what both make."""

    quantity: Quantity
    price: Price
    usd: Decimal

    @property
    def formula(self) -> str:
        """How the cost comes about, in full."""
        per = "" if self.price.per == ONE else f" / {self.price.per:,f}"
        return f"({self.quantity.formula}) x {plain(self.price.usd)}{per}"

    def to_dict(self) -> dict[str, str | bool]:
        """As JSON shows it; numbers as text, because JSON's would be rounded."""
        return {
            "workload": self.quantity.workload,
            "quantity": self.quantity.name,
            "amount": plain(self.quantity.amount),
            "unit": self.quantity.unit,
            "usd": plain(self.usd),
            "formula": self.formula,
            "by_traffic": self.quantity.by_traffic,
            "source": self.price.source,
            "dated": self.price.dated,
        }


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a period costs: the lines, their sums, and what a million file versions of a workload cost."""

    region: str
    as_of: str
    hours: Decimal
    lines: tuple[Line, ...]
    per_million_versions: Mapping[str, Decimal]

    @property
    def usd(self) -> Decimal:
        """Everything together."""
        return sum((line.usd for line in self.lines), ZERO)

    @property
    def by_workload(self) -> dict[str, Decimal]:
        """The sums of the workloads; what serves all is `shared`."""
        found: dict[str, Decimal] = {}
        for line in self.lines:
            found[line.quantity.workload] = found.get(line.quantity.workload, ZERO) + line.usd
        return found

    def to_dict(self) -> dict[str, object]:
        """Everything but the lines, as JSON shows it."""
        return {
            "region": self.region,
            "as_of": self.as_of,
            "hours": plain(self.hours),
            "usd": plain(self.usd),
            "by_workload": {name: plain(usd) for name, usd in self.by_workload.items()},
            "per_million_versions": {name: plain(usd) for name, usd in self.per_million_versions.items()},
        }


@dataclass(frozen=True, slots=True)
class Comparison:
    """What was estimated beside what was counted; `ratio` is counted to estimated, None when that is 0."""

    workload: str
    quantity: str
    unit: str
    estimated: Decimal
    counted: Decimal

    @property
    def ratio(self) -> Decimal | None:
        """Counted for each one estimated."""
        return self.counted / self.estimated if self.estimated else None

    def to_dict(self) -> dict[str, str | None]:
        """As JSON shows it; numbers as text."""
        return {
            "workload": self.workload,
            "quantity": self.quantity,
            "unit": self.unit,
            "estimated": plain(self.estimated),
            "counted": plain(self.counted),
            "ratio": None if self.ratio is None else f"{self.ratio:.4f}",
        }


def plain(number: Decimal) -> str:
    """Write a number without exponent and without empty places: 25, 0.0000133334."""
    text = f"{number:.10f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
