"""What the local AWS was asked to do, counted as AWS counts it for a bill. Part of the emulator's process.

Each count is of a resource: a function, queue, table, bucket, state machine (by ARN) or bus. Lambda, the bus
and the queues' event source mappings work inside the emulator, so the counts are taken where that work
passes, not at the HTTP port. DynamoDB's units are the emulator's own sums (ConsumedCapacity).

Not here: Lambda's waiting calls to an empty queue (the emulator has no such pollers), and time, which on this
machine says nothing of AWS.
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Final

from ministack.services import cloudwatch_logs, dynamodb, eventbridge, s3, sqs, stepfunctions

CHUNK_BYTES: Final = 65536  # SQS and EventBridge charge each 64 KB as one
LOG_EVENT_BYTES: Final = 26  # added to each event's text (CloudWatch Logs, PutLogEvents)
LAMBDA_GROUP: Final = "/aws/lambda/"
QUEUE_CALLS: Final = (
    "DeleteMessage",
    "DeleteMessageBatch",
    "ReceiveMessage",
    "SendMessage",
    "SendMessageBatch",
)

_counts: Counter[tuple[str, str]] = Counter()
_lock = threading.Lock()


def add(what: str, resource: str, amount: float = 1) -> None:
    """Count; from any thread."""
    with _lock:
        _counts[what, resource] += amount  # type: ignore[assignment]  # units of reads come in halves


def counted(body: Any) -> object:  # noqa: ARG001 (every door has a body; this one needs none)
    """Answer [what, resource, amount] of everything since the start."""
    with _lock:
        found = dict(_counts)
    for execution in stepfunctions._executions.all_values():
        arn = execution["stateMachineArn"]
        entered = sum(str(event["type"]).endswith("StateEntered") for event in list(execution["events"]))
        found["executions", arn] = found.get(("executions", arn), 0) + 1
        found["state transitions", arn] = found.get(("state transitions", arn), 0) + 2 + entered  # start, end
    return [[what, resource, amount] for (what, resource), amount in sorted(found.items())]


def install() -> None:
    """Count from now on."""
    cloudwatch_logs._fanout_to_subscription_filters = _with_log(
        cloudwatch_logs._fanout_to_subscription_filters
    )
    for action in QUEUE_CALLS:
        sqs._HANDLERS[action] = _with_queue_call(sqs._HANDLERS[action], send=action.startswith("Send"))
    sqs._receive_messages_for_esm = _with_mapping_call(sqs._receive_messages_for_esm)
    sqs._delete_messages_for_esm = _with_mapping_call(sqs._delete_messages_for_esm)
    eventbridge._dispatch_to_sqs = _with_delivery(eventbridge._dispatch_to_sqs)
    eventbridge._put_events = _with_events(eventbridge._put_events)
    dynamodb._add_consumed_capacity = _with_units(dynamodb._add_consumed_capacity)
    dynamodb._conditional_check_failed = _with_refusal(dynamodb._conditional_check_failed)
    s3.handle_request = _with_object_call(s3.handle_request)


def chunks(size: int) -> int:
    """Requests that a payload of so many bytes counts as."""
    return max(1, -(-size // CHUNK_BYTES))


def _with_log(inner: Callable[..., None]) -> Callable[..., None]:
    """Wrap what every new log event passes: bytes of each group, invocations of each function."""

    def log(group: str, stream: str, events: list[dict[str, Any]]) -> None:
        add("log bytes", group, sum(len(event["message"].encode()) + LOG_EVENT_BYTES for event in events))
        if group.startswith(LAMBDA_GROUP):
            starts = sum(event["message"].startswith("START RequestId: ") for event in events)
            if starts:
                add("invocations", group.removeprefix(LAMBDA_GROUP), starts)
        inner(group, stream, events)

    return log


def _with_queue_call(inner: Callable[..., Any], *, send: bool) -> Callable[..., Any]:
    """Wrap a call of SQS: sends, and what reading takes (receive, delete)."""

    def call(data: Mapping[str, Any], url: str) -> Any:
        bodies = [data, *(entry for entry in data.get("Entries", []) if isinstance(entry, Mapping))]
        size = sum(len(str(each.get("MessageBody", "")).encode()) for each in bodies)
        what = "queue sends" if send else "queue reads"
        add(what, str(data.get("QueueUrl") or url).rsplit("/", 1)[-1], chunks(size))
        return inner(data, url)

    return call


def _with_mapping_call(inner: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap what an event source mapping does with a queue; a call that finds nothing is not counted."""

    def call(url: str, what: Any) -> Any:
        answer = inner(url, what)
        if answer or (isinstance(what, set) and what):
            add("queue reads", url.rsplit("/", 1)[-1])
        return answer

    return call


def _with_delivery(inner: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap what a rule puts into a queue."""

    def deliver(spec: Any, payload: Any, *more: Any) -> Any:
        add("queue sends", str(spec).rsplit(":", 1)[-1], chunks(len(json.dumps(payload).encode())))
        return inner(spec, payload, *more)

    return deliver


def _with_events(inner: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap PutEvents; events of AWS services cost nothing."""

    def put(data: Any, *more: Any, **named: Any) -> Any:
        for entry in data.get("Entries", []):
            if not str(entry.get("Source", "")).startswith("aws."):
                size = len(str(entry.get("Detail", "")).encode())
                bus = str(entry.get("EventBusName", "default")).rsplit("/", 1)[-1]
                add("events", bus, chunks(size))
                add("event bytes", bus, size)
        return inner(data, *more, **named)

    return put


def _with_units(inner: Callable[..., None]) -> Callable[..., None]:
    """Wrap what sums up the units of a call, so that it does that also when nobody asked."""

    def sum_up(result: Any, data: Any, table: str, write: bool = False, **named: Any) -> None:
        asked: dict[str, Any] = {}
        inner(asked, {**data, "ReturnConsumedCapacity": "TOTAL"}, table, write=write, **named)
        units = asked.get("ConsumedCapacity", {}).get("CapacityUnits", 0)
        # Apart, because only people and tools ask by query and scan: the path reads by key.
        add("write units" if write else "read units" if "Key" in data else "query units", table, units)
        inner(result, data, table, write=write, **named)

    return sum_up


def _with_refusal(inner: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap the answer to a write whose condition failed: it costs the units of the item that is there."""

    def refuse(data: Any, old_item: Any, *more: Any) -> Any:
        size = dynamodb._item_size_bytes(old_item) if old_item else 0
        add("write units", str(data.get("TableName")).rsplit("/", 1)[-1], dynamodb._capacity_kb(size))
        return inner(data, old_item, *more)

    return refuse


def _with_object_call(inner: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap S3: reads, writes and lists of each bucket or access point."""

    async def call(method: str, path: str, headers: Any, *more: Any, **named: Any) -> Any:
        if not named.get("internal"):
            bucket, key = s3._parse_bucket_key(path, headers)
            kind = (
                "lists" if method == "GET" and not key else "reads" if method in ("GET", "HEAD") else method
            )
            add(f"object {'writes' if kind in ('PUT', 'POST') else kind}", bucket)
        return await inner(method, path, headers, *more, **named)

    return call
