"""The state table: one item per work key, changed by conditional writes only.

`pk` is `<uc_id>#<work_key>`. The index `status-index` (status, updated_at) serves the sweep and operators.
All IN_PROGRESS items are one partition of it: at about 500 files a second (two index writes each, 1,000 a
second per partition) the index holds back the table, and DynamoDB answers with throttling: messages are
tried again, and the starter's WorkloadMessagesFailed_count and the table's WriteThrottleEvents show it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from botocore.exceptions import ClientError

from fsxn_runtime.edge.aws_errors import aws_call
from fsxn_runtime.errors import ConflictError
from fsxn_runtime.events import format_timestamp
from fsxn_runtime.workloads.model import StateItem, Status

STATUS_INDEX: Final = "status-index"
_TEXTS: Final = ("uc_id", "work_key", "execution_arn", "event_id", "file_path", "updated_at")


class StateStore:
    """Reads and writes the items of one workload."""

    def __init__(self, dynamodb: Any, table: str, uc_id: str) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._uc_id = uc_id

    def get(self, work_key: str) -> StateItem | None:
        """Read one item as it is now (consistent read)."""
        with aws_call("dynamodb:GetItem"):
            answer = self._dynamodb.get_item(
                TableName=self._table, Key=self._key(work_key), ConsistentRead=True
            )
        return _read(answer["Item"]) if "Item" in answer else None

    def reserve(self, item: StateItem, ttl_us: int | None = None) -> StateItem | None:
        """Write the first item of a work key; give the one that is already there instead, if any."""
        attributes = _write(item) | {"duplicates": {"N": "0"}}
        if ttl_us is not None:
            attributes["ttl"] = _seconds(ttl_us)
        try:
            with aws_call("dynamodb:PutItem"):
                self._dynamodb.put_item(
                    TableName=self._table,
                    Item=self._key(item.work_key) | attributes,
                    ConditionExpression="attribute_not_exists(pk)",
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
        except ConflictError as exc:
            return _read(_old_item(exc))
        return None

    def advance(self, seen: StateItem, following: StateItem) -> bool:
        """Replace what was seen by the next attempt; False when another writer was first."""
        return self._change(
            seen,
            "SET #status = :status, attempt = :attempt, execution_arn = :arn, updated_at = :at, "
            "execution_input = :input REMOVE #ttl",
            {
                ":status": {"S": following.status},
                ":attempt": {"N": str(following.attempt)},
                ":arn": {"S": following.execution_arn},
                ":at": {"S": following.updated_at},
                ":input": {"S": following.execution_input},
            },
        )

    def close(self, seen: StateItem, status: Status, now_us: int, ttl_us: int) -> bool:
        """End what was seen, to be forgotten at `ttl_us`; False when another writer was first."""
        return self._change(
            seen,
            "SET #status = :status, updated_at = :at, #ttl = :ttl REMOVE execution_input",
            {
                ":status": {"S": status},
                ":at": {"S": format_timestamp(now_us)},
                ":ttl": _seconds(ttl_us),
            },
        )

    def count_duplicate(self, work_key: str) -> None:
        """Add one to the item's duplicates. Repeated calls count again: high, never low."""
        try:
            with aws_call("dynamodb:UpdateItem"):
                self._dynamodb.update_item(
                    TableName=self._table,
                    Key=self._key(work_key),
                    UpdateExpression="ADD duplicates :one",
                    ConditionExpression="attribute_exists(pk)",
                    ExpressionAttributeValues={":one": {"N": "1"}},
                )
        except ConflictError:
            pass  # the item's time to live ended just now; there is nothing left to count on

    def in_progress_before(self, time_us: int) -> Iterator[StateItem]:
        """Yield the open items last changed before a time, oldest first, page by page.

        The index is eventually consistent: what it gives is a hint, every change is conditional.
        """
        request: dict[str, Any] = {
            "TableName": self._table,
            "IndexName": STATUS_INDEX,
            "KeyConditionExpression": "#status = :status AND updated_at < :before",
            "ExpressionAttributeNames": {"#status": "status"},
            "ExpressionAttributeValues": {
                ":status": {"S": Status.IN_PROGRESS},
                ":before": {"S": format_timestamp(time_us)},
            },
        }
        while True:
            with aws_call("dynamodb:Query"):
                page = self._dynamodb.query(**request)
            yield from (_read(item) for item in page["Items"])
            if "LastEvaluatedKey" not in page:
                return
            request["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def _change(self, seen: StateItem, update: str, values: Mapping[str, Any]) -> bool:
        names = {"#status": "status", "#ttl": "ttl"}  # reserved words of DynamoDB
        try:
            with aws_call("dynamodb:UpdateItem"):
                self._dynamodb.update_item(
                    TableName=self._table,
                    Key=self._key(seen.work_key),
                    UpdateExpression=update,
                    ConditionExpression="#status = :seen_status AND attempt = :seen_attempt",
                    ExpressionAttributeNames=names,
                    ExpressionAttributeValues={
                        ":seen_status": {"S": seen.status},
                        ":seen_attempt": {"N": str(seen.attempt)},
                        **values,
                    },
                )
        except ConflictError:
            return False
        return True

    def _key(self, work_key: str) -> dict[str, Any]:
        return {"pk": {"S": f"{self._uc_id}#{work_key}"}}


def _old_item(conflict: ConflictError) -> Mapping[str, Any]:
    """Give the item that failed a write's condition, as the same answer carries it."""
    cause = conflict.__cause__
    assert isinstance(cause, ClientError)
    item: Mapping[str, Any] = cause.response["Item"]  # type: ignore[typeddict-item]  # DynamoDB adds it
    return item


def _write(item: StateItem) -> dict[str, Any]:
    return {
        **{name: {"S": getattr(item, name)} for name in _TEXTS},
        "status": {"S": item.status},
        "attempt": {"N": str(item.attempt)},
        "execution_input": {"S": item.execution_input},
    }


def _read(item: Mapping[str, Any]) -> StateItem:
    return StateItem(
        **{name: item[name]["S"] for name in _TEXTS},
        status=Status(item["status"]["S"]),
        attempt=int(item["attempt"]["N"]),
        execution_input=item["execution_input"]["S"] if "execution_input" in item else "",
    )


def _seconds(time_us: int) -> dict[str, str]:
    return {"N": str(time_us // 1_000_000)}
