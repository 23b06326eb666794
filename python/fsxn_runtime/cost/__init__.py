"""What the platform costs: quantities from traffic and configuration, times dated list prices.

    profile = read_profile({"hours": 730, "events": 2_000_000, "busy_events_per_second": 50,
                            "workloads": {"content-inventory": {}}})
    found = estimate(profile, read_plan(plan), price_list("us-east-1"))
    found.usd, found.by_workload, found.per_million_versions     # Decimal, USD
    [line.to_dict() for line in found.lines]     # each with its formula and its price's source

    compare(found, [{"workload": "content-inventory", "quantity": "S3 reads", "amount": 3_990_000}])

Nothing here reads AWS, a file outside the package, or the clock.
"""

from fsxn_runtime.cost.core import compare, estimate
from fsxn_runtime.cost.model import Comparison, Configuration, Estimate, Line, PriceList, Profile, plain
from fsxn_runtime.cost.plan import read_plan
from fsxn_runtime.cost.prices import price_list
from fsxn_runtime.cost.profile import read_profile

__all__ = [
    "Comparison",
    "Configuration",
    "Estimate",
    "Line",
    "PriceList",
    "Profile",
    "compare",
    "estimate",
    "plain",
    "price_list",
    "read_plan",
    "read_profile",
]
