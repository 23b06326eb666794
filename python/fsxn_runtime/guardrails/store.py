"""The guardrail table: every decision is one conditional UpdateItem of one state item.

Items (keys `pk`, `sk`):

    <type>            STATE             day, daily_total_gb, action_count, last_action_ts, failures, reset_at,
                                        and one attribute `action#<id>` per open or recent action
    <type>            YYYY-MM-DD        daily_total_gb, action_count, last_action_ts, ttl: for readers
    AUDIT#<type>      <time>#<id>       one action: what was said of it, and what became of it
    BREAK_GLASS       GRANT             the latest grant
    BREAK_GLASS_END   <grant id>        the grant's end was told

An action's id is an attribute of its own, so a repeated id is found by the same condition that holds the
limits, without a read before or a transaction: a transaction would answer concurrent callers with conflicts
instead of decisions.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from botocore.exceptions import ClientError

from fsxn_runtime.edge.aws_errors import aws_call
from fsxn_runtime.errors import ConflictError
from fsxn_runtime.events import format_timestamp, parse_timestamp
from fsxn_runtime.guardrails.model import (
    CLOCKS_US,
    Action,
    AuditEntry,
    Grant,
    Limits,
    Mode,
    Outcome,
    Reason,
    Reservation,
    State,
    Verdict,
)

STATE_KEY: Final = "STATE"
GRANT_KEY: Final = "BREAK_GLASS"
GRANT_END_KEY: Final = "BREAK_GLASS_END"
_DAY_LENGTH: Final = len("2026-01-31")
_PREFIX: Final = "action#"
_DAY_TTL_US: Final = 30 * 86_400_000_000
# An audit once a year must still find the whole year before it.
_AUDIT_TTL_US: Final = 400 * 86_400_000_000


class GuardrailStore:
    """Reads and writes one table. Idempotency key of an action: its type and id."""

    def __init__(self, dynamodb: Any, table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    def reserve(self, action: Action, limits: Limits | None, *, new_day: bool) -> tuple[bool, State | None]:
        """Count the action and note it as open, if the limits (None: no limits) let it pass.

        `new_day` is what the caller believes of the item: the write applies only when that is so. On a new
        day count and total begin with this action, so whether it fits alone is the caller's to know. Gives
        whether it was written, and the item after the write, or as it was (None: there is none).
        """
        values: dict[str, Any] = {
            ":action": {"M": _write_reservation(Reservation(action, Outcome.OPEN))},
            ":gb": {"N": str(action.requested_gb)},
            ":now": {"S": format_timestamp(action.at_us)},
            ":one": {"N": "1"},
            ":today": {"S": format_timestamp(action.at_us)[:_DAY_LENGTH]},
        }
        conditions = ["attribute_not_exists(#action)"]
        if new_day:
            conditions.append("(attribute_not_exists(#day) OR #day < :today)")
            update = (
                "SET #action = :action, #day = :today, daily_total_gb = :gb, action_count = :one, "
                "last_action_ts = :now, failures = if_not_exists(failures, :zero)"
            )
            values[":zero"] = {"N": "0"}
        else:
            conditions.append("#day >= :today")
            update = "SET #action = :action, last_action_ts = :now ADD daily_total_gb :gb, action_count :one"
        if limits is not None:
            conditions += _limit_conditions(action, limits, values, new_day=new_day)
        try:
            with aws_call("dynamodb:UpdateItem"):
                answer = self._dynamodb.update_item(
                    TableName=self._table,
                    Key=_key(action.action_type, STATE_KEY),
                    UpdateExpression=update,
                    ConditionExpression=" AND ".join(conditions),
                    ExpressionAttributeNames={"#action": _PREFIX + action.action_id, "#day": "day"},
                    ExpressionAttributeValues=values,
                    ReturnValues="ALL_NEW",
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
        except ConflictError as exc:
            return False, _old_state(action.action_type, exc)
        return True, _read_state(action.action_type, answer["Attributes"])

    def settle(self, action: Action, outcome: Outcome, *, forget: Iterable[str] = ()) -> bool:
        """Close an open action; count a failure, or end the row of failures. False: closed already."""
        closed = _write_reservation(_remembered(action, outcome))
        values: dict[str, Any] = {":closed": {"M": closed}, ":open": {"S": Outcome.OPEN}}
        if outcome is Outcome.FAILED:
            update, values[":one"] = "SET #action = :closed ADD failures :one", {"N": "1"}
        elif outcome is Outcome.EXECUTED:
            update, values[":zero"] = "SET #action = :closed, failures = :zero", {"N": "0"}
        else:
            update = "SET #action = :closed"
        names = {"#action": _PREFIX + action.action_id, "#outcome": "outcome"}
        old = {f"#old{number}": _PREFIX + action_id for number, action_id in enumerate(forget)}
        if old:
            update += " REMOVE " + ", ".join(old)
        return self._change(action.action_type, update, "#action.#outcome = :open", names | old, values)

    def conclude(self, action_type: str, action_id: str, outcome: Outcome) -> tuple[bool, Action | None]:
        """Note how an action ended, over whatever was noted before: a lost answer is a failure until somebody
        sees its success. Gives whether this end is new, and the action (None: no longer known).
        """
        update = "SET #action.#outcome = :outcome"
        values: dict[str, Any] = {":outcome": {"S": outcome}}
        if outcome is Outcome.FAILED:
            update, values[":one"] = f"{update} ADD failures :one", {"N": "1"}
        else:
            update, values[":zero"] = f"{update}, failures = :zero", {"N": "0"}
        try:
            with aws_call("dynamodb:UpdateItem"):
                answer = self._dynamodb.update_item(
                    TableName=self._table,
                    Key=_key(action_type, STATE_KEY),
                    UpdateExpression=update,
                    ConditionExpression="attribute_exists(#action) AND #action.#outcome <> :outcome",
                    ExpressionAttributeNames={"#action": _PREFIX + action_id, "#outcome": "outcome"},
                    ExpressionAttributeValues=values,
                    ReturnValues="ALL_NEW",
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
        except ConflictError as exc:
            return False, _action_of(_old_state(action_type, exc), action_id)
        return True, _action_of(_read_state(action_type, answer["Attributes"]), action_id)

    def audit_end(self, action: Action, outcome: Outcome) -> bool:
        """Note in the action's audit line how it ended; False when there is none."""
        return self._change(
            f"AUDIT#{action.action_type}",
            "SET #outcome = :outcome",
            "attribute_exists(pk)",
            {"#outcome": "outcome"},
            {":outcome": {"S": outcome}},
            sort_key=_audit_key(action),
        )

    def release(self, action: Action) -> bool:
        """Take back an open action that is known not to have run, if its day still counts it.

        After a reset it does not: taking it back then would count what came later too low. A reset less than
        a minute before the action may have been after it, by another clock.
        """
        not_run = _write_reservation(_remembered(action, Outcome.NOT_EXECUTED))
        values = {
            ":closed": {"M": not_run},
            ":day": {"S": format_timestamp(action.at_us)[:_DAY_LENGTH]},
            ":minus_gb": {"N": str(-action.requested_gb)},
            ":minus_one": {"N": "-1"},
            ":open": {"S": Outcome.OPEN},
            ":sure": {"S": format_timestamp(max(action.at_us - CLOCKS_US, 0))},
        }
        names = {"#action": _PREFIX + action.action_id, "#day": "day", "#outcome": "outcome"}
        update = "SET #action = :closed ADD daily_total_gb :minus_gb, action_count :minus_one"
        counted = "(attribute_not_exists(reset_at) OR reset_at < :sure)"
        condition = f"#action.#outcome = :open AND #day = :day AND {counted}"
        return self._change(action.action_type, update, condition, names, values)

    def reset(self, action_type: str, now_us: int) -> bool:
        """Set the day's use and the row of failures to nothing; open actions stay open. False: no state.

        The day becomes that of `now_us`: a clock far ahead would have stopped the days otherwise.
        """
        return self._change(
            action_type,
            "SET daily_total_gb = :zero, action_count = :zero, failures = :zero, #day = :today, "
            "reset_at = :now REMOVE last_action_ts",
            "attribute_exists(pk)",
            {"#day": "day"},
            {
                ":now": {"S": format_timestamp(now_us)},
                ":today": {"S": format_timestamp(now_us)[:_DAY_LENGTH]},
                ":zero": {"N": "0"},
            },
        )

    def state(self, action_type: str) -> State | None:
        """Read the state item as it is now (consistent read)."""
        item = self._get(action_type, STATE_KEY)
        return None if item is None else _read_state(action_type, item)

    def put_day(self, state: State) -> None:
        """Write the day for readers, unless a later action has written it. Never decides anything."""
        last = state.last_action_us or 0
        values = {
            ":count": {"N": str(state.count)},
            ":gb": {"N": str(state.total_gb)},
            ":last": {"S": format_timestamp(last)},
            ":ttl": _seconds(last + _DAY_TTL_US),
        }
        names = {"#ttl": "ttl"}
        update = "SET action_count = :count, daily_total_gb = :gb, last_action_ts = :last, #ttl = :ttl"
        condition = "attribute_not_exists(action_count) OR action_count < :count"
        self._change(state.action_type, update, condition, names, values, sort_key=state.day)

    def put_audit(self, entry: AuditEntry) -> None:
        """Write what is known of an action. The same action again replaces what was known before."""
        action = entry.action
        item = _write_reservation(Reservation(action, entry.outcome)) | {
            "verdict": {"S": entry.verdict},
            "reason": {"S": entry.reason},
            "ttl": _seconds(action.at_us + _AUDIT_TTL_US),
        }
        self._put(_key(f"AUDIT#{action.action_type}", _audit_key(action)) | item)

    def audit(self, action_type: str, *, since: str = "", newest_first: bool = True) -> Iterator[AuditEntry]:
        """Yield the audit of one type, page by page. `since` is RFC 3339 UTC."""
        request: dict[str, Any] = {
            "TableName": self._table,
            "KeyConditionExpression": "pk = :pk AND sk >= :since",
            "ExpressionAttributeValues": {
                ":pk": {"S": f"AUDIT#{action_type}"},
                ":since": {"S": since or "0"},
            },
            "ScanIndexForward": not newest_first,
        }
        while True:
            with aws_call("dynamodb:Query"):
                page = self._dynamodb.query(**request)
            for item in page["Items"]:
                reservation = _read_reservation(action_type, item["action_id"]["S"], item)
                yield AuditEntry(
                    reservation.action,
                    Verdict(item["verdict"]["S"]),
                    Reason(item["reason"]["S"]),
                    reservation.outcome,
                )
            if "LastEvaluatedKey" not in page:
                return
            request["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def grant(self) -> Grant | None:
        """Read the latest grant, live or ended (consistent read)."""
        item = self._get(GRANT_KEY, "GRANT")
        if item is None:
            return None
        return Grant(
            grant_id=item["grant_id"]["S"],
            actor=item["actor"]["S"],
            reason=item["reason"]["S"],
            granted_us=parse_timestamp(item["granted_at"]["S"]),
            expires_us=parse_timestamp(item["expires_at"]["S"]),
        )

    def put_grant(self, grant: Grant) -> bool:
        """Write a grant unless another one is live; say whether it is written."""
        item = _key(GRANT_KEY, "GRANT") | {
            "grant_id": {"S": grant.grant_id},
            "actor": {"S": grant.actor},
            "reason": {"S": grant.reason},
            "granted_at": {"S": format_timestamp(grant.granted_us)},
            "expires_at": {"S": format_timestamp(grant.expires_us)},
        }
        condition = "attribute_not_exists(pk) OR expires_at <= :now"
        try:
            self._put(item, condition, {":now": {"S": format_timestamp(grant.granted_us)}})
        except ConflictError:
            return False
        return True

    def end_grant(self, grant: Grant, now_us: int) -> bool:
        """End a grant before its time. False: another grant is there, or it has ended already."""
        return self._change(
            GRANT_KEY,
            "SET expires_at = :now",
            "grant_id = :id AND expires_at > :now",
            {},
            {":id": {"S": grant.grant_id}, ":now": {"S": format_timestamp(now_us)}},
            sort_key="GRANT",
        )

    def claim_grant_end(self, grant: Grant) -> bool:
        """Say whether the caller is the one who tells of this grant's end."""
        item = _key(GRANT_END_KEY, grant.grant_id) | {"ttl": _seconds(grant.expires_us + _AUDIT_TTL_US)}
        try:
            self._put(item, "attribute_not_exists(pk)")
        except ConflictError:
            return False
        return True

    def _get(self, pk: str, sk: str) -> Mapping[str, Any] | None:
        with aws_call("dynamodb:GetItem"):
            answer = self._dynamodb.get_item(TableName=self._table, Key=_key(pk, sk), ConsistentRead=True)
        item: Mapping[str, Any] | None = answer.get("Item")
        return item

    def _put(
        self, item: Mapping[str, Any], condition: str = "", values: Mapping[str, Any] | None = None
    ) -> None:
        request: dict[str, Any] = {"TableName": self._table, "Item": item}
        if condition:
            request["ConditionExpression"] = condition
        if values:
            request["ExpressionAttributeValues"] = values
        with aws_call("dynamodb:PutItem"):
            self._dynamodb.put_item(**request)

    def _change(
        self,
        pk: str,
        update: str,
        condition: str,
        names: Mapping[str, str],
        values: Mapping[str, Any],
        *,
        sort_key: str = STATE_KEY,
    ) -> bool:
        request: dict[str, Any] = {
            "TableName": self._table,
            "Key": _key(pk, sort_key),
            "UpdateExpression": update,
            "ConditionExpression": condition,
            "ExpressionAttributeValues": values,
        }
        if names:
            request["ExpressionAttributeNames"] = names
        try:
            with aws_call("dynamodb:UpdateItem"):
                self._dynamodb.update_item(**request)
        except ConflictError:
            return False
        return True


def _limit_conditions(action: Action, limits: Limits, values: dict[str, Any], *, new_day: bool) -> list[str]:
    """Write the limits as conditions; for count and cap of a new day see `reserve`."""
    conditions = ["(attribute_not_exists(failures) OR failures < :max_failures)"]
    values[":max_failures"] = {"N": str(limits.max_failures)}
    if limits.cooldown_seconds:
        ready = max(action.at_us - limits.cooldown_seconds * 1_000_000, 0)
        conditions.append("(attribute_not_exists(last_action_ts) OR last_action_ts <= :ready)")
        values[":ready"] = {"S": format_timestamp(ready)}
    if not new_day:
        conditions.append("action_count < :limit AND daily_total_gb <= :room")
        room = limits.daily_cap_gb - action.requested_gb
        values |= {":limit": {"N": str(limits.actions_per_day)}, ":room": {"N": str(room)}}
    return conditions


def _key(pk: str, sk: str) -> dict[str, Any]:
    return {"pk": {"S": pk}, "sk": {"S": sk}}


def _action_of(state: State | None, action_id: str) -> Action | None:
    found = state.reservations.get(action_id) if state is not None else None
    return None if found is None else found.action


def _audit_key(action: Action) -> str:
    return f"{format_timestamp(action.at_us)}#{action.action_id}"


def _old_state(action_type: str, conflict: ConflictError) -> State | None:
    """Give the item that failed a write's condition, as the same answer carries it."""
    cause = conflict.__cause__
    assert isinstance(cause, ClientError)
    item: Mapping[str, Any] | None = cause.response.get("Item")  # type: ignore[assignment]
    return _read_state(action_type, item) if item else None


def _read_state(action_type: str, item: Mapping[str, Any]) -> State:
    return State(
        action_type=action_type,
        day=item["day"]["S"],
        total_gb=Decimal(item["daily_total_gb"]["N"]),
        count=int(item["action_count"]["N"]),
        last_action_us=parse_timestamp(item["last_action_ts"]["S"]) if "last_action_ts" in item else None,
        failures=int(item["failures"]["N"]),
        reservations={
            name.removeprefix(_PREFIX): _read_reservation(action_type, name.removeprefix(_PREFIX), value["M"])
            for name, value in item.items()
            if name.startswith(_PREFIX)
        },
    )


def _remembered(action: Action, outcome: Outcome) -> Reservation:
    """Leave out what only an open action needs: every write of the item is paid for by the item's size."""
    return Reservation(replace(action, context={}), outcome)


def _write_reservation(reservation: Reservation) -> dict[str, Any]:
    action = reservation.action
    return {
        "action_id": {"S": action.action_id},
        "at": {"S": format_timestamp(action.at_us)},
        "context": {"S": json.dumps(dict(action.context), sort_keys=True)},
        "mode": {"S": action.mode},
        "nonce": {"S": action.nonce},
        "outcome": {"S": reservation.outcome},
        "requested_gb": {"N": str(action.requested_gb)},
    }


def _read_reservation(action_type: str, action_id: str, item: Mapping[str, Any]) -> Reservation:
    action = Action(
        action_type=action_type,
        action_id=action_id,
        requested_gb=Decimal(item["requested_gb"]["N"]),
        at_us=parse_timestamp(item["at"]["S"]),
        mode=Mode(item["mode"]["S"]),
        nonce=item["nonce"]["S"],
        context=json.loads(item["context"]["S"]),
    )
    return Reservation(action, Outcome(item["outcome"]["S"]))


def _seconds(time_us: int) -> dict[str, str]:
    return {"N": str(time_us // 1_000_000)}
