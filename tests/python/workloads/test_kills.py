"""Notifications come once to five times and shuffled, and workers die before and after each of their calls.

The real handlers of starter, process function and finisher against the local AWS, with its own Step
Functions, DynamoDB, SQS and S3. Every file has a plan of its own: which worker dies at which of its calls,
before the call or after it, and how its first execution ends. All files are under way at the same time. What
must come of it: one success and one report for each version, every item final, lineage for each of them.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest
from fsxn_runtime.edge.clients import forget_clients
from fsxn_runtime.events import EventType
from fsxn_runtime.workloads import finish, start
from fsxn_runtime.workloads.content_inventory import handler as process

from tests.support.emulator import emulator, emulator_process  # noqa: F401
from tests.support.file_events import file_event
from tests.support.lineage_table import create_lineage_table
from tests.support.state_table import create_state_table
from tests.support.waiting import wait_until
from tests.support.workload_world import Crash, Time, message

SEED = 8
WORKERS = ("start", "process", "finish")
# How a file's first execution ends: by its worker alone, or by what befalls it; "never": every attempt fails.
FATES = ("works", "fails", "times out", "is aborted", "never")
# One for the fate, one for the death, one to succeed; two more for workers that a loaded machine makes late.
ATTEMPTS = 5
# What an execution waits for a worker that died.
PATIENCE_SECONDS = 12


@dataclass
class Plan:
    """One file: its fate, and where one of its workers dies. `call` 0: nowhere."""

    key: str
    fate: str
    worker: str = ""
    call: int = 0
    is_after: bool = False
    has_died: bool = False
    calls: Counter[str] = field(default_factory=Counter)

    @property
    def path(self) -> str:
        return f"/vol1/{self.key}"


class Killer:
    """Sees every call that a worker makes to AWS and ends the worker at the planned one."""

    def __init__(self) -> None:
        self._plan: Plan | None = None
        self._worker = ""
        self._count = 0

    def watch(self, session: boto3.session.Session) -> None:
        session.events.register("before-send", self._before)
        session.events.register("after-call", self._after)

    @contextmanager
    def over(self, plan: Plan, worker: str) -> Iterator[None]:
        self._plan, self._worker, self._count = plan, worker, 0
        try:
            yield
        finally:
            plan.calls[worker] = max(plan.calls[worker], self._count)
            self._plan = None

    def _before(self, **_: object) -> None:
        self._count += 1
        self._die(is_after=False)

    def _after(self, **_: object) -> None:
        self._die(is_after=True)

    def _die(self, *, is_after: bool) -> None:
        plan = self._plan
        if plan is None or plan.has_died or plan.worker != self._worker:
            return
        if (plan.call, plan.is_after) == (self._count, is_after):
            plan.has_died = True
            raise Crash


class Line:
    """One workload on the local AWS, driven by hand: queue, executions and status changes."""

    def __init__(self, local: Any) -> None:
        self.dynamodb, self.sqs, self.s3 = (local.client(name) for name in ("dynamodb", "sqs", "s3"))
        self.stepfunctions = local.client("stepfunctions")
        create_state_table(self.dynamodb, "state")
        create_lineage_table(self.dynamodb, "lineage")
        for bucket in ("volume", "reports"):
            self.s3.create_bucket(Bucket=bucket)
        self.tasks = self.sqs.create_queue(QueueName="tasks")["QueueUrl"]
        self.dead_letters = self.sqs.create_queue(QueueName="dead")["QueueUrl"]
        trust = {
            "Effect": "Allow",
            "Principal": {"Service": "states.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
        role = local.client("iam").create_role(
            RoleName="states",
            AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
        )["Role"]["Arn"]
        # A worker that dies gives no answer: then the task times out, as Lambda's own limit makes it in AWS.
        task = {
            "Type": "Task",
            "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
            "Parameters": {
                "QueueUrl": self.tasks,
                "MessageBody": {"token.$": "$$.Task.Token", "input.$": "$"},
            },
            "TimeoutSeconds": PATIENCE_SECONDS,
            "End": True,
        }
        self.machine = self.stepfunctions.create_state_machine(
            name="work",
            definition=json.dumps({"StartAt": "Process", "States": {"Process": task}}),
            roleArn=role,
        )["stateMachineArn"]
        self.environment = {
            "AWS_ENDPOINT_URL": local.endpoint,
            "UC_ID": "inventory",
            "STATE_TABLE": "state",
            "STATE_MACHINE_ARN": self.machine,
            "WORKLOAD_QUEUE_URL": self.sqs.create_queue(QueueName="work")["QueueUrl"],
            "WORKLOAD_DLQ_URL": self.dead_letters,
            "ACCESS_POINT": "volume",
            "JUNCTION_PATH": "/vol1",
            "SETTLE_SECONDS": "0",
            "MAX_ATTEMPTS": str(ATTEMPTS),
            "SWEEP_AFTER_SECONDS": "60",
            "STARTER_MAPPING_ID": "none",
            "OUTPUT_BUCKET": "reports",
            "OUTPUT_PREFIX": "out",
            "LINEAGE_TABLE": "lineage",
        }

    def received(self, url: str) -> list[str]:
        bodies = []
        while found := self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for each in found:
                self.sqs.delete_message(QueueUrl=url, ReceiptHandle=each["ReceiptHandle"])
                bodies.append(each["Body"])
        return bodies

    def executions(self) -> list[dict[str, Any]]:
        pages = self.stepfunctions.get_paginator("list_executions").paginate(stateMachineArn=self.machine)
        return [execution for page in pages for execution in page["executions"]]

    def running(self) -> int:
        request = {"stateMachineArn": self.machine, "statusFilter": "RUNNING"}
        return len(self.stepfunctions.list_executions(**request)["executions"])

    def waiting_tasks(self) -> int:
        name = "ApproximateNumberOfMessages"
        answer = self.sqs.get_queue_attributes(QueueUrl=self.tasks, AttributeNames=[name])
        return int(answer["Attributes"][name])

    def status_change(self, arn: str) -> dict[str, Any]:
        found = self.stepfunctions.describe_execution(executionArn=arn)
        names = ("executionArn", "stateMachineArn", "name", "status", "input", "output", "error", "cause")
        return {name: found.get(name) for name in names}

    def rows(self, table: str) -> list[dict[str, Any]]:
        pages = self.dynamodb.get_paginator("scan").paginate(TableName=table)
        return [row for page in pages for row in page["Items"]]


class Storm:
    """All plans under way at once, until nothing moves."""

    def __init__(self, line: Line, killer: Killer, plans: list[Plan], chance: random.Random) -> None:
        self.line, self.killer, self.chance = line, killer, chance
        self.plans = {plan.path: plan for plan in plans}
        self.messages: list[str] = []
        self.reports: list[dict[str, Any]] = []
        self.reported = {each["executionArn"] for each in line.executions()}
        self.delivered = 0
        for number, plan in enumerate(plans):
            line.s3.put_object(Bucket="volume", Key=plan.key, Body=plan.key.encode())
            for kind, event_type in enumerate((EventType.FILE_CREATE, EventType.FILE_WRITE)):
                event = file_event(
                    event_id=f"{number:016x}{kind:016x}", event_type=event_type, file_path=plan.path
                )
                self.messages += [message(event)] * chance.randint(1, 5)

    def run(self) -> None:
        while True:
            moved = self._start() + self._process() + self._finish()
            running = [each for each in self.line.executions() if each["status"] == "RUNNING"]
            if not (moved or running or self.messages or self.reports):
                return
            if not moved:
                self._wait(len(running))

    def _wait(self, running: int) -> None:
        """Until a task has come or an execution has ended."""
        wait_until(lambda: self.line.waiting_tasks() or self.line.running() < running, PATIENCE_SECONDS + 30)

    def _start(self) -> int:
        bodies, self.messages = self.messages, []
        self.chance.shuffle(bodies)
        for number, body in enumerate(bodies):
            plan = self.plans[json.loads(body)["detail"]["file_path"]]
            record = {"messageId": str(number), "body": body}
            answer = self._alive(
                plan, "start", lambda record=record: start.handler({"Records": [record]}, Time())
            )
            if answer != {"batchItemFailures": []}:
                self.messages.append(body)  # the queue gives it again
            self.delivered += 1
        return len(bodies)

    def _process(self) -> int:
        tasks = [json.loads(body) for body in self.line.received(self.line.tasks)]
        for task in tasks:
            given = task["input"]
            plan = self.plans[given["event"]["file_path"]]
            token = {"taskToken": task["token"]}
            first = given["attempt"] == 1
            if plan.fate == "never" or (first and plan.fate == "fails"):
                self._answer("failure", **token, error="Broken", cause="as planned")
            elif first and plan.fate == "is aborted":
                with suppress(self.line.stepfunctions.exceptions.ValidationException):  # over already
                    self.line.stepfunctions.stop_execution(executionArn=given["execution_arn"])
            elif not (first and plan.fate == "times out"):
                result = self._alive(plan, "process", lambda given=given: process.handler(given, Time()))
                if result is not None:
                    self._answer("success", **token, output=json.dumps(result))
        return len(tasks)

    def _answer(self, word: str, **answer: str) -> None:
        """Say how a task ended. One that has timed out by now was done all the same, and comes again."""
        errors = self.line.stepfunctions.exceptions
        with suppress(errors.TaskTimedOut, errors.TaskDoesNotExist):
            getattr(self.line.stepfunctions, f"send_task_{word}")(**answer)

    def _finish(self) -> int:
        """Hand over status changes, one to five times each, in any order; again where the finisher died."""
        for execution in self.line.executions():
            arn = execution["executionArn"]
            if execution["status"] != "RUNNING" and arn not in self.reported:
                self.reported.add(arn)
                change = self.line.status_change(arn)
                if change["error"] == "States.Timeout":
                    change["status"] = "TIMED_OUT"  # the local AWS calls it FAILED
                self.reports += [change] * self.chance.randint(1, 5)
        reports, self.reports = self.reports, []
        self.chance.shuffle(reports)
        for report in reports:
            plan = self.plans[json.loads(report["input"])["event"]["file_path"]]
            if (
                self._alive(plan, "finish", lambda report=report: finish.handler({"detail": report}, Time()))
                is None
            ):
                self.reports.append(report)
        return len(reports)

    def _alive(self, plan: Plan, worker: str, act: Callable[[], Any]) -> Any:
        """Let a worker act; None when it died."""
        try:
            with self.killer.over(plan, worker):
                return act()
        except Crash:
            return None


@pytest.fixture(scope="module")
def line(emulator: Any) -> Line:  # noqa: F811
    return Line(emulator)


@pytest.fixture
def killer(line: Line, monkeypatch: pytest.MonkeyPatch) -> Iterator[Killer]:
    for name, value in line.environment.items():
        monkeypatch.setenv(name, value)
    found = Killer()
    boto3.setup_default_session()
    found.watch(boto3.DEFAULT_SESSION)
    caches = (start._parts, finish._finisher, process._parts)
    forget_clients()
    for cache in caches:
        cache.cache_clear()
    yield found
    forget_clients()
    for cache in caches:
        cache.cache_clear()
    boto3.DEFAULT_SESSION = None


def test_each_version_is_processed_once_in_effect_whoever_dies_where(line: Line, killer: Killer) -> None:
    chance = random.Random(SEED)
    untroubled = [Plan(f"untroubled-{fate}".replace(" ", "-"), fate) for fate in FATES]
    Storm(line, killer, untroubled, chance).run()
    calls = {plan.fate: plan.calls for plan in untroubled}
    plans = [
        Plan(
            f"{fate}-{worker}-{call}-{'after' if after else 'before'}".replace(" ", "-"),
            fate,
            worker,
            call,
            after,
        )
        for fate in FATES
        for worker in WORKERS
        for call in range(1, calls[fate][worker] + 1)
        for after in (False, True)
    ]
    assert {plan.worker for plan in plans} == set(WORKERS)
    storm = Storm(line, killer, plans, chance)
    storm.run()
    assert [plan.key for plan in plans if not plan.has_died] == []
    assert storm.delivered > 3 * len(plans)
    expect_once_in_effect(line, [*untroubled, *plans])


def expect_once_in_effect(line: Line, plans: list[Plan]) -> None:
    """One item, one success at most, one report at most, and lineage, for every file."""
    items = {row["file_path"]["S"]: row for row in line.rows("state")}
    assert len(items) == len(line.rows("state"))
    successes = Counter(
        json.loads(line.status_change(each["executionArn"])["input"])["event"]["file_path"]
        for each in line.executions()
        if each["status"] == "SUCCEEDED"
    )
    listed = line.s3.get_paginator("list_objects_v2").paginate(Bucket="reports").search("Contents[].Key")
    reports = Counter("/vol1/" + key.split("/")[2] for key in listed)
    records = [row for row in line.rows("lineage") if "status" in row]  # others lead from outputs to them
    lineage = Counter((row["source_file_key"]["S"], row["status"]["S"]) for row in records)
    letters = Counter(json.loads(body)["detail"]["file_path"] for body in line.received(line.dead_letters))
    for plan in plans:
        path, is_lost = plan.path, plan.fate == "never"
        seen = (items[path]["status"]["S"], successes[path], reports[path])
        assert seen == (("FAILED", 0, 0) if is_lost else ("DONE", 1, 1)), plan
        assert lineage[path, "failed" if is_lost else "success"] >= 1, plan
        assert (letters[path] >= 1) == is_lost, plan
        assert int(items[path]["attempt"]["N"]) <= ATTEMPTS, plan
