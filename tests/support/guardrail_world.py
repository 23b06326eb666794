"""Guardrails over the local DynamoDB: table, clock, alerts, metrics, a process that can die."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from fsxn_runtime.guardrails import (
    CapacityGuardrail,
    GuardrailOperations,
    GuardrailSettings,
    GuardrailStore,
)

TABLE = "guardrails"
T0 = 1_769_860_800_000_000  # 2026-01-31T12:00:00Z
SECOND = 1_000_000
HOUR = 3600 * SECOND


class Crash(BaseException):  # not an Exception: nothing may catch it, as nothing catches a SIGKILL
    """The process died."""


class Dying:
    """A DynamoDB client whose process can die at the nth call; `down` is raised by every call."""

    def __init__(self, dynamodb: Any) -> None:
        self._dynamodb = dynamodb
        self.calls: list[str] = []
        self.until_crash: int | None = None
        self.after_effect = False
        self.down: Exception | None = None

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(**request: Any) -> Any:
            self.calls.append(name)
            if self.down is not None:
                raise self.down
            if self.until_crash is None:
                return getattr(self._dynamodb, name)(**request)
            self.until_crash -= 1
            if self.until_crash >= 0:
                return getattr(self._dynamodb, name)(**request)
            self.until_crash = None
            if self.after_effect:
                getattr(self._dynamodb, name)(**request)
            raise Crash

        return call


class Alerts:
    """Notes alerts; `order` is shared with the metrics and actions of a world."""

    def __init__(self, order: list[str]) -> None:
        self.order = order
        self.secrets: list[str] = []

    def send(self, subject: str, **fields: object) -> bool:
        return self.send_secret(subject, fields, {})

    def send_secret(self, subject: str, fields: Mapping[str, object], secret: Mapping[str, str]) -> bool:
        self.order.append(f"alert {subject}")
        self.secrets += secret.values()
        return True


class GuardrailWorld:
    """A table, and guardrails over it. Each test takes an action type of its own from `new_type`."""

    def __init__(self, dynamodb: Any) -> None:
        self._make_table(dynamodb)
        self.dynamodb = Dying(dynamodb)
        self.store = GuardrailStore(self.dynamodb, TABLE)
        self.order: list[str] = []
        self.alerts = Alerts(self.order)
        self.now = T0
        self._numbers = itertools.count(1)

    def start_over(self) -> None:
        """Begin at noon with an empty table and nothing told."""
        self.dynamodb.delete_table(TableName=TABLE)
        self._make_table(self.dynamodb)
        self.order.clear()
        self.now = T0
        self.alerts.secrets.clear()

    def _make_table(self, dynamodb: Any) -> None:
        dynamodb.create_table(
            TableName=TABLE,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
            KeySchema=[
                {"AttributeName": "pk", "KeyType": "HASH"},
                {"AttributeName": "sk", "KeyType": "RANGE"},
            ],
        )

    def new_type(self) -> str:
        return f"type-{next(self._numbers)}"

    def new_id(self) -> str:
        return f"id-{next(self._numbers)}"

    def note_metric(self, line: str) -> None:
        self.order.extend(f"metric {name}" for name in json.loads(line) if name.startswith("Guardrail"))

    def metrics(self) -> Counter[str]:
        return Counter(entry.split()[1] for entry in self.order if entry.startswith("metric"))

    def guardrail(self, mode: str = "ENFORCE", **changes: object) -> CapacityGuardrail:
        """A guardrail with these settings (named as in the environment, without GUARDRAIL_)."""
        env = {f"GUARDRAIL_{name.upper()}": str(value) for name, value in changes.items()}
        env |= {"GUARDRAIL_TABLE": TABLE, "GUARDRAIL_MODE": mode}
        return CapacityGuardrail(
            GuardrailSettings.from_env(env),
            store=self.store,
            alerts=self.alerts,  # type: ignore[arg-type]  # same method, no topic
            clock=lambda: self.now,
            new_id=self.new_id,
            write_metrics=self.note_metric,
        )

    def operations(self) -> GuardrailOperations:
        return GuardrailOperations(
            self.store,
            self.alerts,  # type: ignore[arg-type]
            clock=lambda: self.now,
            new_id=self.new_id,
        )

    def forget_grant(self) -> None:
        """Take the grant away without a word, for the next test."""
        self.dynamodb.delete_item(TableName=TABLE, Key={"pk": {"S": "BREAK_GLASS"}, "sk": {"S": "GRANT"}})
