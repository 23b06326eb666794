"""The event management system: what the storage system says about itself, by node, in a log that wraps.

Source: ONTAP REST reference 14.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from lab.ontap_sim.clock import Clock, shown

SEVERITIES = ("emergency", "alert", "error", "notice", "informational", "debug")
_KEPT = 10_000  # events; the oldest go first


@dataclass(frozen=True, slots=True)
class EmsEvent:
    """One message of one node. `index` counts on each node."""

    node: int
    index: int
    time: datetime
    name: str
    severity: str
    text: str
    parameters: Mapping[str, str] = field(default_factory=dict)


class EmsLog:
    """The messages of all nodes, oldest first."""

    def __init__(self, clock: Clock | None = None, kept: int = _KEPT) -> None:
        self._clock = clock or Clock()
        self._events: deque[EmsEvent] = deque(maxlen=kept)
        self._indexes: Counter[int] = Counter()

    def emit(self, node: int, name: str, severity: str, text: str, **parameters: str) -> None:
        """Add a message of a node (its number); the text is shown with the name before it."""
        if severity not in SEVERITIES:
            raise ValueError(f"severity is {severity!r}; allowed: {', '.join(SEVERITIES)}")
        self._indexes[node] += 1
        event = EmsEvent(node, self._indexes[node], self._clock.now(), name, severity, text, parameters)
        self._events.append(event)

    def records(self, nodes: Mapping[int, Mapping[str, str]]) -> Iterator[dict[str, Any]]:
        """Show every message as REST does. `nodes` gives name and UUID by node number."""
        for event in self._events:
            yield {
                "node": nodes[event.node],
                "index": event.index,
                "time": shown(event.time),
                "message": {"name": event.name, "severity": event.severity},
                "log_message": f"{event.name}: {event.text}",
                "source": event.name.split(".", 1)[0],
                "parameters": [{"name": name, "value": value} for name, value in event.parameters.items()],
            }

    def names(self) -> Sequence[str]:
        """List the names in the log, oldest first."""
        return [event.name for event in self._events]
