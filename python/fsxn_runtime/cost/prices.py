"""Prices as dated data: one file is shipped, a user's file of the same form takes its place."""

from __future__ import annotations

import json
import pkgutil
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import Any

from fsxn_runtime.cost.model import Price, PriceList
from fsxn_runtime.errors import RejectedError


def shipped() -> Mapping[str, Any]:
    """Read the price file of this package: list prices of the Regions whose public pages have them all."""
    data: dict[str, Any] = json.loads(pkgutil.get_data("fsxn_runtime.cost", "prices.json") or b"")
    return data


def price_list(region: str, data: Mapping[str, Any] | None = None) -> PriceList:
    """Read the prices of a Region out of a price file (the shipped one when None).

    Raises RejectedError when the Region is not in it or an entry is not a price.
    """
    data = shipped() if data is None else data
    regions = data.get("regions")
    if not isinstance(regions, Mapping) or not all(isinstance(each, Mapping) for each in regions.values()):
        raise RejectedError("the price file has no object `regions` of objects", code="wrong_prices")
    if region not in regions:
        known = ", ".join(sorted(regions))
        raise RejectedError(
            f"there are no prices of {region}; there are of {known}. Give a price file (--prices)",
            code="no_prices",
        )
    return PriceList(
        region=region,
        as_of=str(data.get("as_of", "")),
        prices=MappingProxyType({key: _price(key, entry) for key, entry in regions[region].items()}),
    )


def _price(key: str, entry: Any) -> Price:
    try:
        usd, per = Decimal(str(entry["usd"])), Decimal(str(entry["per"]))
        if not (usd.is_finite() and per.is_finite() and usd >= 0 and per > 0):
            raise ValueError
        return Price(
            usd, per, str(entry.get("unit", "")), str(entry.get("source", "")), str(entry.get("dated", ""))
        )
    except (TypeError, KeyError, ValueError, AttributeError, InvalidOperation) as exc:
        raise RejectedError(
            f"the price {key} must be an object with `usd` (0 or more) and `per` (more than 0)",
            code="wrong_prices",
        ) from exc
