"""Measure guardrails on the local DynamoDB: calls of the table per decision, decisions a second.

`python tools/bench_guardrails.py` prints one JSON object. The local DynamoDB answers in a few milliseconds
without a network, so the figures say how the calls compare, not what AWS will do.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

sys.path.insert(
    0, str(Path(__file__).resolve().parents[1])
)  # started as a script, only tools/ is on the path

from fsxn_runtime.edge.log import set_level
from fsxn_runtime.guardrails import Alerts, CapacityGuardrail, GuardrailSettings, GuardrailStore

from lab.cloud.emulator import Emulator

DECISIONS = 200
CALLERS = 16  # more wait for each other at the one process that is the local AWS


class Counting:
    """A DynamoDB client that counts its calls."""

    def __init__(self, dynamodb: Any) -> None:
        self._dynamodb = dynamodb
        self.calls = 0

    def __getattr__(self, name: str) -> Any:
        def call(**request: Any) -> Any:
            self.calls += 1
            return getattr(self._dynamodb, name)(**request)

        return call


def guardrail(dynamodb: Any, **limits: int) -> CapacityGuardrail:
    """Make a guardrail with these limits, without alerts and metrics."""
    env = {f"GUARDRAIL_{name.upper()}": str(value) for name, value in limits.items()}
    settings = GuardrailSettings.from_env(
        env | {"GUARDRAIL_TABLE": "bench", "GUARDRAIL_COOLDOWN_SECONDS": "0"}
    )
    store = GuardrailStore(dynamodb, "bench")
    return CapacityGuardrail(settings, store=store, alerts=Alerts(None, ""), write_metrics=lambda _: None)


def calls_of(dynamodb: Any, action_type: str, **limits: int) -> dict[str, int]:
    """Count the calls before the second of two actions ran or was denied, and all calls for it."""
    counting = Counting(dynamodb)
    asked = guardrail(counting, **limits)
    asked.check_and_execute(action_type=action_type, requested_gb=1, execute_fn=lambda: None)
    counting.calls = 0
    before: list[int] = []
    asked.check_and_execute(
        action_type=action_type, requested_gb=1, execute_fn=lambda: before.append(counting.calls)
    )
    return {"to_decide": before[0] if before else counting.calls - 1, "in_all": counting.calls}


def rate(dynamodb: Any, action_type: str, limit: int) -> dict[str, float]:
    """Ask many times at once; give decisions a second and what they were."""
    asked = guardrail(dynamodb, rate_limit=limit, daily_cap_gb=10_000)

    def one(_: int) -> bool:
        return asked.check_and_execute(
            action_type=action_type, requested_gb=1, execute_fn=lambda: None
        ).allowed

    began = time.perf_counter()
    with ThreadPoolExecutor(CALLERS) as pool:
        answers = Counter(pool.map(one, range(DECISIONS)))
    seconds = time.perf_counter() - began
    return {"per_second": round(DECISIONS / seconds, 1), "allowed": answers[True], "denied": answers[False]}


def main() -> int:
    """Run the measurements."""
    os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
    set_level("ERROR")
    with Emulator() as cloud:
        dynamodb = cloud.client("dynamodb")
        dynamodb.create_table(
            TableName="bench",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
            KeySchema=[
                {"AttributeName": "pk", "KeyType": "HASH"},
                {"AttributeName": "sk", "KeyType": "RANGE"},
            ],
        )
        found = {
            "calls_allowed": calls_of(dynamodb, "calls-allowed"),
            "calls_denied": calls_of(dynamodb, "calls-denied", rate_limit=1),
            "all_allowed": rate(dynamodb, "allowed", 400),
            "mostly_denied": rate(dynamodb, "denied", 10),
        }
    print(json.dumps(found, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
