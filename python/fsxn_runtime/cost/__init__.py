"""What the platform costs: quantities from traffic and configuration, times dated list prices.

    profile = read_profile({"hours": 730, "events": 2_000_000, "busy_events_per_second": 50,
                            "workloads": {"content-inventory": {}}})
    found = estimate(profile, read_plan(plan), price_list("us-east-1"))
    found.usd, found.by_workload, found.per_million_versions     # Decimal, USD
    [line.to_dict() for line in found.lines]     # each with its formula and its price's source

Nothing here reads AWS, a file outside the package, or the clock.
"""

from fsxn_runtime.cost.core import estimate
from fsxn_runtime.cost.model import Configuration, Estimate, Line, PriceList, Profile, plain
from fsxn_runtime.cost.plan import read_plan
from fsxn_runtime.cost.prices import price_list
from fsxn_runtime.cost.profile import read_profile

__all__ = [
    "Configuration",
    "Estimate",
    "Line",
    "PriceList",
    "Profile",
    "estimate",
    "plain",
    "price_list",
    "read_plan",
    "read_profile",
]
