"""Where polling keeps its watermark: one item of the state table, changed by conditional writes only.

`pk` is `poll#<uc_id>`. It has no `status`, so it is in no index and no sweep sees it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from fsxn_runtime.edge.aws_errors import aws_call
from fsxn_runtime.workloads.model import Pass, Watermark


class PollStore:
    """Reads and writes the watermark of one workload."""

    def __init__(self, dynamodb: Any, table: str, uc_id: str) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._key = {"pk": {"S": f"poll#{uc_id}"}}

    def get(self) -> Watermark | None:
        """Read the watermark as it is now; None when polling has never run."""
        with aws_call("dynamodb:GetItem"):
            answer = self._dynamodb.get_item(TableName=self._table, Key=self._key, ConsistentRead=True)
        return _read(answer["Item"]) if "Item" in answer else None

    def put(self, known: Watermark) -> Watermark:
        """Write it over the revision that it came from; give it with the next one.

        Raises ConflictError when another poller wrote meanwhile.
        """
        following = replace(known, revision=known.revision + 1)
        item = self._key | {
            "mark_us": {"N": str(following.mark_us)},
            "begun_us": {"N": str(following.begun_us)},
            "revision": {"N": str(following.revision)},
        }
        if following.under_way is not None:
            item["under_way"] = {"S": json.dumps(asdict(following.under_way))}
        with aws_call("dynamodb:PutItem"):
            self._dynamodb.put_item(
                TableName=self._table,
                Item=item,
                ConditionExpression="revision = :seen" if known.revision else "attribute_not_exists(pk)",
                **(
                    {"ExpressionAttributeValues": {":seen": {"N": str(known.revision)}}}
                    if known.revision
                    else {}
                ),
            )
        return following


def _read(item: Mapping[str, Any]) -> Watermark:
    walk = json.loads(item["under_way"]["S"]) if "under_way" in item else None
    return Watermark(
        mark_us=int(item["mark_us"]["N"]),
        begun_us=int(item["begun_us"]["N"]),
        under_way=None if walk is None else Pass(**walk),
        revision=int(item["revision"]["N"]),
    )
