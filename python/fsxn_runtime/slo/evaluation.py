"""Evaluate the objectives in force: read, decide, answer."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, Final

from fsxn_runtime.edge.clients import client
from fsxn_runtime.edge.clock import now_us
from fsxn_runtime.edge.cloudwatch import read_series
from fsxn_runtime.slo.catalogue import defaults, parse
from fsxn_runtime.slo.core import (
    attainment,
    bad_pct,
    budget,
    burn,
    drawn_seconds,
    evaluation_end,
    judge,
    kept_seconds,
    rule_of,
)
from fsxn_runtime.slo.model import Attainment, Budget, Catalogue, Point, SloResult, SloTarget
from fsxn_runtime.slo.panels import panels, queries
from fsxn_runtime.slo.settings import SloSettings
from fsxn_runtime.slo.store import Points, dashboard_body, parameter_text
from fsxn_runtime.slo.widgets import widgets_of

# One-minute values are kept for 15 days, five-minute ones for 63 (CloudWatch user guide, metrics retention),
# so a longer window is read in five-minute periods. A gauge that was bad for a minute is then bad for five:
# the share is never too low.
BUDGET_PERIOD_SECONDS: Final = 300
_DAY: Final = 86_400


def effective_catalogue(ssm: Any | None = None, settings: SloSettings | None = None) -> Catalogue:
    """Read the objectives of SLO_PARAMETER; without it, give the defaults."""
    given = settings or SloSettings.from_env(os.environ)
    if not given.parameter:
        return defaults()
    text = parameter_text(client("ssm") if ssm is None else ssm, given.parameter)
    return parse(text, f"parameter {given.parameter}")


def evaluate_slos(
    cloudwatch_client: Any, *, catalogue: Catalogue | None = None, now: int | None = None
) -> list[SloResult]:
    """Say of every objective whether it is met, as its alarm would.

    `now`: seconds since 1970 (the clock's). An answer that is no answer is an error, never "no data".
    """
    known = catalogue or effective_catalogue()
    points = Points(cloudwatch_client, known.namespace)
    end = evaluation_end(now_us() // 1_000_000 if now is None else now)
    results = []
    for target in known.targets.values():
        newest = points.newest(target, end, rule_of(target).evaluation_range)
        results.append(judge(target, newest, end))
    return results


def generate_dashboard_widgets(
    *,
    region: str,
    dashboard: str = "slo",
    catalogue: Catalogue | None = None,
    sources: Mapping[str, Sequence[str]] | None = None,
) -> list[dict[str, Any]]:
    """Give the widgets of a dashboard (slo, operations) for CloudWatch; the objectives' with their targets.

    `sources`: names that series need (queues, access_points, ...); without them their widgets are left out.
    """
    return widgets_of(dashboard, catalogue or effective_catalogue(), region, sources or {})


def attainments(
    cloudwatch_client: Any,
    *,
    start: int,
    end: int,
    catalogue: Catalogue | None = None,
    now: int | None = None,
) -> list[Attainment]:
    """Say how every objective fared from `start` to `end` (seconds since 1970), widened to whole periods."""
    known = catalogue or effective_catalogue()
    points = Points(cloudwatch_client, known.namespace)
    least = kept_seconds(start, now_us() // 1_000_000 if now is None else now)
    found = []
    for target in known.targets.values():
        length = max(target.period_seconds, least)
        first, last = start - start % length, end + -end % length
        found.append(attainment(target, points.history(target, first, last, length), first, last, length))
    return found


def draw_dashboard(
    cloudwatch_client: Any, name: str, *, start: int, end: int, now: int | None = None
) -> dict[str, Any]:
    """Give name and panels of a deployed dashboard from `start` to `end`, as plain JSON values.

    A long or an old time is drawn in longer periods than the dashboard's own.
    """
    body = dashboard_body(cloudwatch_client, name)
    least = drawn_seconds(start, end, now_us() // 1_000_000 if now is None else now)
    values = read_series(cloudwatch_client, queries(body, name, least), start, end)
    return {"name": name, "panels": panels(body, name, values, start, end, least)}


def error_budgets(
    cloudwatch_client: Any, *, catalogue: Catalogue | None = None, now: int | None = None
) -> list[Budget]:
    """Count what every objective's budget lost, and how fast it burns."""
    known = catalogue or effective_catalogue()
    points = Points(cloudwatch_client, known.namespace)
    end = evaluation_end(now_us() // 1_000_000 if now is None else now)
    return [_budget(points, known, target, end) for target in known.targets.values()]


def _budget(points: Points, catalogue: Catalogue, target: SloTarget, end: int) -> Budget:
    length = max(target.period_seconds, BUDGET_PERIOD_SECONDS)
    whole = catalogue.budget_days * _DAY
    past = points.history(target, end - whole, end, length)
    bad = bad_pct(target, past, end, whole, length)
    longest = max(rate.long_seconds for rate in catalogue.burn_rates.values())
    recent = _recent(points, target, past, end, longest)
    burns = [burn(target, rate, recent, end) for rate in catalogue.burn_rates.values()]
    return budget(target, catalogue.budget_days, bad, burns)


def _recent(points: Points, target: SloTarget, past: list[Point], end: int, seconds: int) -> list[Point]:
    """The longest window in the alarm's own periods: `past` has them where those are five minutes or more."""
    if target.period_seconds >= BUDGET_PERIOD_SECONDS:
        return past
    return points.history(target, end - seconds, end, target.period_seconds)
