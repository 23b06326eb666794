"""How many events the process answers for, over all connections. Pure."""

from __future__ import annotations

from collections.abc import Callable


class Accounting:
    """Counts events that are read and not yet accepted, and says when that is too many.

    `maximum` is the hard bound: no event is taken at it, and none again before the high-water mark is
    reached from above. Pressure begins at `high_percent` of the bound and ends at `low_percent`. Marks lie
    apart so that nothing flutters. `on_pressure(True)` and `on_pressure(False)` alternate; `on_room` follows
    each time that the bound was reached.

    With a spool (`on_high` is given) the high-water mark is where events begin to move to it, down to
    `spill_to`, a quarter of the way to the low-water mark. Pressure then begins halfway between the
    high-water mark and the bound, because the spool cannot keep up, and ends when it has caught up.
    `on_high` is called with each event at or above the mark.
    """

    __slots__ = (
        "_maximum", "_on_high", "_on_pressure", "_on_room", "_press_at", "_release_at",
        "count", "has_room", "high", "is_pressing", "low", "spill_to",
    )  # fmt: skip

    def __init__(
        self,
        maximum: int,
        high_percent: int,
        low_percent: int,
        *,
        on_pressure: Callable[[bool], None],
        on_room: Callable[[], None],
        on_high: Callable[[], None] | None = None,
    ) -> None:
        self._maximum = maximum
        self.high = maximum * high_percent // 100
        self.low = maximum * low_percent // 100
        self.spill_to = (3 * self.high + self.low) // 4
        self._press_at = self.high if on_high is None else (self.high + maximum) // 2
        self._release_at = self.low if on_high is None else self.spill_to
        self._on_high = on_high
        self._on_pressure = on_pressure
        self._on_room = on_room
        self.count = 0
        self.has_room = True
        self.is_pressing = False

    def add(self) -> None:
        """Open the account of one event. There must be room."""
        assert self.has_room
        self.count += 1
        if self.count >= self._maximum:
            self.has_room = False
        if not self.is_pressing and self.count >= self._press_at:
            self.is_pressing = True
            self._on_pressure(True)
        if self._on_high is not None and self.count >= self.high:
            self._on_high()

    def remove(self) -> None:
        """Close the account of one event."""
        assert self.count > 0
        self.count -= 1
        if self.is_pressing and self.count <= self._release_at:
            self.is_pressing = False
            self._on_pressure(False)
        if not self.has_room and self.count <= self.high:
            self.has_room = True
            self._on_room()
