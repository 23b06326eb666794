"""The table of operations: proposals, running growth, what ended, and what was told already.

Items (keys `pk`, `sk`): `OPERATION` and the operation's id; `TOLD` and what was told. An ended operation and
a told thing go by their time to live.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from typing import Any, Final

from fsxn_runtime.edge.aws_errors import aws_call
from fsxn_runtime.errors import ConflictError
from fsxn_runtime.expansion.model import Kind, Operation, Outcome

# A quarter shows how a file system grew; lineage keeps it longer.
KEEP_US: Final = 90 * 86_400_000_000
OPEN: Final = frozenset({Outcome.PROPOSED, Outcome.STARTED})
_NUMBERS: Final = frozenset({"from_mib", "to_mib", "created_us"})


class OperationStore:
    """Reads and writes one table. Idempotency key: the operation's id, which follows from its content."""

    def __init__(self, dynamodb: Any, table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    def put(self, operation: Operation) -> bool:
        """Write an operation that is new, or begin one that was proposed; False when it is there already."""
        values = {":proposed": {"S": Outcome.PROPOSED}, ":outcome": {"S": operation.outcome}}
        item = _write(operation)
        condition = "attribute_not_exists(pk) OR (outcome = :proposed AND outcome <> :outcome)"
        return self._put(item, condition, values)

    def end(self, operation: Operation, outcome: Outcome, reason: str, now_us: int) -> bool:
        """Close an open operation; False when somebody else did."""
        ended = replace(operation, outcome=outcome, reason=reason)
        item = _write(ended) | {"ttl": {"N": str((now_us + KEEP_US) // 1_000_000)}}
        return self._put(item, "outcome = :seen", {":seen": {"S": operation.outcome}})

    def get(self, operation_id: str) -> Operation | None:
        """Read one operation as it is now."""
        with aws_call("dynamodb:GetItem"):
            answer = self._dynamodb.get_item(
                TableName=self._table, Key=operation_key(operation_id), ConsistentRead=True
            )
        return read_operation(answer["Item"]) if "Item" in answer else None

    def all(self) -> Iterator[Operation]:
        """Yield every operation that is kept, page by page. There are few: each is a growth."""
        request: dict[str, Any] = {
            "TableName": self._table,
            "ConsistentRead": True,
            "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": {":pk": {"S": "OPERATION"}},
        }
        while True:
            with aws_call("dynamodb:Query"):
                page = self._dynamodb.query(**request)
            yield from (read_operation(item) for item in page["Items"])
            if "LastEvaluatedKey" not in page:
                return
            request["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def open(self) -> list[Operation]:
        """Give the operations that wait for approval or for their result."""
        return [operation for operation in self.all() if operation.outcome in OPEN]

    def first_time(self, told: str, now_us: int) -> bool:
        """Say whether this is told for the first time, and note it."""
        item = _key("TOLD", told) | {"ttl": {"N": str((now_us + KEEP_US) // 1_000_000)}}
        return self._put(item, "attribute_not_exists(pk)", {})

    def _put(self, item: Mapping[str, Any], condition: str, values: Mapping[str, Any]) -> bool:
        request: dict[str, Any] = {
            "TableName": self._table,
            "Item": item,
            "ConditionExpression": condition,
        }
        if values:
            request["ExpressionAttributeValues"] = values
        try:
            with aws_call("dynamodb:PutItem"):
                self._dynamodb.put_item(**request)
        except ConflictError:
            return False
        return True


def operation_key(operation_id: str) -> dict[str, Any]:
    """Give the key of an operation's item."""
    return _key("OPERATION", operation_id)


def _key(pk: str, sk: str) -> dict[str, Any]:
    return {"pk": {"S": pk}, "sk": {"S": sk}}


def _write(operation: Operation) -> dict[str, Any]:
    values = {field.name: getattr(operation, field.name) for field in fields(operation)}
    return operation_key(operation.operation_id) | {
        name: {"N": str(value)} if name in _NUMBERS else {"S": str(value)} for name, value in values.items()
    }


def read_operation(item: Mapping[str, Any]) -> Operation:
    """Read an operation's item, whatever else it holds."""
    values: dict[str, Any] = {
        field.name: int(item[field.name]["N"]) if field.name in _NUMBERS else item[field.name]["S"]
        for field in fields(Operation)
        if field.name in item  # an earlier version wrote fewer
    }
    values["outcome"] = Outcome(values["outcome"])
    values["kind"] = Kind(values["kind"])
    return Operation(**values)
