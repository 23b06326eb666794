"""The part of a report about objectives: table and dashboards, from what `fsxn slo record` wrote. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from markupsafe import Markup

from fsxn_runtime.report import charts

_SIGNS: Final = {"less": "<", "greater": ">"}
_GOOD: Final = {"met": "good", "violated": "bad"}


def objectives(recorded: Mapping[str, Any]) -> dict[str, Any]:
    """Give the rows of the table and the drawn dashboards. Raises KeyError when a field is missing."""
    budgets = {budget["slo_name"]: budget for budget in recorded["budgets"]}
    return {
        "origin": recorded["origin"],
        "rows": [_row(found, budgets[found["name"]]) for found in recorded["objectives"]],
        "dashboards": [
            {"name": dashboard["name"], "panels": [_panel(panel) for panel in dashboard["panels"]]}
            for dashboard in recorded["dashboards"]
        ],
    }


def _row(found: Mapping[str, Any], budget: Mapping[str, Any]) -> dict[str, str]:
    burning = [burn["name"].replace("-", " ") for burn in budget["burns"] if burn["burning"]]
    return {
        "name": found["name"],
        "what": f"{found['metric']}, {found['statistic']}",
        "state": found["state"].replace("_", " "),
        "class": _GOOD.get(found["state"], ""),
        "value": _figure(found["value"]),
        "target": f"{_SIGNS[found['comparison']]} {_figure(found['threshold'])}",
        "used": "–" if budget["consumed_pct"] is None else f"{budget['consumed_pct']:.3g} %",
        "burning": ", ".join(burning) or "no",
    }


def _panel(panel: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "title": panel["title"],
        # The charts escape every value they write.
        "chart": Markup(charts.panel(panel)),  # noqa: S704
        "legend": list(_legend(panel["series"])),
    }


def _legend(series: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, str]]:
    """Name each series with its newest value; one without points says so."""
    for place, each in enumerate(series):
        newest = _figure(each["points"][-1][1]) if each["points"] else "no data"
        yield {"class": charts.series_class(place), "label": each["label"], "newest": newest}


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:,.2f}".rstrip("0").rstrip(".")
