"""The lineage table: one write, three paged queries.

Keys: `source_file_key` and `processing_timestamp`; index `uc_id-timestamp-index` (workload, time),
`execution-index` (execution ARN), `write_hour-index` (hour of writing, time; for exports). Indexes are
eventually consistent: a record written a moment ago may be missing there for about a second.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

from fsxn_runtime.edge.aws_errors import aws_call
from fsxn_runtime.lineage.items import from_item
from fsxn_runtime.lineage.model import LineageRecord

UC_ID_INDEX: Final = "uc_id-timestamp-index"
EXECUTION_INDEX: Final = "execution-index"
# After every sort key that begins with a given time: "~" sorts behind "#" and all digits.
_LAST: Final = "~"

_serialize = TypeSerializer().serialize
_deserialize = TypeDeserializer().deserialize


class LineageStore:
    """Reads and writes one table. Every query yields records page by page, so memory stays bounded."""

    def __init__(self, dynamodb: Any, table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    def put(self, item: Mapping[str, Any]) -> None:
        """Write one item of `items.to_item`. Writing it again changes nothing."""
        with aws_call("dynamodb:PutItem"):
            self._dynamodb.put_item(
                TableName=self._table, Item={name: _serialize(value) for name, value in item.items()}
            )

    def by_file(self, source_file_key: str) -> Iterator[LineageRecord]:
        """Yield what was done with one file, newest first."""
        return self._query(None, "source_file_key = :key", {":key": source_file_key}, newest_first=True)

    def by_workload(self, uc_id: str, since: str = "", until: str = "") -> Iterator[LineageRecord]:
        """Yield what one workload did, oldest first; times (RFC 3339 UTC, both included) bound the start."""
        # An empty sort key is not allowed; "0" sorts before every year.
        values = {":key": uc_id, ":since": since or "0", ":until": until + _LAST}
        condition = "uc_id = :key AND processing_timestamp BETWEEN :since AND :until"
        return self._query(UC_ID_INDEX, condition, values)

    def by_execution(self, execution_arn: str) -> Iterator[LineageRecord]:
        """Yield the records of one execution."""
        return self._query(EXECUTION_INDEX, "step_functions_execution_arn = :key", {":key": execution_arn})

    def _query(
        self, index: str | None, condition: str, values: Mapping[str, str], *, newest_first: bool = False
    ) -> Iterator[LineageRecord]:
        request: dict[str, Any] = {
            "TableName": self._table,
            "KeyConditionExpression": condition,
            "ExpressionAttributeValues": {name: {"S": value} for name, value in values.items()},
            "ScanIndexForward": not newest_first,
        }
        if index is not None:
            request["IndexName"] = index
        while True:
            with aws_call("dynamodb:Query"):
                page = self._dynamodb.query(**request)
            for item in page["Items"]:
                yield from_item({name: _deserialize(value) for name, value in item.items()})
            if "LastEvaluatedKey" not in page:
                return
            request["ExclusiveStartKey"] = page["LastEvaluatedKey"]
