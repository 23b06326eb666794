"""What a guardrail's decision and a forecast cost.

Store calls are counted at botocore, so retries of the product's own count too. Rates are those of the local
DynamoDB, which answers in a few milliseconds and is one process: they say how a decision compares with a bare
conditional write in the same run, not what AWS will do.
"""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Final

from fsxn_runtime.edge.log import set_level
from fsxn_runtime.forecast import Kind, Resource, Usage, forecast
from fsxn_runtime.guardrails import (
    Alerts,
    CapacityGuardrail,
    GuardrailOperations,
    GuardrailResult,
    GuardrailSettings,
    GuardrailStore,
)

from lab.cloud.emulator import Emulator
from tools.bench.figures import Figure

TABLE: Final = "bench"
TYPES: Final = 30
PER_TYPE: Final = (
    10  # the guardrail's default limit for a day; an item that remembers more is slower to write
)
DECISIONS: Final = TYPES * PER_TYPE
CALLERS: Final = 16  # more wait for each other at the one process that is the local AWS
MOST_CALLS: Final = 2  # to decide: one conditional write; on the first action of a day it takes two
VOLUMES: Final = 500
DAYS: Final = 30
SEED: Final = 1

Json = dict[str, Any]


@contextmanager
def calls_of(dynamodb: Any) -> Iterator[Counter[str]]:
    """Count the client's requests by operation while the body runs."""
    names: Counter[str] = Counter()

    def count(operation_name: str, **_: object) -> None:
        names[operation_name] += 1

    dynamodb.meta.events.register("request-created.dynamodb", count)
    try:
        yield names
    finally:
        dynamodb.meta.events.unregister("request-created.dynamodb", count)


def measure() -> Json:
    """Measure decisions and forecasts."""
    os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
    set_level("ERROR")
    with Emulator() as cloud:
        dynamodb = cloud.client("dynamodb")
        make_table(dynamodb)
        found: Json = {"calls": calls(dynamodb), "rates": rates(dynamodb)}
    return {**found, "forecast": forecasts(VOLUMES)}


def failures(found: Json) -> list[str]:
    """Say what is not as it must be: an allowed decision takes at most two calls of the store."""
    most = max(int(each["to_decide"]) for name, each in found["calls"].items() if name.startswith("allowed"))
    return [] if most <= MOST_CALLS else [f"an allowed decision took {most} calls; {MOST_CALLS} are allowed"]


def make_table(dynamodb: Any) -> None:
    """Make a table with the keys of the guardrail's."""
    dynamodb.create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
        KeySchema=[
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
    )


def guardrail(dynamodb: Any, **limits: int) -> CapacityGuardrail:
    """Make a guardrail without cooldown, alerts and metrics."""
    env = {f"GUARDRAIL_{name.upper()}": str(value) for name, value in limits.items()}
    settings = GuardrailSettings.from_env(
        {"GUARDRAIL_TABLE": TABLE, "GUARDRAIL_COOLDOWN_SECONDS": "0", **env}
    )
    store = GuardrailStore(dynamodb, TABLE)
    return CapacityGuardrail(settings, store=store, alerts=Alerts(None, ""), write_metrics=lambda _: None)


def ask(asked: CapacityGuardrail, action_type: str, run: Callable[[], object]) -> GuardrailResult:
    """Ask for one GiB."""
    return asked.check_and_execute(action_type=action_type, requested_gb=1, execute_fn=run)


def calls(dynamodb: Any) -> dict[str, Json]:
    """Count the store's calls of one decision of each kind: up to the action, and in all."""
    found: dict[str, Json] = {}
    kinds: tuple[tuple[str, int, int], ...] = (
        ("allowed, first of the day", 10, 0),
        ("allowed, a later one", 10, 1),
        ("denied", 1, 1),
    )
    for place, (name, limit, before) in enumerate(kinds):
        asked = guardrail(dynamodb, rate_limit=limit)
        for _ in range(before):
            ask(asked, f"kind-{place}", lambda: None)
        found[name] = counted(dynamodb, asked, f"kind-{place}")
    with grant(dynamodb):
        found["let through by a grant"] = counted(dynamodb, guardrail(dynamodb, rate_limit=1), "kind-2")
    return found


def counted(dynamodb: Any, asked: CapacityGuardrail, action_type: str) -> Json:
    """Ask once; a denied action has no moment at which it runs, so its decision is all but the audit."""
    until: list[int] = []
    with calls_of(dynamodb) as seen:
        ask(asked, action_type, lambda: until.append(seen.total()))
    decided = until[0] if until else seen.total() - seen["PutItem"]
    return {"to_decide": decided, "in_all": seen.total(), "operations": dict(seen)}


@contextmanager
def grant(dynamodb: Any) -> Iterator[None]:
    """Give a break-glass grant, and end it."""
    operations = GuardrailOperations(GuardrailStore(dynamodb, TABLE), Alerts(None, ""))
    operations.break_glass(actor="bench", reason="bench", seconds=60)
    yield
    operations.revert(actor="bench")


def rates(dynamodb: Any) -> Json:
    """Compare whole guarded actions a second with bare conditional writes, all by the same callers."""
    asked = guardrail(dynamodb, rate_limit=PER_TYPE)
    bare = per_second(lambda _: write(dynamodb))
    found = {
        "bare conditional write": bare,
        "allowed": per_second(lambda number: expect(asked, number, allowed=True)),
        "denied": per_second(lambda number: expect(asked, number, allowed=False)),
    }
    return {
        name: {"per_second": round(rate, 1), "ratio": round(rate / bare, 3)} for name, rate in found.items()
    }


def expect(asked: CapacityGuardrail, number: int, *, allowed: bool) -> None:
    """Ask for one of the types in turn: the first PER_TYPE of each are allowed."""
    result = ask(asked, f"type-{number % TYPES}", lambda: None)
    if result.allowed is not allowed:
        raise SystemExit(f"decision {number} was {result.reason or 'allowed'}")


def write(dynamodb: Any) -> None:
    """Count up one item under a condition: the least that any such decision costs."""
    dynamodb.update_item(
        TableName=TABLE,
        Key={"pk": {"S": "bare"}, "sk": {"S": "STATE"}},
        UpdateExpression="ADD action_count :one",
        ConditionExpression="attribute_not_exists(action_count) OR action_count < :limit",
        ExpressionAttributeValues={":one": {"N": "1"}, ":limit": {"N": str(DECISIONS * 2)}},
        ReturnValues="ALL_NEW",
    )


def per_second(once: Callable[[int], object]) -> float:
    """Do it DECISIONS times by CALLERS threads."""
    began = time.perf_counter()
    with ThreadPoolExecutor(CALLERS) as pool:
        for done in [pool.submit(once, number) for number in range(DECISIONS)]:
            done.result()
    return DECISIONS / (time.perf_counter() - began)


def forecasts(volumes: int) -> Json:
    """Time the forecasts of a file system with so many volumes: SSD tier, volumes, inodes of each.

    Hourly points over the window, growing with noise and with a clean-up now and then; nothing is read.
    """
    rng = random.Random(SEED)  # noqa: S311 (made-up data)
    usages = [usage(rng, Kind.SSD, "ssd")]
    for number in range(volumes):
        usages.append(usage(rng, Kind.VOLUME, f"fsvol-{number}"))
        usages.append(usage(rng, Kind.FILES, f"fsvol-{number}/files"))
    began = time.perf_counter()
    available = sum(forecast(one, float(DAYS), 2).available for one in usages)
    seconds = time.perf_counter() - began
    return {
        "volumes": volumes,
        "forecasts": len(usages),
        "available": available,
        "seconds": round(seconds, 2),
        "ms_each": round(1000 * seconds / len(usages), 2),
    }


def usage(rng: random.Random, kind: Kind, key: str) -> Usage:
    """Make one resource's month."""
    per_hour, used = rng.uniform(0.0, 0.5), rng.uniform(100.0, 500.0)
    points = []
    for hour in range(DAYS * 24):
        used += per_hour - (used * 0.1 if rng.random() < 0.002 else 0.0)
        points.append((hour / 24, used + rng.gauss(0.0, 1.0)))
    return Usage(Resource(kind, key, key), tuple(points), tuple((day, 1000.0) for day, _ in points))


def figures(found: Json) -> Iterator[Figure]:
    """Give what the page shows."""
    bare = "bare conditional write"
    for name, each in found["rates"].items():
        if name != bare:
            rate = found["rates"][bare]["per_second"]
            yield Figure("guarded actions a second", name, each["per_second"], bare, rate)


def table(found: Json) -> Iterator[str]:
    """Give the lines that are printed."""
    yield f"{'store calls of a decision':<34}{'to decide':>12}{'in all':>12}"
    for name, each in found["calls"].items():
        yield f"  {name:<32}{each['to_decide']:>12}{each['in_all']:>12}"
    yield f"{f'a second, {CALLERS} callers':<34}{'rate':>12}{'to bare':>12}"
    for name, each in found["rates"].items():
        yield f"  {name:<32}{each['per_second']:>12,.0f}{each['ratio']:>12.2f}"
    times = found["forecast"]
    yield (
        f"forecast of {times['volumes']} volumes: {times['forecasts']:,} forecasts in "
        f"{times['seconds']:.1f} s, {times['ms_each']:.1f} ms each"
    )
