"""The pages behind an approval link: plain HTML, no script, nothing from elsewhere. Pure.

Looking changes nothing, because mail scanners follow links; only the form's POST decides.
"""

from __future__ import annotations

import base64
import hashlib
import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from fsxn_runtime.events import format_timestamp
from fsxn_runtime.expansion.approval import Decision, LinkState
from fsxn_runtime.expansion.core import PROPOSAL_US
from fsxn_runtime.expansion.model import MIB_PER_GIB, Kind, Operation

_STYLE: Final = """
:root{color-scheme:light dark;--ink:#1d2530;--dim:#57616e;--paper:#f6f7f9;--card:#fff;--line:#d8dde3;
--go:#0b6b3a}
@media(prefers-color-scheme:dark){:root{--ink:#e6eaef;--dim:#a3adb9;--paper:#14181d;--card:#1d232a;--line:#39424d;
--go:#23814f}}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
main{max-width:36rem;margin:8vh auto;padding:1.5rem 2rem 2rem;background:var(--card);
border:1px solid var(--line);border-radius:10px}
h1{font-size:1.35rem;margin:.2rem 0 1rem}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.4rem 1.2rem;margin:1.2rem 0}
dt{color:var(--dim)}dd{margin:0;overflow-wrap:anywhere}
.size{font-size:1.6rem;font-weight:600;margin:.2rem 0}
form{display:flex;gap:.8rem;flex-wrap:wrap;margin-top:1.5rem}
button{font:inherit;font-weight:600;padding:.6rem 1.3rem;border-radius:7px;border:1px solid var(--line);
background:transparent;color:var(--ink);cursor:pointer}
button.go{background:var(--go);border-color:var(--go);color:#fff}
button:focus-visible{outline:3px solid #4c8dff;outline-offset:2px}
p.dim{color:var(--dim);font-size:.9rem}
@media(max-width:40rem){main{margin:0;border:0;border-radius:0;min-height:100vh;box-sizing:border-box}
dl{grid-template-columns:1fr;gap:0}dd{margin-bottom:.6rem}button{flex:1}}
"""
_STYLE_HASH: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

# The address is a secret: it must be in no cache, no Referer, no index and no frame of somebody else's page.
HEADERS: Final[Mapping[str, str]] = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'",
    "Content-Type": "text/html; charset=utf-8",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=31536000",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex, nofollow",
}


@dataclass(frozen=True, slots=True)
class Page:
    """One answer of the link's address."""

    status: int
    body: str


@dataclass(frozen=True, slots=True)
class GuardrailView:
    """What the guardrail says of a growth now. `reason` is why it would be denied, or ""."""

    mode: str
    used_today: str
    reason: str
    grant_until: str = ""


def proposal(operation: Operation, guardrail: GuardrailView) -> Page:
    """Show what would grow, and ask."""
    what = "Volume" if operation.kind is Kind.VOLUME else "File system"
    rows = [
        ("What", f"{what} {operation.resource_id}"),
        *([("File system", operation.file_system_id)] if operation.kind is Kind.VOLUME else []),
        ("Asked for by", operation.cause + (f" ({operation.reason})" if operation.reason else "")),
        ("Guardrail", _guardrail(guardrail)),
        ("Used today", guardrail.used_today),
        ("Proposal", f"{operation.operation_id}, good until {_minute(operation.created_us + PROPOSAL_US)}"),
    ]
    size = f"{_gib(operation.from_mib)} \N{RIGHTWARDS ARROW} {_gib(operation.to_mib)} GiB"
    form = (
        '<form method="post">'
        '<button class="go" name="decision" value="approve">Approve the growth</button>'
        '<button name="decision" value="reject">Reject</button></form>'
        '<p class="dim">Opening this page has changed nothing. The link works once.</p>'
    )
    lead = f'<p class="size">{size}</p><p>{operation.grow_gb:g} GiB more.</p>'
    return _page(200, "Shall this grow?", lead + _table(rows) + form)


def decided(operation: Operation, decision: Decision) -> Page:
    """Say that the answer has been taken."""
    if decision is Decision.APPROVE:
        words = (
            "The growth begins now, if the guardrail and FSx allow it. A notification says what came of it."
        )
        return _page(200, "Approved", _text(words) + _text(f"Proposal {operation.operation_id}."))
    return _page(200, "Rejected", _text(f"Nothing grows. Proposal {operation.operation_id} is closed."))


def closed(state: LinkState, operation: Operation | None = None) -> Page:
    """Say why a link is good for nothing."""
    if state is LinkState.USED and operation is not None:
        words = f"This was answered already; the operation is {operation.outcome} now."
        return _page(410, "This link has been used", _text(words) + _text(_LIST))
    if state is LinkState.EXPIRED:
        words = (
            "A proposal lasts a day: it shows figures of its day. If space is still short, a new one comes."
        )
        return _page(410, "This proposal has expired", _text(words))
    words = "It is incomplete or changed, or a newer notification holds another one. Nothing was decided."
    return _page(404, "This link is not valid", _text(words) + _text(_LIST))


def wrong_use(status: int, words: str) -> Page:
    """Say what the address does not do."""
    return _page(status, "This cannot be done here", _text(words))


def later() -> Page:
    """Say that the answer could not be taken."""
    words = (
        "The table of proposals cannot be reached at the moment. Nothing was decided; try again in a minute."
    )
    return _page(503, "Not now", _text(words))


_LIST: Final = "fsxn expansion list shows every proposal, and fsxn expansion approve or reject answers one."


def _guardrail(view: GuardrailView) -> str:
    if view.grant_until:
        return f"a break-glass grant lets everything pass until {view.grant_until}"
    if not view.reason:
        return f"{view.mode}: would pass now"
    if view.mode == "DRY_RUN":
        return f"DRY_RUN: would be denied ({view.reason}) if it were enforced; it grows all the same"
    return f"{view.mode}: would be denied now ({view.reason})"


def _page(status: int, title: str, inner: str) -> Page:
    head = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{html.escape(title)}</title><style>{_STYLE}</style></head>"
    )
    return Page(status, f"{head}<body><main><h1>{html.escape(title)}</h1>{inner}</main></body></html>\n")


def _table(rows: Sequence[tuple[str, str]]) -> str:
    cells = "".join(f"<dt>{html.escape(name)}</dt><dd>{html.escape(text)}</dd>" for name, text in rows)
    return f"<dl>{cells}</dl>"


def _text(words: str) -> str:
    return f"<p>{html.escape(words)}</p>"


def _gib(mib: int) -> str:
    return f"{mib / MIB_PER_GIB:,.1f}".removesuffix(".0")


def _minute(time_us: int) -> str:
    return format_timestamp(time_us)[: len("2026-01-31T12:00")].replace("T", " ") + " UTC"
