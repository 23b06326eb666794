"""Decide by points whether an objective is met, as its alarm does, and count its error budget. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from fsxn_runtime.slo.alarm_rules import AlarmRule, AlarmState, Comparison, MissingData, evaluate
from fsxn_runtime.slo.model import (
    Attainment,
    Budget,
    Burn,
    BurnRate,
    Point,
    SloResult,
    SloState,
    SloTarget,
)

# The alarm breaches where the objective is not met: at the threshold too.
_BREACHING: Final[Mapping[str, Comparison]] = {
    "less": Comparison.GREATER_OR_EQUAL,
    "greater": Comparison.LESS_OR_EQUAL,
}
# Binary fractions: 14.4 * 0.5 % * 60 must not be a hair below or above what it is on paper.
_ROUNDING: Final = 1e-9
_EVALUATION_SECONDS: Final = 60
_DAY: Final = 86_400
# For how many days CloudWatch keeps values of which length (CloudWatch user guide, metrics retention).
_KEPT: Final = ((15, 60), (63, 300), (455, 3600))
# Lengths that an eye knows; each is a whole number of those before it.
_DRAWN_SECONDS: Final = (60, 300, 900, 3600, 21_600, 86_400)
_DRAWN_POINTS: Final = 240  # of a series in a picture of half a page: two pixels each


def rule_of(target: SloTarget) -> AlarmRule:
    """Give the rule of the objective's alarm: every one of its periods in a row breaches."""
    return AlarmRule(
        comparison=_BREACHING[target.comparison],
        threshold=target.threshold,
        evaluation_periods=target.periods,
        datapoints_to_alarm=target.periods,
        missing_data=MissingData(target.missing_data),
    )


def evaluation_end(now: int) -> int:
    """Give the end of the last whole minute: a running one is not judged.

    An alarm is evaluated every minute, over periods that end then, not where those of the clock do
    (CloudWatch user guide, "Alarm evaluation window": a sliding window is the default).
    """
    return now - now % _EVALUATION_SECONDS


def by_period(
    target: SloTarget, points: Iterable[Point], end: int, count: int, period_seconds: int | None = None
) -> list[float | None]:
    """Put points into the `count` periods before `end`, oldest first. Their order does not matter.

    Of two points in one period the worse counts, so that the answer does not depend on which came first.
    """
    length = period_seconds or target.period_seconds
    places: list[float | None] = [None] * count
    for point in points:
        place = count - 1 - (end - 1 - point.time) // length
        if not 0 <= place < count:
            continue
        known = places[place]
        if known is None or target.is_worse(point.value, known):
            places[place] = point.value
    return places


def judge(target: SloTarget, points: Iterable[Point], end: int) -> SloResult:
    """Say whether the objective is met at `end`, the end of a minute, as its alarm would.

    No point in the periods that an alarm looks at is a state of its own, also where the alarm takes silence
    for good. As silence is never taken for bad, violated here and ALARM there are the same.
    """
    rule = rule_of(target)
    series = by_period(target, points, end, rule.evaluation_range)
    age = next((age for age in range(1, len(series) + 1) if series[-age] is not None), None)
    if age is None:
        return SloResult(target.name, SloState.NO_DATA, None, None, target.threshold)
    state = {
        AlarmState.OK: SloState.MET,
        AlarmState.ALARM: SloState.VIOLATED,
        AlarmState.INSUFFICIENT_DATA: SloState.UNDECIDED,
    }[evaluate(rule, series)]
    return SloResult(target.name, state, series[-age], end - age * target.period_seconds, target.threshold)


def is_finding(target: SloTarget, result: SloResult) -> bool:
    """Say whether a person must look: violated, or silent where silence is not normal."""
    silent = result.state in (SloState.NO_DATA, SloState.UNDECIDED)
    return result.state is SloState.VIOLATED or (silent and target.missing_data == MissingData.MISSING)


def bad_pct(
    target: SloTarget, points: Sequence[Point], end: int, seconds: int, period_seconds: int | None = None
) -> float | None:
    """Give the bad share, in percent, of the `seconds` before `end`; None when nothing was measured there.

    Of periods: those that do not meet the objective, of all periods of the window. Of samples: 100 less their
    average.
    """
    inside = [point for point in points if end - seconds <= point.time < end]
    if not inside:
        return None
    if target.objective_pct is None:
        samples = sum(point.samples for point in inside)
        return 100.0 - sum(point.value * point.samples for point in inside) / samples if samples else None
    length = period_seconds or target.period_seconds
    count = seconds // length
    values = by_period(target, inside, end, count, length)
    return 100.0 * sum(value is not None and not target.is_good(value) for value in values) / count


def burn(target: SloTarget, rate: BurnRate, points: Sequence[Point], end: int) -> Burn:
    """Compare both windows of a pair with its rate; burning when both are above it."""
    allowed = 100.0 - target.required_pct
    long, short = (
        None if bad is None else bad / allowed
        for bad in (
            bad_pct(target, points, end, seconds) for seconds in (rate.long_seconds, rate.short_seconds)
        )
    )
    burning = all(found is not None and found > rate.rate + _ROUNDING for found in (long, short))
    return Burn(rate.name, rate.rate, long, short, burning)


def bad_periods(target: SloTarget, rate: float, seconds: int) -> int:
    """Give the fewest bad periods in a window that burn faster than `rate`: M of the window's alarm."""
    share = rate * (100.0 - target.required_pct) / 100.0
    return math.floor(share * (seconds // target.period_seconds) + _ROUNDING) + 1


def budget(
    target: SloTarget,
    days: int,
    bad: float | None,
    burns: Sequence[Burn],
) -> Budget:
    """Put a window's bad share and its burn rates together."""
    allowed = 100.0 - target.required_pct
    return Budget(
        slo_name=target.name,
        days=days,
        unit="samples" if target.objective_pct is None else "periods",
        required_pct=target.required_pct,
        bad_pct=bad,
        consumed_pct=None if bad is None else 100.0 * bad / allowed,
        burns=burns,
    )


def kept_seconds(start: int, now: int) -> int:
    """Give the shortest periods that CloudWatch still has of a time that begins at `start`."""
    age = now - start
    return next((length for days, length in _KEPT if age <= days * _DAY), _KEPT[-1][1])


def drawn_seconds(start: int, end: int, now: int) -> int:
    """Give the periods in which a time is drawn: what CloudWatch still has, and not too many."""
    least = max(kept_seconds(start, now), (end - start) / _DRAWN_POINTS)
    return next((length for length in _DRAWN_SECONDS if length >= least), _DRAWN_SECONDS[-1])


def attainment(
    target: SloTarget, points: Sequence[Point], start: int, end: int, period_seconds: int
) -> Attainment:
    """Say how an objective fared from `start` to `end`, of points in periods of this length."""
    inside = [point for point in points if start <= point.time < end]
    worst: Point | None = None
    for point in inside:
        if worst is None or target.is_worse(point.value, worst.value):
            worst = point
    bad = bad_pct(target, inside, end, end - start, period_seconds)
    return Attainment(
        slo_name=target.name,
        seconds=end - start,
        period_seconds=period_seconds,
        required_pct=target.required_pct,
        bad_pct=bad,
        used_pct=None if bad is None else 100.0 * bad / (100.0 - target.required_pct),
        worst=None if worst is None else worst.value,
        worst_at=None if worst is None else worst.time,
    )
