"""Read objectives from JSON: the defaults beside the metric catalogue, or the effective ones of an account.

Both have the same form; the effective catalogue (module slo writes it) lacks the metrics, because a standard
parameter of Systems Manager holds 4 KB.
"""

from __future__ import annotations

import json
import pkgutil
from collections.abc import Callable
from typing import Any, Final

from fsxn_runtime.errors import MisconfiguredError
from fsxn_runtime.metric_catalogue import METRICS
from fsxn_runtime.slo.alarm_rules import is_percentile
from fsxn_runtime.slo.model import BurnRate, Catalogue, SloTarget

_STATISTICS: Final = ("Average", "Maximum", "Minimum", "SampleCount", "Sum")
# The two that never make silence a violation, so that evaluator and alarm agree (`core.judge`).
_MISSING_DATA: Final = ("missing", "notBreaching")
_DAY: Final = 86_400
_LARGEST: Final = 1e15  # a whole number below it is exact as a float


def parse(text: str, origin: str) -> Catalogue:
    """Read a catalogue. Raises MisconfiguredError naming the field, the value seen and what is allowed."""
    try:
        data = json.loads(text)
    except ValueError as exc:
        raise _wrong(f"{origin} is not JSON: {exc}") from exc
    root = _Fields(origin, "", data)
    if str(root.take("schema_version", lambda v: isinstance(v, str), "text")).partition(".")[0] != "1":
        raise _wrong(f"{origin}: schema_version is {data['schema_version']!r}; this program reads 1.x")
    targets = {name: _target(name, fields) for name, fields in root.children("slos").items()}
    budget = root.child("error_budget")
    # Five-minute values are kept for 63 days (CloudWatch user guide, metrics retention).
    days = int(budget.number("days", lambda v: v == int(v) and 1 <= v <= 63, "a whole number from 1 to 63"))
    rates = {name: _burn_rate(name, fields) for name, fields in budget.children("burn_rates").items()}
    namespace = root.take("namespace", lambda v: isinstance(v, str) and v != "", "text")
    return Catalogue(origin, namespace, targets, days, rates)


def defaults() -> Catalogue:
    """Give the objectives that this package ships."""
    return parse(
        (pkgutil.get_data("fsxn_runtime", "metric_catalogue.json") or b"").decode(),
        "metric_catalogue.json",
    )


class _Fields:
    """An object of the JSON with the way to it, for messages."""

    def __init__(self, origin: str, path: str, data: Any) -> None:
        self._origin, self._path = origin, path
        if not isinstance(data, dict):
            raise _wrong(f"{origin}: {path.rstrip('.') or 'the whole'} is {data!r:.60}; it must be an object")
        self._data: dict[str, Any] = data

    def take(self, name: str, is_allowed: Callable[[Any], bool], allowed: str) -> Any:
        """Give a field. Raises MisconfiguredError when it is missing or not allowed."""
        if name not in self._data:
            raise _wrong(f"{self._origin}: {self._path}{name} is missing; it must be {allowed}")
        value = self._data[name]
        if not is_allowed(value):
            raise _wrong(f"{self._origin}: {self._path}{name} is {value!r:.60}; it must be {allowed}")
        return value

    def number(self, name: str, is_allowed: Callable[[float], bool], allowed: str) -> float:
        """Give a finite number within what is allowed."""

        def is_number(value: Any) -> bool:
            plain = isinstance(value, int | float) and not isinstance(value, bool)
            return plain and -_LARGEST < value < _LARGEST and is_allowed(value)  # NaN is neither

        return float(self.take(name, is_number, allowed))

    def choice(self, name: str, allowed: tuple[str, ...]) -> str:
        """Give one of a few words."""
        return str(self.take(name, lambda v: v in allowed, " or ".join(allowed)))

    def has(self, name: str) -> bool:
        """Say whether an optional field is there; null counts as absent, as Terraform writes it."""
        return self._data.get(name) is not None

    def child(self, name: str) -> _Fields:
        """Give an inner object."""
        return _Fields(self._origin, f"{self._path}{name}.", self.take(name, lambda _: True, "an object"))

    def children(self, name: str) -> dict[str, _Fields]:
        """Give the objects of an inner object that is not empty."""
        inner = self.child(name)
        if not inner._data:
            raise _wrong(f"{self._origin}: {self._path}{name} is empty; it must have an entry")
        return {key: inner.child(key) for key in inner._data}


def _target(name: str, fields: _Fields) -> SloTarget:
    seconds = fields.number("period_seconds", lambda v: v > 0 and v % 60 == 0, "a multiple of 60")
    objective = None
    if fields.has("objective_pct"):
        objective = fields.number("objective_pct", lambda v: 0 < v < 100, "a number between 0 and 100")
    is_share = objective is None
    threshold = fields.number(
        "threshold",
        lambda v: not is_share or 0 < v < 100,
        "a number between 0 and 100, because there is no objective_pct" if is_share else "a number",
    )
    return SloTarget(
        name=name,
        metric=fields.take(
            "metric", lambda v: isinstance(v, str) and v in METRICS, "a metric of the catalogue"
        ),
        statistic=fields.take(
            "statistic",
            lambda v: isinstance(v, str) and (v in _STATISTICS or is_percentile(v)),
            f"{', '.join(_STATISTICS)} or a percentile such as p99",
        ),
        comparison=fields.choice("comparison", ("less", "greater")),
        threshold=threshold,
        period_seconds=int(seconds),
        # An alarm looks at most one day back with such periods (PutMetricAlarm).
        periods=int(
            fields.number(
                "periods", lambda v: v == int(v) and 1 <= v <= _DAY / seconds, "a whole number within a day"
            )
        ),
        missing_data=fields.choice("missing_data", _MISSING_DATA),
        objective_pct=objective,
    )


def _burn_rate(name: str, fields: _Fields) -> BurnRate:
    def is_window(value: float) -> bool:
        return value >= 300 and value % 300 == 0

    return BurnRate(
        name=name,
        rate=fields.number("rate", lambda v: v > 0, "a number above 0"),
        long_seconds=int(fields.number("long_seconds", is_window, "a multiple of 300")),
        short_seconds=int(fields.number("short_seconds", is_window, "a multiple of 300")),
    )


def _wrong(message: str) -> MisconfiguredError:
    return MisconfiguredError(message, code="wrong_catalogue")
