"""A run or a period as one HTML file that opens from disk: no script, no other file."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from fsxn_runtime.errors import RejectedError
from fsxn_runtime.report import charts
from fsxn_runtime.report.model import Verification
from fsxn_runtime.report.period_view import view
from fsxn_runtime.report.text import duration, latencies, rows, system_messages

# What an event on the bus can become, in the words of the page.
_SHARES = (
    ("processed", "the first of its work key; its output and lineage record are there"),
    ("collapsed", "told of a file version that another event had brought already"),
    ("superseded", "its file version was gone or replaced before it was processed"),
    ("filtered", "the workload does not ask for this type"),
    ("failed", "all attempts failed; the work is in the dead-letter queue"),
    ("unaccounted", "none of the above"),
)
_DEFAULTS: Mapping[str, Any] = {"title": "Run", "started_at": "", "checks": [], "facts": [], "steps": []}


def render(data: Mapping[str, Any], *, runbooks: str = "") -> str:
    """Draw the page of a run, or of a period.

    A period is what `fsxn report --json` printed. A run has `verification` (as `fsxn events verify --json`
    prints it) and may have `title`, `started_at`, `checks` ({title, text, ok}), `steps` ({name, seconds}),
    `facts` ([name, value]) and `period`. `runbooks`: the address below which the runbooks lie.
    Raises RejectedError when the verification is missing, or it or the period lack a field.
    """
    if data.get("kind") == "period":
        period = _period(data, runbooks)
        return _fill("period.html", period=period, tiles=_period_tiles(period), verdict=_verdict(period))
    try:
        verification = Verification.from_dict(data["verification"])
    except (KeyError, TypeError) as exc:
        raise RejectedError(f"the run has no complete verification: {exc}") from exc
    complete = {**_DEFAULTS, **data}
    return _fill(
        "run.html",
        run=complete,
        ok=verification.ok and all(check["ok"] for check in complete["checks"]),
        period=_period(data["period"], runbooks) if data.get("period") else None,
        findings=verification.findings,
        delivery=verification.delivery,
        outputs=verification.outputs,
        figures=list(rows(verification)),
        latencies=list(latencies(verification)),
        messages=list(system_messages(verification)),
        tiles=_tiles(verification),
        shares=[
            {"name": name, "count": count, "meaning": meaning}
            for name, count, meaning in _shares(verification)
        ],
        charts=_charts(verification, complete),
    )


def _fill(template: str, **values: Any) -> str:
    folder = files("fsxn_runtime.report")
    templates = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=FunctionLoader(lambda name: folder.joinpath(name).read_text(encoding="utf-8")),
    )
    style = Markup(folder.joinpath("page.css").read_text(encoding="utf-8"))  # noqa: S704 (our own file)
    return templates.get_template(template).render(style=style, **values)


def _period(collected: Mapping[str, Any], runbooks: str) -> dict[str, Any]:
    try:
        return view(collected, runbooks)
    except (KeyError, TypeError) as exc:
        raise RejectedError(f"the period is not complete: {exc!r}") from exc


def _verdict(period: Mapping[str, Any]) -> dict[str, str]:
    """Say in the page's first line whether the objectives were kept, and what is missing."""
    parts = period["parts"]
    missing = [part["title"].lower() for part in parts.values() if part["state"] == "failed"]
    more = f"Could not be read: {', '.join(missing)}." if missing else "Every part could be read."
    objectives = parts.get("objectives", {"state": ""})
    if objectives["state"] != "there":
        return {"class": "", "sign": "–", "words": "Objectives are not known", "more": more}
    count, kept = len(objectives["table"]["rows"]), objectives["kept"]
    if objectives["missed"]:
        words = f"Missed: {', '.join(objectives['missed'])}"
        return {"class": "bad", "sign": "✗", "words": words, "more": more}
    silent = objectives["unmeasured"]
    words = f"{kept} of {count} objectives kept" + (f", {silent} not measured" if silent else "")
    return {"class": "good" if kept else "", "sign": "✓" if kept else "–", "words": words, "more": more}


def _period_tiles(period: Mapping[str, Any]) -> list[dict[str, str]]:
    """Give one figure of each part that is there."""
    parts = {name: part for name, part in period["parts"].items() if part["state"] == "there"}
    tiles: list[tuple[str, str]] = []
    if found := parts.get("incidents"):
        tiles += [("incidents", str(found["count"])), ("in ALARM", found["alarmed"])]
    if found := parts.get("replays"):
        tiles += [("replays", str(found["count"])), ("longest replay", found["longest"])]
    if found := parts.get("lineage"):
        tiles.append(("lineage records", f"{found['total']:,}"))
    if found := parts.get("forecast"):
        tiles.append(("days until full", found["first"] or "–"))
    if found := parts.get("guardrails"):
        tiles.append(("GiB grown", found["executed_gb"]))
    if found := parts.get("cost"):
        tiles.append(("USD by list prices", found["usd"]))
    return [{"name": name, "value": value} for name, value in tiles]


def _shares(verification: Verification) -> list[tuple[str, int, str]]:
    """Give what became of the events; nothing when only delivery was compared."""
    accounting = verification.accounting
    if accounting is None:
        return []
    return [(name, max(0, getattr(accounting, name)), meaning) for name, meaning in _SHARES]


def _tiles(verification: Verification) -> list[dict[str, str]]:
    live = verification.latency_ms.get("live_to_bus")
    tiles = [
        ("operations made", f"{verification.delivery.operations:,}"),
        ("delivered", f"{verification.delivery.delivered:,}"),
        ("lost", f"{verification.delivery.lost:,}"),
        *_work_tiles(verification),
    ]
    if live:
        tiles.append(("p99 to the bus", duration(live.p99)))
    if verification.replay:
        tiles.append(("replay", f"{verification.replay.seconds:.1f} s"))
    return [{"name": name, "value": value} for name, value in tiles]


def _work_tiles(verification: Verification) -> list[tuple[str, str]]:
    accounting = verification.accounting
    if accounting is None:
        return [("events a second", f"{verification.flow.events_per_second:,}")]
    return [
        ("work keys processed", f"{accounting.processed:,}"),
        ("duplicates collapsed", f"{accounting.collapsed:,}"),
    ]


def _charts(verification: Verification, run: Mapping[str, Any]) -> dict[str, Markup]:
    series: Any = verification.series
    shares = [(name, count) for name, count, _ in _shares(verification)]
    drawn = {
        "timeline": charts.timeline(series["timeline"]),
        "latency": charts.latency(series["latency"]) if verification.latency_ms.get("live_to_bus") else "",
        "shares": charts.shares(shares) if shares else "",
        "replay_order": charts.replay_order(series["replay_order"]) if verification.replay else "",
        "steps": charts.steps([(step["name"], step["seconds"]) for step in run["steps"]])
        if run["steps"]
        else "",
    }
    # The charts escape every value they write.
    return {name: Markup(svg) for name, svg in drawn.items()}  # noqa: S704
