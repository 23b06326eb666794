"""An estimate: quantities times prices, line by line. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import Any, Final

from fsxn_runtime.cost.model import (
    SHARED,
    ZERO,
    Comparison,
    Configuration,
    Estimate,
    Line,
    PriceList,
    Profile,
    Quantity,
)
from fsxn_runtime.cost.usage import flow, quantities
from fsxn_runtime.errors import RejectedError

MILLION: Final = 1_000_000
PLACES: Final = Decimal("1e-10")  # of a line's USD: enough for one request, so that sums of lines are exact


def estimate(profile: Profile, configuration: Configuration, prices: PriceList) -> Estimate:
    """Say what the traffic of a period costs with what is deployed.

    Raises RejectedError naming the prices that the list lacks: none is invented, none taken as 0.
    """
    found = quantities(profile, configuration)
    missing = sorted({each.price for each in found} - set(prices.prices))
    if missing:
        raise RejectedError(
            f"prices of {prices.region} are missing: {', '.join(missing)}. Give a price file (--prices)",
            code="no_prices",
        )
    lines = tuple(_line(each, prices) for each in found)
    return Estimate(
        region=prices.region,
        as_of=prices.as_of,
        hours=profile.hours,
        lines=lines,
        per_million_versions=MappingProxyType(_per_million(profile, configuration, lines)),
    )


def compare(found: Estimate, counted: Iterable[Mapping[str, Any]]) -> list[Comparison]:
    """Put what was counted beside what was estimated, quantity by quantity, in the estimate's order.

    counted: objects with `workload`, `quantity` (as a line calls it) and `amount`. Raises RejectedError for
    one that no line has: something was used that the model does not know.
    """
    lines = {(line.quantity.workload, line.quantity.name): line.quantity for line in found.lines}
    amounts: dict[tuple[str, str], Decimal] = {}
    for each in counted:
        try:
            key, amount = (str(each["workload"]), str(each["quantity"])), Decimal(str(each["amount"]))
        except (KeyError, TypeError, InvalidOperation) as exc:
            raise RejectedError(
                "what was counted must be objects with workload, quantity and amount", code="wrong_counts"
            ) from exc
        if key not in lines:
            raise RejectedError(
                f"{key[1]!r} of {key[0]} was counted, and the estimate has no such line", code="wrong_counts"
            )
        amounts[key] = amount
    return [
        Comparison(name[0], name[1], quantity.unit, quantity.amount, amounts[name])
        for name, quantity in lines.items()
        if name in amounts
    ]


def _line(quantity: Quantity, prices: PriceList) -> Line:
    price = prices.prices[quantity.price]
    return Line(quantity, price, price.cost(quantity.amount).quantize(PLACES))


def _per_million(
    profile: Profile, configuration: Configuration, lines: tuple[Line, ...]
) -> dict[str, Decimal]:
    """What grows with the files, for a million versions: own lines, and a part of the shared ones."""
    flows = {name: flow(name, profile, configuration) for name in profile.workloads}
    events = sum((each.events for each in flows.values()), ZERO)
    shared = _by_traffic(lines, SHARED)
    return {
        name: (_by_traffic(lines, name) + shared * each.events / events) / each.versions * MILLION
        for name, each in flows.items()
        if each.versions
    }


def _by_traffic(lines: tuple[Line, ...], workload: str) -> Decimal:
    return sum(
        (line.usd for line in lines if line.quantity.by_traffic and line.quantity.workload == workload), ZERO
    )
