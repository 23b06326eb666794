"""A collected period as the page shows it: rows, words and charts of every part. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from markupsafe import Markup

from fsxn_runtime.report import charts, outlook_chart, period_charts

TITLES: Final = {
    "objectives": "Objectives",
    "incidents": "Incidents",
    "replays": "Replays of the Persistent Store",
    "lineage": "Lineage records",
    "forecast": "When capacity will be full",
    "guardrails": "Guardrail ledger",
    "cost": "Cost",
    "dashboards": "Dashboards",
}
_SIGNS: Final = {"less": "<", "greater": ">"}
_KEPT: Final = {True: ("good", "kept"), False: ("bad", "missed"), None: ("", "not measured")}
_STATES: Final = {"met": "good", "violated": "bad"}
# Status of a lineage record, with the class that colours it: the order of the bars from below.
STATUSES: Final = {
    "success": "processed",
    "superseded": "superseded",
    "duplicate": "collapsed",
    "filtered": "filtered",
    "failed": "failed",
}
_VERDICTS: Final = {"allowed": "good", "denied": "bad", "bypassed": "bad", "would_deny": ""}
_HOUR: Final = 3600
_DAY_BINS: Final = 120  # more hours than this are drawn as days
_MOST_ROWS: Final = 60  # of a table on the page; the rest is in the data
_MOST_ALARMS: Final = 24  # rows of a chart
_SOON_DAYS: Final = 7  # full within a week is no matter of planning any more
_MOST_LINES: Final = 10  # of what costs most
_MOST_CURVES: Final = 4  # the first to be full
_FRAME: Final = outlook_chart.Frame(width=470, height=230, left=50, right=12, top=28, bottom=30)


Cell = dict[str, str]
Row = Sequence[Cell]


def view(collected: Mapping[str, Any], runbooks: str = "") -> dict[str, Any]:
    """Give every part as the page shows it. Raises KeyError or TypeError where a field is missing."""
    start, end = _seconds(collected["from"]), _seconds(collected["to"])
    views: dict[str, Callable[[Any], dict[str, Any]]] = {
        "objectives": _objectives,
        "incidents": lambda found: _incidents(found, start, end, runbooks),
        "replays": _replays,
        "lineage": _lineage,
        "forecast": _forecast,
        "guardrails": _guardrails,
        "cost": _cost,
        "dashboards": lambda found: _dashboards(found, start),
    }
    return {
        "title": collected["title"],
        "when": f"{_time(collected['from'])} to {_time(collected['to'])} UTC",
        "length": span(end - start),
        "made_at": _time(collected["made_at"]),
        "parts": {
            name: {"title": TITLES[name], "state": part["state"], "why": part.get("why", "")}
            | (views[name](part["found"]) if part["state"] == "there" else {})
            for name, part in collected["parts"].items()
        },
    }


def cell(words: str, more: str = "", *, class_: str = "", link: str = "") -> Cell:
    """Give a cell of a table: what it says, a smaller line below, its class, where its words lead."""
    return {"words": words, "more": more, "class": class_, "link": link}


def table(heads: Sequence[str], rows: Iterable[Row]) -> dict[str, Any]:
    """Give a table; a column whose head ends in # has numbers. The first cell of a row names it."""
    return {
        "heads": [
            {"words": head.removesuffix("#"), "class": "number" if head.endswith("#") else ""}
            for head in heads
        ],
        "rows": [list(row) for row in rows],
    }


def span(seconds: float) -> str:
    """Write a length of time in the two largest units that say something."""
    whole = round(seconds)
    if whole < 120:
        return f"{seconds:.3g} s" if seconds < 60 else f"{whole} s"
    days, rest = divmod(whole, 86_400)
    hours, rest = divmod(rest, 3600)
    minutes, left = divmod(rest, 60)
    units = [(days, "d"), (hours, "h"), (minutes, "min"), (left, "s")]
    first = next(place for place, (count, _) in enumerate(units) if count)
    return " ".join(f"{count} {unit}" for count, unit in units[first : first + 2] if count)


def figure(value: float | None, digits: int = 2) -> str:
    """Write a figure without zeros at its end."""
    if value is None:
        return "–"
    if 0 < abs(value) < 0.01 and digits:
        return f"{value:.2g}"
    written = f"{value:,.{digits}f}"
    return written.rstrip("0").rstrip(".") if digits else written


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{value:.4g} %"


def _seconds(stamp: str) -> int:
    return int(datetime.fromisoformat(stamp).timestamp())


def _time(stamp: str) -> str:
    return stamp[: len("2026-01-31T12:00:00")].replace("T", " ")


def _svg(drawn: str) -> Markup:
    # The charts escape every value they write.
    return Markup(drawn)  # noqa: S704


def _objectives(found: Mapping[str, Any]) -> dict[str, Any]:
    objectives = found["objectives"]
    kept = Counter(each["attainment"]["kept"] for each in objectives)
    heads = ("objective", "in the period", "good#", "wanted#", "worst value#", "target#")
    return {
        "origin": found["origin"],
        "budget_days": found["budget_days"],
        "kept": kept[True],
        "missed": [each["name"] for each in objectives if each["attainment"]["kept"] is False],
        "unmeasured": kept[None],
        "table": table((*heads, "at the end", "budget used#", "burning"), map(_objective, objectives)),
    }


def _objective(each: Mapping[str, Any]) -> Row:
    fared, budget = each["attainment"], each["budget"]
    class_, word = _KEPT[fared["kept"]]
    worst_at = fared["worst_at"]
    burning = [burn["name"].replace("-", " ") for burn in budget["burns"] if burn["burning"]]
    return (
        cell(each["name"], f"{each['metric']}, {each['statistic']}"),
        cell(word, class_=class_),
        cell(_percent(None if fared["bad_pct"] is None else 100.0 - fared["bad_pct"])),
        cell(f"≥ {fared['required_pct']:g} %"),
        cell(
            figure(fared["worst"]),
            "" if worst_at is None else f"{datetime.fromtimestamp(worst_at, UTC):%d %b %H:%M}",
        ),
        cell(f"{_SIGNS[each['comparison']]} {figure(each['threshold'])}"),
        cell(each["state"].replace("_", " "), class_=_STATES.get(each["state"], "")),
        cell(_percent(budget["consumed_pct"])),
        cell(", ".join(burning) or "no"),
    )


def _incidents(found: Mapping[str, Any], start: int, end: int, runbooks: str) -> dict[str, Any]:
    all_rows: Sequence[Mapping[str, Any]] = found["incidents"]
    telling = [each for each in all_rows if each["tells"]]
    spans: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for each in telling:
        begin = start if each["begin"] is None else _seconds(each["begin"])
        spans[each["alarm"]].append((begin, end if each["end"] is None else _seconds(each["end"])))
    shared = len(_shared_prefix(list(spans)))
    drawn = [(name[shared:], times) for name, times in spans.items()][:_MOST_ALARMS]
    return {
        "alarms": found["alarms"],
        "count": len(telling),
        "quiet": len(all_rows) - len(telling),
        "open": sum(each["end"] is None for each in telling),
        "alarmed": span(found["alarmed_seconds"]),
        "chart": _svg(period_charts.alarm_times(drawn, start, end)) if drawn else "",
        "table": table(
            ("alarm", "began", "ended", "lasted#", "runbook"),
            (_incident(each, runbooks) for each in telling[:_MOST_ROWS]),
        ),
        "more": max(0, len(telling) - _MOST_ROWS),
    }


def _shared_prefix(names: Sequence[str]) -> str:
    """Give what all names begin with, up to a hyphen; "" for a single one."""
    first, last = (min(names), max(names)) if len(names) > 1 else ("", "")
    same = next((place for place, pair in enumerate(zip(first, last, strict=False)) if pair[0] != pair[1]), 0)
    return first[: first.rfind("-", 0, same) + 1]


def _incident(each: Mapping[str, Any], runbooks: str) -> Row:
    name = each["runbook"].rpartition("/")[2]
    is_open = each["end"] is None
    return (
        cell(each["alarm"], each["description"]),
        cell("before the period" if each["begin"] is None else _time(each["begin"])),
        cell(
            "still in ALARM" if is_open else _time(each["end"]),
            "" if each["ended_as"] in ("", "OK") else each["ended_as"].replace("_", " ").lower(),
            class_="bad" if is_open else "",
        ),
        cell("–" if each["seconds"] is None else span(each["seconds"])),
        cell(name or "–", link=f"{runbooks.rstrip('/')}/{name}" if runbooks and name else ""),
    )


def _replays(found: Mapping[str, Any]) -> dict[str, Any]:
    rows = found["replays"]
    seconds = [each["seconds"] for each in rows]
    return {
        "measured": found["measured"],
        "resolution": span(found["period_seconds"]),
        "count": len(rows),
        "events": figure(sum(each["events"] for each in rows), 0),
        "longest": span(max(seconds)) if rows else "–",
        "table": table(
            ("began", "took#", "events#"),
            (
                (
                    cell(_time(each["begin"])),
                    cell(span(each["seconds"]) if each["seconds"] else "under a minute"),
                    cell(figure(each["events"], 0)),
                )
                for each in rows[-_MOST_ROWS:]
            ),
        ),
        "more": max(0, len(rows) - _MOST_ROWS),
        "sources": table(
            ("SVM", "policy", "replays#", "longest#"),
            (
                (
                    cell(each["svm"]),
                    cell(each["policy"]),
                    cell(figure(each["replays"], 0)),
                    cell(span(each["longest_seconds"])),
                )
                for each in found["sources"]
            ),
        ),
    }


def _lineage(found: Mapping[str, Any]) -> dict[str, Any]:
    bins = _bins(found["hours"])
    seconds = 24 * _HOUR if len(found["hours"]) > _DAY_BINS else _HOUR
    seen = [status for status in STATUSES if any(counts.get(STATUSES[status]) for _, counts in bins)]
    workloads = found["workloads"]
    return {
        "statuses": [{"name": status, "class": STATUSES[status]} for status in seen],
        "total": sum(sum(each["statuses"].values()) for each in workloads),
        "bin": "day" if seconds > _HOUR else "hour",
        "chart": _svg(period_charts.stacked(bins, list(STATUSES.values()), seconds)) if seen else "",
        "table": table(
            ("workload", *(f"{status}#" for status in seen), "all#", "ms, p50 / p99#"),
            (
                (
                    cell(each["uc_id"]),
                    *(cell(f"{each['statuses'].get(status, 0):,}") for status in seen),
                    cell(f"{sum(each['statuses'].values()):,}"),
                    cell(_took(each["duration_ms"])),
                )
                for each in workloads
            ),
        ),
    }


def _took(measured: Mapping[str, float] | None) -> str:
    if measured is None:
        return "–"
    return f"{figure(measured['p50'], 0)} / {figure(measured['p99'], 0)}"


def _bins(hours: Sequence[Mapping[str, Any]]) -> list[tuple[int, dict[str, int]]]:
    """Count by class, of each hour, or of each day where hours are many."""
    length = 24 * _HOUR if len(hours) > _DAY_BINS else _HOUR
    counted: dict[int, Counter[str]] = {}
    for hour in hours:
        time = _seconds(f"{hour['hour']}:00:00+00:00")
        counts = counted.setdefault(time - time % length, Counter())
        for status, count in hour["statuses"].items():
            counts[STATUSES.get(status, "unaccounted")] += count
    return [(time, dict(counts)) for time, counts in sorted(counted.items())]


def _forecast(found: Mapping[str, Any]) -> dict[str, Any]:
    resources = found["resources"]
    available = [each for each in resources if each["days_until_full"] >= 0]
    return {
        "lookback_days": found["lookback_days"],
        "first": figure(available[0]["days_until_full"], 1) if available else "",
        "table": table(
            ("what", "used#", "of capacity#", "a day#", "full in", "90 % interval, days", "day"),
            map(_resource, resources[:_MOST_ROWS]),
        ),
        "curves": [
            {"title": _resource_name(each), "chart": _svg(_curve(each))}
            for each in resources
            if each["series"]["used"]
        ][:_MOST_CURVES],
    }


def _resource_name(each: Mapping[str, Any]) -> str:
    names = {"ssd": "SSD tier", "volume": "volume", "files": "inodes of volume"}
    return f"{names.get(each['kind'], each['kind'])} {each['name']}"


def _resource(each: Mapping[str, Any]) -> Row:
    days, is_named = each["days_until_full"], each["outcome"] == "forecast"
    low, high = each["earliest_days"], each["latest_days"]
    until = "not in sight" if high is None else figure(high, 1)
    return (
        cell(_resource_name(each), each["key"]),
        cell(f"{figure(each['used'], 1)} {each['unit']}"),
        cell(_percent(each["current_usage_pct"]) if each["capacity"] else "–"),
        cell(f"{each['growth_per_day']:+,.2f}" if each["method"] else "–"),
        cell(
            f"{figure(days, 1)} days" if is_named else each["outcome"].replace("_", " "),
            class_="bad" if 0 <= days <= _SOON_DAYS else "",
        ),
        cell("–" if low is None else f"{figure(low, 1)} to {until}"),
        cell(each["forecast_date"] or "–"),
    )


def _curve(each: Mapping[str, Any]) -> str:
    series = each["series"]
    chart = outlook_chart.Chart(
        title=f"Usage, capacity and forecast of {_resource_name(each)}, {each['unit']}",
        unit=each["unit"],
        used=[(row[0], row[1]) for row in series["used"]],
        capacity=[(row[0], row[1]) for row in series["capacity"]],
        ahead=[(row[0], row[1], row[2], row[3]) for row in series["ahead"]],
    )
    return outlook_chart.drawn(chart, _FRAME)


def _guardrails(found: Mapping[str, Any]) -> dict[str, Any]:
    entries = found["entries"]
    return {
        "verdicts": [
            {"name": name.replace("_", " "), "count": found["verdicts"].get(name, 0)} for name in _VERDICTS
        ],
        "executed": found["executed"],
        "executed_gb": figure(found["executed_gb"], 1),
        "table": table(
            ("at", "action", "GiB#", "said", "became", "mode", "who, why"),
            map(_entry, entries[:_MOST_ROWS]),
        ),
        "more": max(0, len(entries) - _MOST_ROWS),
    }


def _entry(each: Mapping[str, Any]) -> Row:
    context = each["context"]
    return (
        cell(_time(each["at"])),
        cell(
            each["action_type"].replace("_", " ").lower(),
            context.get("what") or context.get("resource_id", ""),
        ),
        cell(figure(each["requested_gb"], 1) if each["requested_gb"] else "–"),
        cell(
            each["verdict"].replace("_", " "),
            each["reason"].replace("_", " "),
            class_=_VERDICTS.get(each["verdict"], ""),
        ),
        cell(each["outcome"].replace("_", " ")),
        cell(each["mode"].replace("_", " ").lower()),
        cell(": ".join(filter(None, (context.get("actor"), context.get("why")))) or "–", class_="words"),
    )


def _cost(found: Mapping[str, Any]) -> dict[str, Any]:
    if found["traffic"] is None:
        return {"table": table((), ()), "usd": "0"}
    millions = found["per_million_versions"]
    lines = sorted(found["lines"], key=lambda line: -float(line["usd"]))
    return {
        "region": found["region"],
        "as_of": found["as_of"],
        "usd": figure(float(found["usd"])),
        "table": table(
            ("workload", "USD#", "USD for a million file versions#"),
            (
                (
                    cell(name),
                    cell(figure(float(usd))),
                    cell(figure(float(millions[name])) if name in millions else "–"),
                )
                for name, usd in found["by_workload"].items()
            ),
        ),
        "lines": table(
            ("largest lines", "workload", "amount#", "unit", "USD#"),
            (
                (
                    cell(line["quantity"]),
                    cell(line["workload"]),
                    cell(figure(float(line["amount"]))),
                    cell(line["unit"]),
                    cell(figure(float(line["usd"]))),
                )
                for line in lines[:_MOST_LINES]
            ),
        ),
        "more": max(0, len(lines) - _MOST_LINES),
    }


def _dashboards(found: Sequence[Mapping[str, Any]], start: int) -> dict[str, Any]:
    return {
        "drawn": [
            {
                "name": dashboard["name"],
                "why": dashboard.get("why", ""),
                "panels": [_panel(panel, start) for panel in dashboard["panels"]],
            }
            for dashboard in found
        ]
    }


def _panel(panel: Mapping[str, Any], start: int) -> dict[str, Any]:
    return {
        "title": panel["title"],
        "per": span(panel["period_seconds"]),
        "chart": _svg(charts.panel(panel, start)),
        "legend": list(_legend(panel["series"])),
    }


def _legend(series: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, str]]:
    """Name each series with its newest value; one without points says so."""
    for place, each in enumerate(series):
        newest = figure(each["points"][-1][1]) if each["points"] else "no data"
        yield {"class": charts.series_class(place), "label": each["label"], "newest": newest}
