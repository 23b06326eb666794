"""How many events the process answers for, over all connections. Pure."""

from __future__ import annotations

from collections.abc import Callable


class Accounting:
    """Counts events that are read and not yet accepted, and says when that is too many.

    `maximum` is the hard bound: no event is taken at it, and none again before the high-water mark is
    reached from above. Pressure begins at `high_percent` of the bound and ends at `low_percent`. Marks lie
    apart so that nothing flutters. `on_pressure(True)` and `on_pressure(False)` alternate; `on_room` follows
    each time that the bound was reached.
    """

    __slots__ = ("_high", "_low", "_maximum", "_on_pressure", "_on_room", "count", "has_room", "is_pressing")

    def __init__(
        self,
        maximum: int,
        high_percent: int,
        low_percent: int,
        *,
        on_pressure: Callable[[bool], None],
        on_room: Callable[[], None],
    ) -> None:
        self._maximum = maximum
        self._high = maximum * high_percent // 100
        self._low = maximum * low_percent // 100
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
        if not self.is_pressing and self.count >= self._high:
            self.is_pressing = True
            self._on_pressure(True)

    def remove(self) -> None:
        """Close the account of one event."""
        assert self.count > 0
        self.count -= 1
        if self.is_pressing and self.count <= self._low:
            self.is_pressing = False
            self._on_pressure(False)
        if not self.has_room and self.count <= self._high:
            self.has_room = True
            self._on_room()
