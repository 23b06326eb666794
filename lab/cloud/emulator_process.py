"""The emulator's process: ministack, plus the seams that the laboratory needs. Started by `Emulator`.

- `POST /_lab/service-events` publishes events of AWS services (sources `aws.*`, which PutEvents refuses
  to everybody, here as on AWS). Body: what PutEvents takes.
- `POST /_lab/ecs-task` records one ECS task as the ECS runner sees it. The emulator's own scheduler, which
  calls tasks RUNNING although nothing runs, is switched off: without a runner no task ever starts.
- `POST /_lab/emf-lines` takes the log lines with an EMF header that arrived since the last call.
- `POST /_lab/queue-figures` says of each queue how many messages are visible and how old the oldest one is,
  which SQS tells CloudWatch and nobody else.
- `POST /_lab/usage` says what was used so far, as AWS counts it for a bill (`usage.py`).
- `POST /_lab/function-environment` adds variables for every process of a function that starts from now on.
- `POST /_lab/faults` says which of the product's calls go wrong from now on (`faults.py`).
- At most LAB_LAMBDA_ENVIRONMENTS processes run for one function; more invocations wait for one. The emulator
  alone starts a process for each concurrent invocation: 400 executions at once were 245 Python processes.
- A function that cannot start says why in its log, and its error keeps its name, as on AWS (Lambda developer
  guide, "Troubleshooting"); the emulator alone logs nothing of it and calls it `Runtime.Unknown`.
- An invocation's log is complete when the bootstrap says so, and the runtime API answers without Nagle's
  algorithm. The emulator alone waits 5 to 50 ms for more output, and 40 ms for an acknowledgement.
- IAM compares requests to CloudWatch Logs with `log-group:NAME:log-stream:...`, so that the form of policy
  which AWS asks for (`log-group:NAME:*`) allows them; the emulator alone wants the form that AWS refuses.
- A service that takes a role says for which account (`aws:SourceAccount`), as trust policies ask; the
  emulator alone lets the account's root stand for services but leaves that key out.
- Policies see `aws:PrincipalArn` of a function as its role, as on AWS (IAM guide, global condition keys), and
  every request as one over TLS, because the laboratory has none on loopback; the emulator alone gives the
  session, and refuses everything where a bucket's policy asks for TLS.
- SQS batch calls need the permission of the single call, as on AWS (service authorization reference, SQS has
  no batch actions); the emulator alone asks for `sqs:SendMessageBatch`.
- Reading a missing object needs `s3:ListBucket` too: without it the answer is 403, as on AWS (S3 API
  reference, HeadObject and GetObject, permissions); the emulator alone says 404 to everybody.
- A secret's rotation calls the four steps (`secret_rotation.py`); the emulator alone says that it rotated.
- Who sends a task's result needs permission on the state machine that waits (`task_tokens.py`), as on AWS;
  the emulator alone asks for it on everything.
- An alarm sees only the metric with exactly its dimensions; to the emulator alone one queue's messages are
  those of every queue.
- The process ends, with its Lambda workers and its folder (TMPDIR), when its standard input does:
  whoever started it is gone.

Only the laboratory knows the token that the doors ask for.
"""

from __future__ import annotations

import hmac
import json
import os
import queue
import shutil
import signal
import socketserver
import sys
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from types import FunctionType
from typing import Any

from ministack import app as ministack_app
from ministack.core import iam_actions, iam_evaluator, lambda_runtime
from ministack.core.responses import set_request_account_id, set_request_region
from ministack.services import cloudwatch, cloudwatch_logs, ecs, eventbridge, lambda_svc, s3, sqs

from lab.cloud import secret_rotation, task_tokens, usage
from lab.cloud.faults import Application, AwsFaults, Receive, Scope, Send, read_body, with_faults
from lab.cloud.lambda_bootstrap import END_OF_LOG

TOKEN_HEADER = "x-lab-token"  # noqa: S105 (the name of a header)
TOKEN_VARIABLE = "LAB_TOKEN"  # noqa: S105 (the name of a variable)

EMF_LINES_KEPT = 100_000  # minutes of a storm when nobody collects; then the oldest are lost
LOG_SECONDS = 0.25  # the emulator's own limit, reached only when a bootstrap ends without its mark
_emf_lines: deque[tuple[str, str]] = deque(maxlen=EMF_LINES_KEPT)

_faults = AwsFaults()


def put_service_events(body: Any) -> object:
    """Publish on the default bus, as an AWS service would."""
    eventbridge._put_events(body, allow_aws_source=True)
    return {}


def record_ecs_task(body: Any) -> object:
    """Store one task, and count it for its cluster, its service and its deployment."""
    task = {**body["task"], "_deployment_id": body["deployment_id"], "_startup_stable": body["stable"]}
    cluster = task["clusterArn"].rsplit("/", 1)[-1]
    service = task["group"].removeprefix("service:")
    ecs._tasks[task["taskArn"]] = task
    ecs._recount_cluster(cluster)
    ecs._refresh_service_state(cluster, task["group"])
    ecs._complete_service_deployment(cluster, f"{cluster}/{service}")
    return {}


def take_emf_lines(body: Any) -> object:  # noqa: ARG001 (every door has a body; this one needs none)
    """Answer and forget the lines that wait, oldest first, as [log group, line]."""
    taken = []
    while _emf_lines:
        taken.append(_emf_lines.popleft())
    return taken


def queue_figures(body: Any) -> object:  # noqa: ARG001 (every door has a body; this one needs none)
    """Answer [visible messages, age of the oldest message in seconds] by the queue's name."""
    now = time.time()
    figures = {}
    for _, queue_ in sqs._queues.all_items():
        sent = [message.get("sent_at", now) for message in queue_["messages"]]
        visible = sum(message.get("visible_at", 0.0) <= now for message in queue_["messages"])
        figures[queue_["name"]] = [visible, max(0.0, now - min(sent, default=now))]
    return figures


def set_function_environment(body: Any) -> object:
    """Add variables; a function's process inherits this process's, and its own settings win."""
    os.environ.update(body)
    return {}


def with_emf_lines(fan_out: Callable[..., None]) -> Callable[..., None]:
    """Wrap the emulator's subscription filters: every new log event of every source passes there."""

    def keep_and_fan_out(group: str, stream: str, events: list[dict[str, Any]]) -> None:
        for event in events:
            if '"_aws"' in event["message"]:
                _emf_lines.append((group, event["message"]))
        fan_out(group, stream, events)

    return keep_and_fan_out


def with_dimensions(evaluate: FunctionType) -> Callable[[dict[str, Any]], None]:
    """Wrap the evaluation of an alarm, which looks through all metrics for those with its metric's name."""

    def evaluate_its_metric(alarm: dict[str, Any]) -> None:
        dimensions = {each["Name"]: each["Value"] for each in alarm.get("Dimensions") or ()}
        key = (alarm.get("Namespace"), alarm.get("MetricName"), cloudwatch._dims_key(dimensions))
        points = cloudwatch._metrics.get(key)
        if points:
            # The same code over one metric. Other threads publish meanwhile, so the module's own stays.
            names = {**evaluate.__globals__, "_metrics": {key: points}}
            FunctionType(evaluate.__code__, names)(alarm)

    return evaluate_its_metric


DOORS: Mapping[str, Callable[[Any], object]] = {
    "/_lab/service-events": put_service_events,
    "/_lab/ecs-task": record_ecs_task,
    "/_lab/emf-lines": take_emf_lines,
    "/_lab/queue-figures": queue_figures,
    "/_lab/usage": usage.counted,
    "/_lab/function-environment": set_function_environment,
    "/_lab/faults": _faults.replace,
}


def with_doors(inner: Application, token: str, account: str, region: str) -> Application:
    """Wrap the emulator's ASGI application so that it also answers the paths in DOORS."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] not in DOORS:
            await inner(scope, receive, send)
            return
        given = dict(scope["headers"]).get(TOKEN_HEADER.encode(), b"")
        if not hmac.compare_digest(given, token.encode()):
            await _answer(send, 403)
            return
        body = await read_body(receive)
        set_request_account_id(account)
        set_request_region(region)
        answer = DOORS[scope["path"]](json.loads(body))
        await _answer(send, 200, json.dumps(answer).encode())

    return application


async def _answer(send: Send, status: int, body: bytes = b"") -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def with_log_streams(extract: Callable[..., str]) -> Callable[..., str]:
    """Wrap the emulator's choice of the ARN that a request is checked against.

    Source: CloudWatch Logs user guide, "Identity and access management", ARN formats: `log-group:NAME:*` for
    every action but tagging, which takes `log-group:NAME`.
    """

    def resource_arn(service: str, *request: Any) -> str:
        arn = extract(service, *request)
        headers, body = request[2], request[3]
        if service != "logs" or arn == "*" or "Tag" in headers.get("x-amz-target", ""):
            return arn
        return f"{arn}:log-stream:{json.loads(body).get('logStreamName', '')}"

    return resource_arn


def with_environment_limit(execute: Callable[..., Any], limit: int) -> Callable[..., Any]:
    """Wrap the execution of a function: `limit` at a time for each function, the others queue.

    AWS would start more environments, which a small machine cannot; waiting looks like a slow cold start, and
    neither throttles nor fails anything. The function's own timeout starts after the wait.
    """
    slots: defaultdict[str, threading.BoundedSemaphore] = defaultdict(
        lambda: threading.BoundedSemaphore(limit)
    )

    def execute_with_slot(function: dict[str, Any], event: Any, request_id: str) -> Any:
        config = function.get("config") or function
        with slots[config["FunctionArn"]]:
            return execute(function, event, request_id)

    return execute_with_slot


def read_log_of_invocation(worker: lambda_runtime.ProvidedWorker, **_: float) -> str:
    """Take the lines of one invocation up to the bootstrap's mark; what there is after LOG_SECONDS."""
    lines: list[str] = []
    deadline = time.monotonic() + LOG_SECONDS
    while True:
        try:
            line = worker._stderr_queue.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            break
        if line == END_OF_LOG:
            break
        lines.append(line)
    return "\n".join(lines)


def with_init_errors(invoke: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """Wrap an invocation: an error that the bootstrap posted while starting is an answer, with its log."""

    def invoke_or_say_why(worker: lambda_runtime.ProvidedWorker, *given: Any, **named: Any) -> dict[str, Any]:
        try:
            return invoke(worker, *given, **named)
        except RuntimeError:
            error = worker._init_error
            if not isinstance(error, dict):  # not the bootstrap's: nothing could be started at all
                raise
            log = read_log_of_invocation(worker)
            return {"status": "error", "error": error["errorMessage"], "error_payload": error, "log": log}

    return invoke_or_say_why


def with_batch_permissions(extract: Callable[..., str | None]) -> Callable[..., str | None]:
    """Wrap the naming of actions: `sqs:SendMessageBatch` is `sqs:SendMessage`, and so on."""

    def iam_action(*arguments: Any, **named: Any) -> str | None:
        action = extract(*arguments, **named)
        return action.removesuffix("Batch") if action and action.startswith("sqs:") else action

    return iam_action


def with_mapping_permissions(extract: Callable[..., str | None]) -> Callable[..., str | None]:
    """Wrap the naming of actions: reading or changing one event source mapping has actions of its own."""
    verbs = {"GET": "Get", "PUT": "Update", "DELETE": "Delete"}

    def iam_action(service: str, method: str, path: str, *others: Any) -> str | None:
        folder, _, mapping = path.rstrip("/").rpartition("/")
        if service == "lambda" and folder.endswith("/event-source-mappings") and mapping and method in verbs:
            return f"lambda:{verbs[method]}EventSourceMapping"
        return extract(service, method, path, *others)

    return iam_action


def with_missing_objects(
    checks: Callable[..., list[tuple[str, str]]],
) -> Callable[..., list[tuple[str, str]]]:
    """Wrap the checks of S3 requests: who reads an object that is not there must be allowed to list."""

    def s3_additional_checks(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
    ) -> list[tuple[str, str]]:
        found = checks(method, path, headers, body, query)
        name, key = s3._parse_bucket_key(path, headers)
        if key and iam_actions._s3_action(method, path, query) in ("GetObject", "HeadObject"):
            access_point = s3.access_point_for_alias(name)
            bucket = s3._ensure_bucket(access_point[1] if access_point else name)
            if bucket is not None and key not in bucket["objects"]:
                found.append(("s3:ListBucket", f"arn:aws:s3:::{name}"))
        return found

    return s3_additional_checks


def with_source_account(evaluate: Callable[..., bool]) -> Callable[..., bool]:
    """Wrap the evaluation of trust policies: the account of the service that takes the role is known."""

    def evaluate_trust_policy(document: Any, caller_arn: str, context: Any = None) -> bool:
        if context is not None and context.principal_type == "Root":
            context.service_context["aws:sourceaccount"] = context.principal_account
        return evaluate(document, caller_arn, context)

    return evaluate_trust_policy


def with_roles_and_tls(resolve: Callable[[str, Any], Any]) -> Callable[[str, Any], Any]:
    """Wrap the values of global condition keys: who asks is the role, and the way is counted as TLS."""

    def resolve_condition_key(key: str, context: Any) -> Any:
        value = resolve(key, context)
        if key.lower() == "aws:securetransport":
            return "true"
        if key.lower() == "aws:principalarn" and ":assumed-role/" in str(value):
            head, _, session = str(value).partition(":assumed-role/")
            return f"{head.replace(':sts:', ':iam:')}:role/{session.rpartition('/')[0]}"
        return value

    return resolve_condition_key


def _schedule_nothing(cluster_name: str, service_key: str) -> None:
    """In place of the emulator's ECS scheduler."""


def _end_with_parent() -> None:
    os.read(sys.stdin.fileno(), 1)  # nothing is ever written: this returns when the other end is closed
    os.kill(os.getpid(), signal.SIGTERM)


def main() -> None:
    """Run the emulator in the foreground. Settings are ministack's own environment variables."""
    token = os.environ.pop(TOKEN_VARIABLE)  # popped: Lambda workers inherit this environment
    ecs._reconcile_service_tasks = _schedule_nothing
    secret_rotation.install()
    task_tokens.install()
    usage.install()
    iam_actions.extract_resource_arn = with_log_streams(iam_actions.extract_resource_arn)
    iam_actions.extract_iam_action = with_batch_permissions(iam_actions.extract_iam_action)
    iam_actions.extract_iam_action = with_mapping_permissions(iam_actions.extract_iam_action)
    iam_actions.s3_additional_checks = with_missing_objects(iam_actions.s3_additional_checks)
    iam_evaluator.evaluate_trust_policy = with_source_account(iam_evaluator.evaluate_trust_policy)
    iam_evaluator._resolve_condition_key = with_roles_and_tls(iam_evaluator._resolve_condition_key)
    cloudwatch._evaluate_alarm = with_dimensions(cloudwatch._evaluate_alarm)
    cloudwatch_logs._fanout_to_subscription_filters = with_emf_lines(
        cloudwatch_logs._fanout_to_subscription_filters
    )
    lambda_runtime.ProvidedWorker._drain_stderr_bounded = read_log_of_invocation
    lambda_runtime.ProvidedWorker.invoke = with_init_errors(lambda_runtime.ProvidedWorker.invoke)
    socketserver.StreamRequestHandler.disable_nagle_algorithm = True
    lambda_svc._execute_function_provided_warm = with_environment_limit(
        lambda_svc._execute_function_provided_warm, int(os.environ["LAB_LAMBDA_ENVIRONMENTS"])
    )
    ministack_app.app = with_doors(
        with_faults(ministack_app.app, _faults),
        token,
        os.environ["MINISTACK_ACCOUNT_ID"],
        os.environ["MINISTACK_REGION"],
    )
    threading.Thread(target=_end_with_parent, name="end-with-parent", daemon=True).start()
    try:
        ministack_app.main()
    finally:
        lambda_runtime.reset()
        shutil.rmtree(os.environ["TMPDIR"], ignore_errors=True)


if __name__ == "__main__":
    main()
