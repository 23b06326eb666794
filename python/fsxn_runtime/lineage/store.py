"""The lineage table: writing one record, and the queries.

Keys: `source_file_key` and `processing_timestamp`; index `uc_id-timestamp-index` (workload, time),
`execution-index` (execution ARN), `write_hour-index` (hour of writing, time; for exports). Indexes are
eventually consistent: a record written a moment ago may be missing there for about a second.

A record with outputs has one small item more for each, a pointer under `output:<key>` that names the record:
an index has one value for each record, and a record may have several outputs.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

from fsxn_runtime.edge.aws_errors import aws_call
from fsxn_runtime.errors import ConflictError, RejectedError
from fsxn_runtime.lineage.items import OUTPUT_PREFIX, from_item, pointers
from fsxn_runtime.lineage.model import LineageRecord

UC_ID_INDEX: Final = "uc_id-timestamp-index"
EXECUTION_INDEX: Final = "execution-index"
# A thousand records of usual size are a megabyte, which is also DynamoDB's page.
MAX_PAGE: Final = 1_000
# After every sort key that begins with a given time: "~" sorts behind "#" and all digits.
_LAST: Final = "~"

_serialize = TypeSerializer().serialize
_deserialize = TypeDeserializer().deserialize


@dataclass(frozen=True, slots=True)
class Page:
    """Some records, and what to ask for the following ones with; None: these were the last."""

    records: tuple[LineageRecord, ...]
    token: str | None


class Records:
    """The answer to a query: iterate to read all of it, page by page, or ask for one page.

    Both raise the errors of `edge.aws_errors`: what cannot be read is never an empty answer.
    """

    def __init__(
        self,
        dynamodb: Any,
        request: Mapping[str, Any],
        read: Callable[[dict[str, Any]], LineageRecord | None] = from_item,
    ) -> None:
        self._dynamodb = dynamodb
        self._request = request
        self._read = read

    def __iter__(self) -> Iterator[LineageRecord]:
        start: Mapping[str, Any] | None = None
        while True:
            records, start = self._query(start)
            yield from records
            if start is None:
                return

    def page(self, limit: int = 100, token: str | None = None) -> Page:
        """Read at most `limit` records; fewer do not mean that there are no more, a missing token does.

        Raises RejectedError for a limit outside 1 to 1,000 and for a token that is not one of this query.
        """
        if not 1 <= limit <= MAX_PAGE:
            raise RejectedError(f"limit is {limit}; it must be 1 to {MAX_PAGE}", code="wrong_limit")
        records, following = self._query(None if token is None else self._start_of(token), limit)
        return Page(records, None if following is None else self._token(following))

    def _query(
        self, start: Mapping[str, Any] | None, limit: int | None = None
    ) -> tuple[tuple[LineageRecord, ...], Mapping[str, Any] | None]:
        request = dict(self._request)
        if start is not None:
            request["ExclusiveStartKey"] = start
        if limit is not None:
            request["Limit"] = limit
        with aws_call("dynamodb:Query"):
            answer = self._dynamodb.query(**request)
        found = (self._read(plain(item)) for item in answer["Items"])
        return tuple(record for record in found if record is not None), answer.get("LastEvaluatedKey")

    def _digest(self) -> str:
        """Bind a token to its query; not to bounds of time, which may be given as "7 days ago"."""
        request = self._request
        about = [
            request["TableName"],
            request.get("IndexName"),
            request["ExpressionAttributeValues"][":key"],
            request["ScanIndexForward"],
        ]
        return hashlib.sha256(json.dumps(about).encode()).hexdigest()[:16]

    def _token(self, start: Mapping[str, Any]) -> str:
        keys = {name: value["S"] for name, value in start.items()}
        return base64.urlsafe_b64encode(json.dumps([self._digest(), keys]).encode()).decode()

    def _start_of(self, token: str) -> Mapping[str, Any]:
        try:
            match json.loads(base64.b64decode(token.encode("ascii"), b"-_", validate=True)):
                case [digest, {} as keys] if digest == self._digest() and keys:
                    if all(isinstance(value, str) and value for value in keys.values()):
                        return {name: {"S": value} for name, value in keys.items()}
        except (ValueError, RecursionError):
            pass  # not even of a token's form: refused below with the same words
        raise RejectedError(
            "the page token is none of this query; use the token of the page before, or none for the first",
            code="bad_token",
        )


class LineageStore:
    """Reads and writes one table."""

    def __init__(self, dynamodb: Any, table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    def put(self, item: Mapping[str, Any]) -> None:
        """Write one item of `items.to_item`, unless it is there: a record is never changed.

        The pointers of its outputs come first, so that a record that is there is found by its outputs. One
        by one: a writer that may batch may also delete. Idempotency key: the item's two keys.
        """
        for pointer in pointers(item):
            self._put(pointer)
        self._put(item)

    def _put(self, item: Mapping[str, Any]) -> None:
        try:
            with aws_call("dynamodb:PutItem"):
                self._dynamodb.put_item(
                    TableName=self._table,
                    Item={name: _serialize(value) for name, value in item.items()},
                    ConditionExpression="attribute_not_exists(source_file_key)",
                )
        except ConflictError:
            pass  # the same item, written before

    def by_file(self, source_file_key: str) -> Records:
        """Give what was done with one file, newest first."""
        return self._records(None, "source_file_key = :key", {":key": source_file_key}, newest_first=True)

    def by_workload(self, uc_id: str, since: str = "", until: str = "") -> Records:
        """Give what one workload did, oldest first; times (RFC 3339 UTC, both included) bound the start."""
        # An empty sort key is not allowed; "0" sorts before every year.
        values = {":key": uc_id, ":since": since or "0", ":until": until + _LAST}
        condition = "uc_id = :key AND processing_timestamp BETWEEN :since AND :until"
        return self._records(UC_ID_INDEX, condition, values)

    def by_execution(self, execution_arn: str) -> Records:
        """Give the records of one execution."""
        return self._records(EXECUTION_INDEX, "step_functions_execution_arn = :key", {":key": execution_arn})

    def by_output(self, output_key: str) -> Records:
        """Give the records that name this output, newest first: their files are its inputs.

        Workloads with a bucket each may use one key: `uc_id` tells them apart.
        """
        request = self._request(
            None, "source_file_key = :key", {":key": OUTPUT_PREFIX + output_key}, newest_first=True
        )
        return Records(self._dynamodb, request, self._pointed_at)

    def _pointed_at(self, pointer: Mapping[str, Any]) -> LineageRecord | None:
        """Read a pointer's record; None when it expired, or was never written because its writer died."""
        key = {
            "source_file_key": {"S": pointer["record_file_key"]},
            "processing_timestamp": {"S": pointer["processing_timestamp"]},
        }
        with aws_call("dynamodb:GetItem"):
            answer = self._dynamodb.get_item(TableName=self._table, Key=key)
        return from_item(plain(answer["Item"])) if "Item" in answer else None

    def _records(
        self, index: str | None, condition: str, values: Mapping[str, str], *, newest_first: bool = False
    ) -> Records:
        return Records(self._dynamodb, self._request(index, condition, values, newest_first=newest_first))

    def _request(
        self, index: str | None, condition: str, values: Mapping[str, str], *, newest_first: bool
    ) -> dict[str, Any]:
        request: dict[str, Any] = {
            "TableName": self._table,
            "KeyConditionExpression": condition,
            "ExpressionAttributeValues": {name: {"S": value} for name, value in values.items()},
            "ScanIndexForward": not newest_first,
        }
        if index is not None:
            request["IndexName"] = index
        return request


def plain(item: Mapping[str, Any]) -> dict[str, Any]:
    """Give an item's values without DynamoDB's type names."""
    return {name: _deserialize(value) for name, value in item.items()}
