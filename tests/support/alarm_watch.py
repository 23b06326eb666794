"""Watch deployed alarms in looks: each look is one period of the alarm, with what was really published in it.

Time is compressed, so that an alarm of three times five minutes can be seen to be raised and to end: the
rule (points, statistic, comparison, missing data) is the deployed alarm's and is decided by the product's
evaluator; only what a period lasts by the clock is left out: tests/terraform/test_alarm_semantics.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from fsxn_runtime.slo.alarm_rules import AlarmState, evaluate, is_percentile

from lab.cloud.service_metrics import ServiceMetrics
from lab.world import World
from tests.support.alarm_rules import rule_of_alarm

# What the deployed expressions say; another one has to be added here.
EXPRESSIONS: Mapping[str, Callable[[Mapping[str, float]], float]] = {
    "IF(disrupted > 0, 1, success)": lambda of: 1.0 if of["disrupted"] > 0 else of["success"],
    "100 * used / capacity": lambda of: 100 * of["used"] / of["capacity"],
}
_DAY = 86_400  # one value of a look: no look is that long


@dataclass
class Watched:
    """One deployed alarm: the points of its looks, oldest first, and the state after each."""

    alarm: Mapping[str, Any]
    points: list[float | None] = field(default_factory=list)
    states: list[AlarmState] = field(default_factory=list)

    @property
    def state(self) -> AlarmState:
        """The state after the newest look."""
        return self.states[-1]

    def after(self, point: float | None) -> AlarmState:
        """Say what the state would be with one point more."""
        before = self.states[-1] if self.states else AlarmState.INSUFFICIENT_DATA
        return evaluate(rule_of_alarm(self.alarm), [*self.points, point], before)

    def add(self, point: float | None) -> None:
        """Take the point of a look that is over."""
        state = self.after(point)
        self.points.append(point)
        self.states.append(state)

    def is_bad(self, point: float | None) -> bool:
        """Say whether a point breaches; none does where silence counts as breaching."""
        rule = rule_of_alarm(self.alarm)
        return rule.missing_data == "breaching" if point is None else rule.breaches(point)


class Watch:
    """Looks at alarms of a world."""

    def __init__(self, world: World, alarms: Mapping[str, Mapping[str, Any]]) -> None:
        self._world = world
        self._services = ServiceMetrics(world.emulator)
        self.watched = {name: Watched(alarm) for name, alarm in alarms.items()}

    def look(
        self,
        names: set[str],
        act: Callable[[], None],
        over: Callable[[Watched, float | None], bool],
        seconds: float,
    ) -> None:
        """Take one look at these alarms: act, wait until each has what `over` asks for. Raises WorldError."""
        # Metrics of logs come by the whole second: the last look's must not be in this one.
        start = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=1)
        self._world.wait(lambda: datetime.now(UTC) >= start, 2, "the next second")
        act()
        points: dict[str, float | None] = {}

        def all_are_over() -> bool:
            self._world.collector.collect()
            self._services.publish()
            points.update({name: self._point(name, start) for name in names})
            return not waiting()

        def waiting() -> list[str]:
            return sorted(name for name in names if not over(self.watched[name], points[name]))

        self._world.wait(
            all_are_over, seconds, "points of alarms", lambda: str({name: points[name] for name in waiting()})
        )
        for name in names:
            self.watched[name].add(points[name])

    def not_in(self, state: AlarmState, names: Iterable[str]) -> set[str]:
        """Give those of the alarms whose state is another one."""
        return {name for name in names if self.watched[name].state is not state}

    def _point(self, name: str, start: datetime) -> float | None:
        alarm = self.watched[name].alarm
        queries = alarm["metric_query"] or []
        if not queries:
            statistic = alarm["extended_statistic"] or alarm["statistic"]
            return self._value(alarm, statistic, start)
        (expression,) = (query["expression"] for query in queries if query["expression"])
        parts: dict[str, float] = {}
        for query in queries:
            for metric in query["metric"]:
                value = self._value(metric, metric["stat"], start)
                if value is None:
                    return None
                parts[query["id"]] = value
        return EXPRESSIONS[expression](parts)

    def _value(self, metric: Mapping[str, Any], statistic: str, start: datetime) -> float | None:
        form = "ExtendedStatistics" if is_percentile(statistic) else "Statistics"
        answer = self._world.client("cloudwatch").get_metric_statistics(
            Namespace=metric["namespace"],
            MetricName=metric["metric_name"],
            Dimensions=[{"Name": key, "Value": of} for key, of in (metric["dimensions"] or {}).items()],
            StartTime=start,
            EndTime=datetime.now(UTC) + timedelta(minutes=1),
            Period=_DAY,
            **{form: [statistic]},
        )
        for point in answer["Datapoints"]:
            return float(point[form][statistic] if form == "ExtendedStatistics" else point[statistic])
        return None
