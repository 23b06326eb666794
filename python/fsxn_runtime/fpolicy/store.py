"""The reconciler's table: the lock, and what is remembered from run to run.

Items by `pk`: `LOCK` (owner, until_us), `SVM#<name>` (wanted, good_us, lost_us), `EMS` (time, keys),
`LOGINS` (refused). The lock is one conditional write; the rest is written by whoever holds it, `LOGINS` also
by a run without it: the function's concurrency is one. What is wanted is kept here, because Terraform gives
it by invoking the function: an SVM is wanted from its apply to its destroy, under the lock, so a late event
never brings back what was removed.
"""

from __future__ import annotations

import json
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
    """What is wanted, and what one run tells the next."""

    def __init__(self, dynamodb: Any, table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    def keep_wanted(self, name: str, document: Mapping[str, Any]) -> None:
        """Keep what Terraform wants of an SVM from now on."""
        self._update(f"SVM#{name}", "SET wanted = :wanted", {":wanted": {"S": json.dumps(document)}})

    def forget(self, name: str) -> None:
        """Forget an SVM that nobody wants any more."""
        with aws_call("dynamodb:DeleteItem"):
            self._dynamodb.delete_item(TableName=self._table, Key={"pk": {"S": f"SVM#{name}"}})

    def wanted(self) -> dict[str, dict[str, Any]]:
        """Give what is wanted, by name of the SVM. The table has a handful of items."""
        found: dict[str, dict[str, Any]] = {}
        request: dict[str, Any] = {"TableName": self._table, "ConsistentRead": True}
        while True:
            with aws_call("dynamodb:Scan"):
                page = self._dynamodb.scan(**request)
            for item in page["Items"]:
                if "wanted" in item:
                    found[item["pk"]["S"].removeprefix("SVM#")] = json.loads(item["wanted"]["S"])
            if "LastEvaluatedKey" not in page:
                return found
            request["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def svm(self, name: str) -> tuple[int, int | None]:
        """Give when all connections were last there (0: never seen), and since when one is lost."""
        item = self._get(f"SVM#{name}")
        lost = item.get("lost_us")
        return int(item.get("good_us", {"N": "0"})["N"]), int(lost["N"]) if lost else None

    def keep_svm(self, name: str, good_us: int, lost_us: int | None) -> None:
        """Keep these two. Losing them costs precision of the reconnect time, nothing else."""
        values = {":good": {"N": str(good_us)}}
        if lost_us is None:
            self._update(f"SVM#{name}", "SET good_us = :good REMOVE lost_us", values)
        else:
            values[":lost"] = {"N": str(lost_us)}
            self._update(f"SVM#{name}", "SET good_us = :good, lost_us = :lost", values)

    def ems(self) -> EmsPosition:
        """Give up to where ONTAP's log was read."""
        item = self._get("EMS")
        keys = item.get("keys", {"SS": []})["SS"]
        return EmsPosition(item.get("time", {"S": ""})["S"], frozenset(keys))

    def keep_ems(self, position: EmsPosition) -> None:
        """Keep up to where ONTAP's log was read."""
        item: dict[str, Any] = {"pk": {"S": "EMS"}, "time": {"S": position.time}}
        if position.keys:
            item["keys"] = {"SS": sorted(position.keys)}
        with aws_call("dynamodb:PutItem"):
            self._dynamodb.put_item(TableName=self._table, Item=item)

    def _get(self, pk: str) -> Mapping[str, Any]:
        return _item(self._dynamodb, self._table, pk)

    def _update(self, pk: str, expression: str, values: Mapping[str, Any]) -> None:
        with aws_call("dynamodb:UpdateItem"):
            self._dynamodb.update_item(
                TableName=self._table,
                Key={"pk": {"S": pk}},
                UpdateExpression=expression,
                ExpressionAttributeValues=dict(values),
            )


class Logins:
    """The memory of refused logins (`fsxn_runtime.ontap`): a new process goes on where the last one was."""

    def __init__(self, dynamodb: Any, table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    def read(self) -> str:
        """Give what was written last; "" when nothing was."""
        return str(_item(self._dynamodb, self._table, "LOGINS").get("refused", {"S": ""})["S"])

    def write(self, text: str) -> None:
        """Keep it in the place of what was there."""
        with aws_call("dynamodb:PutItem"):
            self._dynamodb.put_item(
                TableName=self._table, Item={"pk": {"S": "LOGINS"}, "refused": {"S": text}}
            )


def _item(dynamodb: Any, table: str, pk: str) -> Mapping[str, Any]:
    with aws_call("dynamodb:GetItem"):
        answer = dynamodb.get_item(TableName=table, Key={"pk": {"S": pk}}, ConsistentRead=True)
    item: Mapping[str, Any] = answer.get("Item", {})
    return item
