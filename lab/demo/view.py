"""What the demo shows while it works: steps with their times, and counts along the path."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from lab.quiet import Look


@dataclass(slots=True)
class StepState:
    """One step; `seconds` is None while it runs."""

    name: str
    began: float
    seconds: float | None = None
    detail: str = ""


class View:
    """Use as a context manager. On a terminal one live picture, elsewhere one line per step."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.steps: list[StepState] = []
        self._look: Look | None = None
        self._lock = threading.Lock()
        self._live = Live(
            console=console, get_renderable=self._picture, refresh_per_second=4, transient=False
        )

    def __enter__(self) -> Self:
        if self.console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Leave the picture as it is and draw no more."""
        self._live.stop()

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Show and time one step."""
        state = StepState(name, time.monotonic())
        self.steps.append(state)
        yield
        state.seconds = time.monotonic() - state.began
        if not self.console.is_terminal:
            self.console.print(f"{state.seconds:6.1f} s  {name}  {state.detail}", highlight=False)

    def detail(self, text: str) -> None:
        """Say more about the step that runs."""
        self.steps[-1].detail = text

    def look(self, look: Look) -> None:
        """Show counts along the path."""
        self._look = look

    def _picture(self) -> Group:
        table = Table.grid(padding=(0, 2))
        for state in list(self.steps):
            running = state.seconds is None
            seconds = time.monotonic() - state.began if state.seconds is None else state.seconds
            table.add_row(
                Text("…" if running else "✓", style="yellow" if running else "green"),
                Text(f"{seconds:5.1f} s", style="dim"),
                Text(state.name, style="bold" if running else ""),
                Text(state.detail, style="cyan"),
            )
        return Group(table, _counts(self._look))


def _counts(look: Look | None) -> Text:
    if look is None:
        return Text()
    return Text.assemble(
        ("\n  operations ", "dim"),
        f"{look.monitored:,}",
        ("  → on the bus ", "dim"),
        f"{look.events:,}",
        ("  → in queues ", "dim"),
        f"{look.queued:,}",
        ("  → in work ", "dim"),
        f"{look.in_progress:,}",
        ("  → done ", "dim"),
        f"{look.done:,}",
    )
