"""CloudWatch's rules for metric alarms: from the points of a series to OK, ALARM or INSUFFICIENT_DATA. Pure.

Source: CloudWatch user guide, "Configuring how CloudWatch alarms treat missing data" and "Percentile-based
alarms and low data samples"; their tables are tests/data/slo/. Where the guide is silent, the reading that
was taken is said at its line.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final

# How many periods more than it evaluates an alarm looks back for points that exist. The guide's example looks
# at five for three, and says that the number depends on the period; for other alarms two more is a guess.
EXTRA_PERIODS: Final = 2


class AlarmState(StrEnum):
    """The states of an alarm, in CloudWatch's words."""

    OK = "OK"
    ALARM = "ALARM"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"


class MissingData(StrEnum):
    """What a missing point is taken for (TreatMissingData)."""

    MISSING = "missing"
    IGNORE = "ignore"
    BREACHING = "breaching"
    NOT_BREACHING = "notBreaching"


class Comparison(StrEnum):
    """When a point breaches (ComparisonOperator)."""

    GREATER_OR_EQUAL = "GreaterThanOrEqualToThreshold"
    GREATER = "GreaterThanThreshold"
    LESS = "LessThanThreshold"
    LESS_OR_EQUAL = "LessThanOrEqualToThreshold"


_COMPARE: Final[Mapping[Comparison, Callable[[float, float], bool]]] = {
    Comparison.GREATER_OR_EQUAL: operator.ge,
    Comparison.GREATER: operator.gt,
    Comparison.LESS: operator.lt,
    Comparison.LESS_OR_EQUAL: operator.le,
}


@dataclass(frozen=True, slots=True)
class AlarmRule:
    """What an alarm asks of a series: M (`datapoints_to_alarm`) of N (`evaluation_periods`) points breach.

    `least_samples`: with fewer in the newest period the state does not change; 0: it always may.
    """

    comparison: Comparison
    threshold: float
    evaluation_periods: int
    datapoints_to_alarm: int
    missing_data: MissingData = MissingData.MISSING
    least_samples: int = 0

    @property
    def evaluation_range(self) -> int:
        """How many of the newest periods are looked at."""
        return self.evaluation_periods + EXTRA_PERIODS

    def breaches(self, value: float) -> bool:
        """Say whether one point is on the wrong side of the threshold."""
        return _COMPARE[self.comparison](value, self.threshold)


def evaluate(
    rule: AlarmRule,
    points: Sequence[float | None],
    current: AlarmState = AlarmState.INSUFFICIENT_DATA,
    newest_samples: int | None = None,
) -> AlarmState:
    """Give the state after one evaluation; `current` is the one before it (a new alarm has no data yet).

    `points`: one per period, oldest first, None where nothing was published; what is older than the
    evaluation range is not looked at. `newest_samples`: samples of the newest period, for a percentile.
    """
    if newest_samples is not None and newest_samples < rule.least_samples:
        return current
    in_range = list(points)[-rule.evaluation_range :]
    real = [rule.breaches(point) for point in in_range if point is not None]
    if len(real) >= rule.evaluation_periods:
        return _state(rule, sum(real[-rule.evaluation_periods :]))
    filled = rule.evaluation_periods - len(real)
    match rule.missing_data:
        case MissingData.BREACHING:
            return _state(rule, sum(real) + filled)
        case MissingData.NOT_BREACHING:
            return _state(rule, sum(real))
    return _without_filling(rule, in_range, real, current)


def _without_filling(
    rule: AlarmRule, in_range: Sequence[float | None], real: Sequence[bool], current: AlarmState
) -> AlarmState:
    """Decide by fewer points than the alarm evaluates, when missing ones stand for nothing."""
    if sum(real) >= rule.datapoints_to_alarm:
        return AlarmState.ALARM
    if not all(real):
        return AlarmState.OK
    if rule.missing_data is MissingData.IGNORE:
        return current
    # Only breaching points, fewer than M. The guide: the alarm is raised when the oldest of them is at least
    # as old as M, and not before, because the next point may be good.
    oldest = next((age for age in range(len(in_range), 0, -1) if in_range[-age] is not None), 0)
    # Younger than M: the guide says that it is not raised; an earlier edition's table has this state.
    return AlarmState.ALARM if oldest >= rule.datapoints_to_alarm else AlarmState.INSUFFICIENT_DATA


def _state(rule: AlarmRule, breaching: int) -> AlarmState:
    return AlarmState.ALARM if breaching >= rule.datapoints_to_alarm else AlarmState.OK


def least_samples(statistic: str) -> int:
    """Give the samples below which an alarm with `evaluate_low_sample_count_percentiles = "ignore"` waits.

    `statistic` is a percentile such as p99 (1,000 samples); for any other statistic 0. CloudWatch counts them
    in "the evaluation period"; taken for the newest period, as the API reference says ("during periods with
    too few data points").
    """
    if not is_percentile(statistic):
        return 0
    percent = Decimal(statistic[1:])
    tail = min(percent, 100 - percent)
    return int(Decimal(1000) / tail) if tail else 0


def is_percentile(statistic: str) -> bool:
    """Say whether CloudWatch takes this statistic as an extended one: p and a number, as p99 or p99.9."""
    number = statistic.removeprefix("p")
    return statistic.startswith("p") and number.replace(".", "", 1).isdigit()
