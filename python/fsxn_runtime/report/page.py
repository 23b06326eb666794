"""One run as one HTML file that opens from disk: no script, no other file, no address."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from fsxn_runtime.errors import RejectedError
from fsxn_runtime.report import charts
from fsxn_runtime.report.model import Verification
from fsxn_runtime.report.objectives import objectives
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


def render(run: Mapping[str, Any]) -> str:
    """Draw the page of a run.

    `run` has `verification` (as `fsxn events verify --json` prints it) and may have `title`, `started_at`,
    `checks` ({title, text, ok}), `steps` ({name, seconds}), `facts` ([name, value]) and `objectives` (as
    `fsxn slo record` prints it).
    Raises RejectedError when the verification is missing, or it or the objectives lack a field.
    """
    try:
        verification = Verification.from_dict(run["verification"])
    except (KeyError, TypeError) as exc:
        raise RejectedError(f"the run has no complete verification: {exc}") from exc
    try:
        drawn = objectives(run["objectives"]) if run.get("objectives") else None
    except (KeyError, TypeError) as exc:
        raise RejectedError(f"the run's objectives are not complete: {exc!r}") from exc
    folder = files("fsxn_runtime.report")
    page = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    complete = {**_DEFAULTS, **run}
    return page.from_string(folder.joinpath("page.html").read_text(encoding="utf-8")).render(
        run=complete,
        ok=verification.ok and all(check["ok"] for check in complete["checks"]),
        objectives=drawn,
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
        style=Markup(folder.joinpath("page.css").read_text(encoding="utf-8")),  # noqa: S704 (our own file)
    )


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
