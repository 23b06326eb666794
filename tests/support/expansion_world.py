"""The expander with FSx and CloudWatch in memory, its tables on the local DynamoDB."""

from __future__ import annotations

from typing import Any

from fsxn_runtime.edge.clock import TimeBudget
from fsxn_runtime.edge.metrics import Emf
from fsxn_runtime.expansion.clients import Fsx, Usage
from fsxn_runtime.expansion.expander import Expander
from fsxn_runtime.expansion.handler import answer_event
from fsxn_runtime.expansion.model import Answer
from fsxn_runtime.expansion.settings import ExpansionSettings
from fsxn_runtime.expansion.store import OperationStore
from fsxn_runtime.lineage import LineageRecord, RecordResult

from tests.support.fsx_fake import FakeCloudWatch, FakeFsx
from tests.support.guardrail_world import GuardrailWorld

ALARM = "fsxn-s3ap-expansion-ssd"


def make_table(dynamodb: Any) -> str:
    """Make the table of operations, empty."""
    dynamodb.create_table(
        TableName="operations",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
        KeySchema=[
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
    )
    return "operations"


class Tracker:
    """Notes lineage."""

    def __init__(self) -> None:
        self.records: list[LineageRecord] = []

    def record(self, record: LineageRecord) -> RecordResult:
        self.records.append(record)
        return RecordResult(True)

    def flush(self, budget: object) -> tuple[int, int]:
        return 0, 0


class ExpansionWorld:
    """FSx, its metrics, the tables and the alerts of one expander."""

    def __init__(self, guardrails: GuardrailWorld, dynamodb: Any, table: str) -> None:
        self.guardrails = guardrails
        self.fsx = FakeFsx(lambda: self.guardrails.now)
        self.cloudwatch = FakeCloudWatch()
        self.lineage = Tracker()
        self.store = OperationStore(dynamodb, table)
        self.table = table

    @property
    def now(self) -> int:
        return self.guardrails.now

    @property
    def alerts(self) -> list[str]:
        return [entry.removeprefix("alert ") for entry in self.guardrails.order if "alert" in entry]

    def expander(self, level: str = "act", mode: str = "ENFORCE", **limits: object) -> Expander:
        """An expander at this level, under a guardrail with these limits."""
        env = {"EXPANSION_LEVEL": level, "EXPANSION_TABLE": self.table, "EXPANSION_ALARM_NAMES": ALARM}
        env |= {name: str(limits.pop(name)) for name in list(limits) if name.startswith("EXPANSION")}
        return Expander(
            ExpansionSettings.from_env(env),
            self.store,
            Fsx(self.fsx),
            Usage(self.cloudwatch),
            self.guardrails.guardrail(mode, **({"cooldown_seconds": 0} | limits)),
            self.lineage,  # type: ignore[arg-type]  # same method, no table
            self.guardrails.alerts,  # type: ignore[arg-type]
            Emf("test", write=lambda line: None),
        )

    def send(self, expander: Expander, event: dict[str, Any]) -> list[Answer]:
        """Give the function an event, with plenty of time."""
        return answer_event(expander, event, TimeBudget(lambda: 60_000, 0), self.now)
