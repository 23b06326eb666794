"""The reconciler's table: the lock, and what is remembered from run to run.

Items by `pk`: `LOCK` (owner, until_us), `SVM#<name>` (good_us, lost_us, removed), `EMS` (time, keys). The
lock is one conditional write; the rest is written by whoever holds it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from fsxn_runtime.edge.aws_errors import aws_call
from fsxn_runtime.edge.clock import now_us
from fsxn_runtime.errors import ConflictError, TransientError
from fsxn_runtime.fpolicy.watch import EmsPosition

# Longer than any call to ONTAP (ontap_side.py), and short: a run that died keeps the others out for so long.
LEASE_US: Final = 30_000_000


class Lock:
    """Only one run changes ONTAP at a time. Owner: the invocation's id."""

    def __init__(self, dynamodb: Any, table: str, owner: str) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._owner = owner

    def take(self) -> bool:
        """Take the lock, or take it again; False while another run has it."""
        now = now_us()
        try:
            with aws_call("dynamodb:PutItem"):
                self._dynamodb.put_item(
                    TableName=self._table,
                    Item={
                        "pk": {"S": "LOCK"},
                        "owner": {"S": self._owner},
                        "until_us": {"N": str(now + LEASE_US)},
                    },
                    ConditionExpression="attribute_not_exists(pk) OR #o = :me OR until_us < :now",
                    ExpressionAttributeNames={"#o": "owner"},
                    ExpressionAttributeValues={":me": {"S": self._owner}, ":now": {"N": str(now)}},
                )
        except ConflictError:
            return False
        return True

    def renew(self) -> None:
        """Prove before a change that the lock is still ours, and keep it. Raises TransientError."""
        if not self.take():
            raise TransientError(
                "another run took the lock after ours had been silent for longer than its lease",
                code="lock_lost",
            )

    def release(self) -> None:
        """Give the lock back; one that is not ours any more stays."""
        try:
            with aws_call("dynamodb:DeleteItem"):
                self._dynamodb.delete_item(
                    TableName=self._table,
                    Key={"pk": {"S": "LOCK"}},
                    ConditionExpression="#o = :me",
                    ExpressionAttributeNames={"#o": "owner"},
                    ExpressionAttributeValues={":me": {"S": self._owner}},
                )
        except ConflictError:
            pass


class Memory:
    """What one run tells the next. Losing it costs precision of the reconnect time, nothing else."""

    def __init__(self, dynamodb: Any, table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    def svm(self, name: str) -> tuple[int, int | None]:
        """Give when all connections were last there (0: never seen), and since when one is lost."""
        item = self._get(f"SVM#{name}")
        lost = item.get("lost_us")
        return int(item.get("good_us", {"N": "0"})["N"]), int(lost["N"]) if lost else None

    def keep_svm(self, name: str, good_us: int, lost_us: int | None) -> None:
        """Keep these two; an SVM that was removed is wanted again by that."""
        item = {"good_us": {"N": str(good_us)}}
        if lost_us is not None:
            item["lost_us"] = {"N": str(lost_us)}
        self._put(f"SVM#{name}", item)

    def is_removed(self, name: str) -> bool:
        """Say whether Terraform removed this SVM: a run that still finds it wanted is late."""
        return "removed" in self._get(f"SVM#{name}")

    def remove_svm(self, name: str) -> None:
        """Keep in mind that this SVM was removed."""
        self._put(f"SVM#{name}", {"removed": {"BOOL": True}})

    def ems(self) -> EmsPosition:
        """Give up to where ONTAP's log was read."""
        item = self._get("EMS")
        keys = item.get("keys", {"SS": []})["SS"]
        return EmsPosition(item.get("time", {"S": ""})["S"], frozenset(keys))

    def keep_ems(self, position: EmsPosition) -> None:
        """Keep up to where ONTAP's log was read."""
        item: dict[str, Any] = {"time": {"S": position.time}}
        if position.keys:
            item["keys"] = {"SS": sorted(position.keys)}
        self._put("EMS", item)

    def _get(self, pk: str) -> Mapping[str, Any]:
        with aws_call("dynamodb:GetItem"):
            answer = self._dynamodb.get_item(
                TableName=self._table, Key={"pk": {"S": pk}}, ConsistentRead=True
            )
        item: Mapping[str, Any] = answer.get("Item", {})
        return item

    def _put(self, pk: str, item: Mapping[str, Any]) -> None:
        with aws_call("dynamodb:PutItem"):
            self._dynamodb.put_item(TableName=self._table, Item={"pk": {"S": pk}, **item})
