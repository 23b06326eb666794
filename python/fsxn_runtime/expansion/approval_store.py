"""What a proposal's item holds while a person is asked: task token, link, decision.

They are attributes of the operation's own item (`OperationStore`), and go with the write that starts or ends
the operation; only the link's hash stays, so that a used link can be told from a wrong one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fsxn_runtime.edge.aws_errors import aws_call
from fsxn_runtime.errors import ConflictError
from fsxn_runtime.expansion.approval import Approval, Decision, hash_of
from fsxn_runtime.expansion.core import PROPOSAL_US
from fsxn_runtime.expansion.model import Outcome
from fsxn_runtime.expansion.store import KEEP_US, operation_key, read_operation

_PROPOSED = {":proposed": {"S": str(Outcome.PROPOSED)}}


class ApprovalStore:
    """Reads and writes the table of operations. Idempotency key: the operation's id."""

    def __init__(self, dynamodb: Any, table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    def get(self, operation_id: str) -> Approval | None:
        """Read a proposal as it is now."""
        with aws_call("dynamodb:GetItem"):
            answer = self._dynamodb.get_item(
                TableName=self._table, Key=operation_key(operation_id), ConsistentRead=True
            )
        return _read(answer["Item"]) if "Item" in answer else None

    def ask(self, operation_id: str, task_token: str, token: str) -> bool:
        """Keep task token and the link's hash; an earlier link ends. False: it is no open proposal."""
        return self._change(
            operation_id,
            "SET task_token = :task, link_hash = :hash REMOVE decision, decided_us",
            "outcome = :proposed",
            _PROPOSED | {":task": {"S": task_token}, ":hash": {"S": hash_of(token)}},
        )

    def decide(
        self, operation_id: str, decision: Decision, actor: str, now_us: int, *, token: str | None = None
    ) -> Approval | None:
        """Decide in one conditional write, which consumes the link; give the proposal as it was before.

        With `token` only by the link of that token, within the proposal's time. None: decided before, not
        asked yet, over, or another link.
        """
        values: dict[str, Any] = _PROPOSED | {
            ":actor": {"S": actor},
            ":decision": {"S": str(decision)},
            ":now": {"N": str(now_us)},
        }
        condition = "outcome = :proposed AND attribute_exists(task_token) AND attribute_not_exists(decision)"
        update = "SET decision = :decision, decided_us = :now, actor = :actor"
        names: dict[str, str] = {}
        if token is not None:
            condition += " AND link_hash = :hash AND created_us > :oldest"
            values |= {":hash": {"S": hash_of(token)}, ":oldest": {"N": str(now_us - PROPOSAL_US)}}
        if decision is Decision.REJECT:  # nothing is left to do about it
            update += ", outcome = :rejected, reason = :reason, #ttl = :ttl REMOVE task_token"
            names = {"#ttl": "ttl"}
            values |= {
                ":rejected": {"S": str(Outcome.REJECTED)},
                ":reason": {"S": f"rejected by {actor}"},
                ":ttl": {"N": str((now_us + KEEP_US) // 1_000_000)},
            }
        before = self._update(operation_id, update, condition, values, names)
        return None if before is None else _read(before)

    def reopen(self, operation_id: str) -> bool:
        """Let a person be asked again about what was approved and could not begin."""
        return self._change(
            operation_id,
            "SET actor = :nobody REMOVE decision, decided_us, task_token",
            "outcome = :proposed AND attribute_exists(decision)",
            _PROPOSED | {":nobody": {"S": ""}},
        )

    def _change(self, operation_id: str, update: str, condition: str, values: Mapping[str, Any]) -> bool:
        return self._update(operation_id, update, condition, values, {}) is not None

    def _update(
        self,
        operation_id: str,
        update: str,
        condition: str,
        values: Mapping[str, Any],
        names: Mapping[str, str],
    ) -> Mapping[str, Any] | None:
        request: dict[str, Any] = {
            "TableName": self._table,
            "Key": operation_key(operation_id),
            "UpdateExpression": update,
            "ConditionExpression": condition,
            "ExpressionAttributeValues": values,
            "ReturnValues": "ALL_OLD",
        }
        if names:
            request["ExpressionAttributeNames"] = names
        try:
            with aws_call("dynamodb:UpdateItem"):
                answer = self._dynamodb.update_item(**request)
        except ConflictError:
            return None
        item: Mapping[str, Any] = answer["Attributes"]
        return item


def _read(item: Mapping[str, Any]) -> Approval:
    return Approval(
        operation=read_operation(item),
        task_token=item["task_token"]["S"] if "task_token" in item else "",
        decision=item["decision"]["S"] if "decision" in item else "",
        decided_us=int(item["decided_us"]["N"]) if "decided_us" in item else 0,
    )
