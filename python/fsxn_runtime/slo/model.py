"""What objectives are, and what is found of them. Times are whole seconds since 1970 UTC."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class SloTarget:
    """One objective: `statistic` of `metric` in `period_seconds` is `comparison` than `threshold`, strictly.

    Violated when that fails in `periods` periods in a row. `missing_data` is what the alarm takes a silent
    period for, in CloudWatch's words. `objective_pct` is the share of periods that must be good; None: the
    metric is 100 or 0 for each sample, so that the threshold itself is the share of samples.
    """

    name: str
    metric: str
    statistic: str
    comparison: str  # less, greater
    threshold: float
    period_seconds: int
    periods: int
    missing_data: str
    objective_pct: float | None = None

    @property
    def required_pct(self) -> float:
        """The share, of periods or of samples, that the error budget leaves room beside."""
        return self.threshold if self.objective_pct is None else self.objective_pct

    def is_good(self, value: float) -> bool:
        """Say whether one period meets the objective."""
        return value < self.threshold if self.comparison == "less" else value > self.threshold

    def to_dict(self) -> dict[str, object]:
        """Give plain JSON values."""
        return asdict(self)

    def is_worse(self, value: float, other: float) -> bool:
        """Say whether `value` is further on the wrong side than `other`."""
        return value > other if self.comparison == "less" else value < other


@dataclass(frozen=True, slots=True)
class BurnRate:
    """One pair of windows: burning when both use up the budget more than `rate` times as fast as it lasts."""

    name: str
    rate: float
    long_seconds: int
    short_seconds: int


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The objectives in force, where they were read, and how budgets are counted."""

    origin: str
    namespace: str
    targets: Mapping[str, SloTarget]
    budget_days: int
    burn_rates: Mapping[str, BurnRate]


@dataclass(frozen=True, slots=True)
class Point:
    """The value of one period, by the period's start. `samples` where they were asked for."""

    time: int
    value: float
    samples: float = 1.0


class SloState(StrEnum):
    """What can be said of an objective."""

    MET = "met"
    VIOLATED = "violated"
    UNDECIDED = "undecided"  # fewer points than the alarm needs, and none of them good
    NO_DATA = "no_data"


@dataclass(frozen=True, slots=True)
class SloResult:
    """One objective now. `value` is the newest period's, None without data; `value_at` its start."""

    slo_name: str
    state: SloState
    value: float | None
    value_at: int | None
    threshold: float

    @property
    def met(self) -> bool | None:
        """True or False; None when the data does not say."""
        return {SloState.MET: True, SloState.VIOLATED: False}.get(self.state)

    def to_dict(self) -> dict[str, object]:
        """Give plain JSON values."""
        return {**asdict(self), "met": self.met}


@dataclass(frozen=True, slots=True)
class Burn:
    """How fast the budget was used in both windows of a pair; None: nothing was measured there."""

    name: str
    rate: float
    long: float | None
    short: float | None
    burning: bool


@dataclass(frozen=True, slots=True)
class Budget:
    """How much of an objective's error budget the last `days` days used.

    `unit` is what is counted: periods of the window (silent ones are good), or samples. Shares are percent;
    None when nothing was measured.
    """

    slo_name: str
    days: int
    unit: str
    required_pct: float
    bad_pct: float | None
    consumed_pct: float | None
    burns: Sequence[Burn]

    @property
    def is_spent(self) -> bool:
        """Say whether nothing is left, or would soon be."""
        return (self.consumed_pct or 0.0) >= 100.0 or any(burn.burning for burn in self.burns)

    def to_dict(self) -> dict[str, object]:
        """Give plain JSON values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Attainment:
    """How one objective fared over a period of `seconds`.

    `bad_pct` is the bad share of periods (silent ones are good) or of samples, and `used_pct` what that is of
    the share that may be bad. `worst` is the value furthest on the wrong side, `worst_at` its period's start.
    All are None when nothing was measured.
    """

    slo_name: str
    seconds: int
    period_seconds: int
    required_pct: float
    bad_pct: float | None
    used_pct: float | None
    worst: float | None
    worst_at: int | None

    @property
    def kept(self) -> bool | None:
        """Say whether no more was bad than may be; None when nothing was measured."""
        return None if self.used_pct is None else self.used_pct <= 100.0 + 1e-9

    def to_dict(self) -> dict[str, object]:
        """Give plain JSON values."""
        return {**asdict(self), "kept": self.kept}
