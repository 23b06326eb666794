"""Draw docs/wire/states.md from the server's state table."""

from __future__ import annotations

from pathlib import Path

from fpolicy_server.wire.states import BY_PEER, TRANSITIONS, Input, State, after

TARGET = Path(__file__).resolve().parent.parent / "docs" / "wire" / "states.md"


def page() -> str:
    """Give the whole page: the diagram and the table."""
    edges: dict[tuple[State, State], list[str]] = {}
    for (state, happening), target in TRANSITIONS.items():
        if target not in (state, State.FAILED):
            edges.setdefault((state, target), []).append(happening.value)
    arrows = "\n".join(
        f"    {begin} --> {end}: {', '.join(happenings)}" for (begin, end), happenings in edges.items()
    )
    heads = " | ".join(happening.value for happening in Input)
    rows = "\n".join(
        f"| {state} | " + " | ".join(after(state, happening) or "misuse" for happening in Input) + " |"
        for state in State
    )
    peers = ", ".join(happening.value for happening in Input if happening in BY_PEER)
    return f"""# States of one connection

Drawn from `fpolicy_server/wire/states.py` by `tools/draw_wire_states.py`; a test compares them.

```mermaid
stateDiagram-v2
    [*] --> {State.NEW}
{arrows}
    {State.CLOSED} --> [*]
    {State.FAILED} --> [*]
```

Any state goes to {State.FAILED} on a protocol error or time-out; those arrows are left out. The peer causes:
{peers}. The rest is ours, and `misuse` marks what we may not do.

| state | {heads} |
|---|{"---|" * len(Input)}
{rows}
"""


if __name__ == "__main__":
    TARGET.write_text(page())
