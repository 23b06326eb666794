"""Read from AWS what a run left behind: queues, state items, lineage, outputs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from boto3.dynamodb.types import TypeDeserializer

from fsxn_runtime.edge.aws_errors import aws_call
from fsxn_runtime.edge.clients import client
from fsxn_runtime.errors import RejectedError
from fsxn_runtime.events import parse_timestamp
from fsxn_runtime.report.model import LineageRow, Output, Work, WorkItem

READERS = 8  # reading one small object is waiting; eight keep two cores busy
_DEPTHS = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
)
_plain = TypeDeserializer().deserialize


@dataclass(frozen=True, slots=True)
class Place:
    """Where one workload leaves its traces. `prefix` ends with the workload's identifier, no slash."""

    bucket: str
    prefix: str
    state_table: str
    lineage_table: str

    @property
    def uc_id(self) -> str:
        """The workload's identifier."""
        return self.prefix.rsplit("/", 1)[-1]


def queue_depths(urls: Mapping[str, str]) -> dict[str, int]:
    """Give the messages of each queue: visible, in flight and delayed. Raises errors of `edge.aws_errors`."""
    return {name: _depth(url) for name, url in urls.items()}


def _depth(url: str) -> int:
    with aws_call("sqs:GetQueueAttributes"):
        answer = client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=list(_DEPTHS))
    return sum(int(answer["Attributes"][name]) for name in _DEPTHS)


class Reader:
    """Reads one place. Every method raises the errors of `edge.aws_errors`."""

    def __init__(self, place: Place) -> None:
        self._place = place

    def work(self, wanted_types: frozenset[str]) -> Work:
        """Read everything that the workload made."""
        return Work(self.outputs(), self.items(), self.lineage(), wanted_types)

    def items(self) -> list[WorkItem]:
        """Every state item of the workload."""
        mine = f"{self._place.uc_id}#"
        return [
            WorkItem(
                work_key=row["pk"].removeprefix(mine),
                status=row["status"],
                event_id=row.get("event_id", ""),
                path=row.get("file_path", ""),
                duplicates=int(row.get("duplicates", 0)),
            )
            for row in self._scan(self._place.state_table)
            if row["pk"].startswith(mine)
        ]

    def lineage(self) -> list[LineageRow]:
        """Every lineage record of the workload."""
        query = {
            "TableName": self._place.lineage_table,
            "IndexName": "uc_id-timestamp-index",
            "KeyConditionExpression": "uc_id = :uc_id",
            "ExpressionAttributeValues": {":uc_id": {"S": self._place.uc_id}},
        }
        return [
            LineageRow(
                work_key=row.get("work_key", ""),
                execution_arn=row.get("step_functions_execution_arn", ""),
                status=row["status"],
            )
            for row in self._pages("query", query)
        ]

    def outputs(self) -> list[Output]:
        """Read every output below the workload's prefix."""
        with ThreadPoolExecutor(READERS) as pool:
            return list(pool.map(self._output, self._output_keys()))

    def _output_keys(self) -> Iterator[str]:
        prefix = f"{self._place.prefix}/"
        with aws_call("s3:ListBucket"):
            pages = client("s3").get_paginator("list_objects_v2")
            for page in pages.paginate(Bucket=self._place.bucket, Prefix=prefix):
                yield from (entry["Key"] for entry in page.get("Contents", []))

    def _output(self, key: str) -> Output:
        with aws_call("s3:GetObject"):
            body = client("s3").get_object(Bucket=self._place.bucket, Key=key)["Body"].read()
        try:
            report = json.loads(body)
            return Output(
                work_key=report["work_key"],
                event_id=report["event_id"],
                action=report["action"],
                path=report["file_path"],
                target_path=report.get("target_path"),
                last_modified=report.get("last_modified"),
                size=report["size"],
                sha256=report["sha256"],
                processed_us=parse_timestamp(report["processed_at"]),
            )
        except (ValueError, KeyError, TypeError) as exc:
            raise RejectedError(f"s3://{self._place.bucket}/{key} is not a report: {exc}") from exc

    def _scan(self, table: str) -> Iterator[dict[str, Any]]:
        return self._pages("scan", {"TableName": table})

    def _pages(self, operation: str, arguments: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        with aws_call(f"dynamodb:{operation.title()}"):
            for page in client("dynamodb").get_paginator(operation).paginate(**arguments):
                for row in page["Items"]:
                    yield {name: _plain(value) for name, value in row.items()}
