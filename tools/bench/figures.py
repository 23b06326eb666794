"""One measured figure beside the simpler thing of the same run."""

from __future__ import annotations

from typing import NamedTuple


class Figure(NamedTuple):
    """`group` names what is measured and its unit; `reference` is the simpler thing, in the same unit."""

    group: str
    name: str
    value: float
    reference: str
    reference_value: float


class Curve(NamedTuple):
    """What one thing costs (`unit`) among so many (`of`): pairs of count and cost, counts growing."""

    name: str
    of: str
    unit: str
    points: tuple[tuple[int, float], ...]

    @property
    def growth(self) -> float:
        """Cost of one among most, beside one among a tenth of them or the next number above.

        1 is linear growth of the whole; less is better than linear.
        """
        most, last = self.points[-1]
        earlier = next(cost for count, cost in self.points if count * 10 >= most)
        return last / earlier if earlier else 1.0
