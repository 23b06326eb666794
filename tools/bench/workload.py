"""What one file version costs, from its notification to its closed state item, and how fast the starter is.

The shipped handlers run in this process against the local AWS, with the state machine that Terraform renders
(tests/terraform/inventories). Calls are counted at botocore, write units from the items before and after each
write (1 KB each, DynamoDB guide), state transitions in the execution's history: the states that it entered,
its start and its end. Prices are lists of us-east-1. The starter's rate stands beside the same three calls
made bare in the same run: a rate alone says as much of the machine as of the code.
"""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any, Final
from zipfile import ZipFile

import boto3
import yaml
from fsxn_runtime.edge.clients import forget_clients
from fsxn_runtime.workloads import finish, start
from fsxn_runtime.workloads.content_inventory import handler as process

from lab.cloud.emulator import Emulator
from tools.bench.figures import Figure

INVENTORY: Final = Path(__file__).resolve().parents[2] / "tests/terraform/inventories/local.yaml"
MACHINE: Final = "module.workload.aws_sfn_state_machine.this"
TABLES: Final = {
    "state": "module.workload.module.table.aws_dynamodb_table.this",
    "lineage": "module.lineage.module.table.aws_dynamodb_table.this",
}
EVENTS: Final = 500
BATCH: Final = 10
# USD for a million (the table in README.md says more): state transitions, write units, PUT, HEAD and GET.
PRICES: Final = {"transitions": 25.0, "write units": 0.625, "s3 puts": 5.0, "s3 reads": 0.4}
MOST_TRANSITIONS: Final = 3  # start, Process, end: more would be the largest rise in price that there can be

Json = dict[str, Any]
Work = dict[str, int]


class Time:
    """A Lambda context with a minute left."""

    def get_remaining_time_in_millis(self) -> int:
        """Give it in milliseconds."""
        return 60_000


@dataclass
class Meter:
    """Counts the calls of the handlers' clients, and the write units of each write."""

    dynamodb: Any
    indexes: dict[str, list[list[str]]]
    calls: Counter[str] = field(default_factory=Counter)
    units: Counter[str] = field(default_factory=Counter)

    def watch(self, session: boto3.session.Session) -> None:
        """Look at every call of the session's clients, before and after it."""
        session.events.register("before-parameter-build", self._before)
        session.events.register("after-call", self._after)

    def reset(self) -> None:
        """Begin anew."""
        self.calls.clear()
        self.units.clear()

    def _before(self, params: Json, model: Any, context: Json, **_: object) -> None:
        self.calls[model.name] += 1
        if model.name in ("PutItem", "UpdateItem"):
            row = params.get("Key") or params["Item"]
            keys = {each["AttributeName"] for each in self._schema(params["TableName"])}
            key = {name: row[name] for name in keys}
            context["bench"] = (params["TableName"], key, self._item(params["TableName"], key))

    def _after(self, context: Json, **_: object) -> None:
        if "bench" in context:
            table, key, before = context["bench"]
            self.units[table] += units(before, self._item(table, key), self.indexes[table])

    def _item(self, table: str, key: Json) -> Json:
        return dict(self.dynamodb.get_item(TableName=table, Key=key, ConsistentRead=True).get("Item", {}))

    def _schema(self, table: str) -> list[Json]:
        return list(self.dynamodb.describe_table(TableName=table)["Table"]["KeySchema"])


def units(before: Json, after: Json, indexes: list[list[str]]) -> int:
    """Count the write units of one write, its indexes (all attributes) included. A refused one costs too."""
    if before == after:
        return kilobytes(after)
    total = max(kilobytes(before), kilobytes(after))
    for names in indexes:
        was, now = ([item.get(name) for name in names] for item in (before, after))
        if was == now:
            total += max(kilobytes(before), kilobytes(after)) if None not in now else 0
        else:
            total += sum(kilobytes(item) for item, key in ((before, was), (after, now)) if None not in key)
    return total


def kilobytes(item: Json) -> int:
    """Size an item as DynamoDB does, names and values, in whole KB; numbers roughly."""
    size = sum(len(name.encode()) + value_bytes(value) for name, value in item.items())
    return -(-size // 1024)


def value_bytes(value: Json) -> int:
    """Size a value: text as UTF-8, a number two digits a byte, lists and maps with their overhead."""
    ((kind, inner),) = value.items()
    if kind == "L":
        return 3 + sum(1 + value_bytes(each) for each in inner)
    if kind == "M":
        return 3 + sum(1 + len(name.encode()) + value_bytes(each) for name, each in inner.items())
    return len(inner.encode()) if kind == "S" else len(str(inner)) // 2 + 1


class Line:
    """One workload on the local AWS."""

    def __init__(self, cloud: Emulator) -> None:
        self.cloud = cloud
        self.sqs, self.s3 = cloud.client("sqs"), cloud.client("s3")
        self.stepfunctions, self.dynamodb = cloud.client("stepfunctions"), cloud.client("dynamodb")
        shown = yaml.safe_load(INVENTORY.read_text())["values"]
        self.indexes = {name: self._make_table(name, shown[address]) for name, address in TABLES.items()}
        for bucket in ("volume", "reports"):
            self.s3.create_bucket(Bucket=bucket)
        self.machine = self._make_machine(shown[MACHINE]["definition"])
        for name, value in self._environment().items():
            os.environ[name] = value
        boto3.DEFAULT_SESSION = boto3.session.Session()  # what the handlers make their clients with
        self.meter = Meter(self.dynamodb, self.indexes)
        self.meter.watch(boto3.DEFAULT_SESSION)
        forget_clients()

    def _make_table(self, name: str, shown: Json) -> list[list[str]]:
        """Make a table with the keys and indexes of the inventory; give the indexes' keys."""
        key = [shown["hash_key"], *([shown["range_key"]] if "range_key" in shown else [])]
        indexes = [
            [index["hash_key"], *([index["range_key"]] if index.get("range_key") else [])]
            for index in shown["global_secondary_index"]
        ]
        self.dynamodb.create_table(
            TableName=name,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[
                {"AttributeName": each, "AttributeType": "S"}
                for each in sorted({*key, *(each for names in indexes for each in names)})
            ],
            KeySchema=schema(key),
            GlobalSecondaryIndexes=[
                {
                    "IndexName": index["name"],
                    "KeySchema": schema(names),
                    "Projection": {"ProjectionType": "ALL"},
                }
                for index, names in zip(shown["global_secondary_index"], indexes, strict=True)
            ],
        )
        return indexes

    def _make_machine(self, definition: Json) -> str:
        """Make the shipped state machine, with a function that answers at once in place of the user's."""
        packed = BytesIO()
        with ZipFile(packed, "w") as archive:
            archive.writestr("index.py", "def handler(event, context):\n    return {'status': 'processed'}\n")
        role = self.cloud.client("iam").create_role(RoleName="bench", AssumeRolePolicyDocument="{}")
        function = self.cloud.client("lambda").create_function(
            FunctionName="process",
            Runtime="python3.13",
            Role=role["Role"]["Arn"],
            Handler="index.handler",
            Code={"ZipFile": packed.getvalue()},
        )
        definition["States"]["Process"]["Parameters"]["FunctionName"] = function["FunctionArn"]
        made = self.stepfunctions.create_state_machine(
            name="work", definition=json.dumps(definition), roleArn=role["Role"]["Arn"]
        )
        return str(made["stateMachineArn"])

    def _environment(self) -> dict[str, str]:
        return {
            "ACCESS_POINT": "volume",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": self.cloud.endpoint,
            "AWS_SECRET_ACCESS_KEY": "test",
            "JUNCTION_PATH": "/vol1",
            "LINEAGE_TABLE": "lineage",
            "LOG_LEVEL": "ERROR",
            "OUTPUT_BUCKET": "reports",
            "OUTPUT_PREFIX": "out",
            "SETTLE_SECONDS": "0",
            "STARTER_MAPPING_ID": "none",
            "STATE_MACHINE_ARN": self.machine,
            "STATE_TABLE": "state",
            "UC_ID": "inventory",
            "WORKLOAD_DLQ_URL": self.sqs.create_queue(QueueName="dead")["QueueUrl"],
            "WORKLOAD_QUEUE_URL": self.sqs.create_queue(QueueName="work")["QueueUrl"],
        }

    def begin(self, path: str, number: int) -> None:
        """Give the starter one notification of a file."""
        start_handler([message(path, number)])

    def ended(self, path: str) -> Json:
        """Wait for the end of a file's execution; give its status change."""
        arn = self._execution(path)
        while True:
            found: Json = self.stepfunctions.describe_execution(executionArn=arn)
            if found["status"] != "RUNNING":
                names = ("executionArn", "status", "input", "output", "error", "cause")
                return {name: found.get(name) for name in names}
            time.sleep(0.05)

    def transitions(self, path: str) -> int:
        """Count the execution's state transitions: states entered, start and end."""
        pages = self.stepfunctions.get_paginator("get_execution_history").paginate(
            executionArn=self._execution(path)
        )
        kinds = [str(event["type"]) for page in pages for event in page["events"]]
        return 2 + sum(kind.endswith("StateEntered") for kind in kinds)

    def end_at_once(self) -> None:
        """Let executions do nothing, so that they take no time from what starts them."""
        passes = {"StartAt": "Pass", "States": {"Pass": {"Type": "Pass", "End": True}}}
        self.stepfunctions.update_state_machine(stateMachineArn=self.machine, definition=json.dumps(passes))

    def _execution(self, path: str) -> str:
        rows = self.dynamodb.scan(TableName="state")["Items"]
        (arn,) = [row["execution_arn"]["S"] for row in rows if row["file_path"]["S"] == path]
        return str(arn)


def schema(names: list[str]) -> list[Json]:
    """Write the keys of a table or an index."""
    kinds = ("HASH", "RANGE")
    return [{"AttributeName": name, "KeyType": kind} for name, kind in zip(names, kinds, strict=False)]


def message(path: str, number: int) -> str:
    """Write a notification as the bus delivers it."""
    detail = {
        "schema_version": "1.1",
        "event_id": f"{number:032x}",
        "event_type": "FILE_CREATE",
        "svm_name": "svm1",
        "volume_name": "vol1",
        "file_path": path,
        "client_ip": "192.0.2.10",
        "timestamp": "2026-01-31T12:00:00.000001Z",
        "session_id": "4f0c9d0a-0000-4000-8000-000000000001",
        "sequence_number": number,
        "operation": "NFS_CREAT",
        "protocol": "NFS",
        "protocol_version": "3.0",
        "svm_uuid": "0d3b8d6e-1111-4222-8333-444455556666",
        "volume_msid": 2147484674,
        "policy_name": "fsxn_policy",
        "user": {"unix_uid": 1001},
        "file_size": 0,
        "received_at": "2026-01-31T12:00:00.250000Z",
        "timestamp_source": "ontap",
        "replayed": False,
    }
    return json.dumps({"source": "fsxn.fpolicy", "detail-type": "FPolicy File Operation", "detail": detail})


def start_handler(bodies: list[str]) -> None:
    """Give the starter a batch. Raises SystemExit when it could not take one."""
    records = [{"messageId": str(number), "body": body} for number, body in enumerate(bodies)]
    with redirect_stdout(StringIO()):  # its metrics
        if start.handler({"Records": records}, Time())["batchItemFailures"]:
            raise SystemExit("the starter did not take an event")


def measure() -> Json:
    """Count what a file version costs, and time the starter."""
    with Emulator() as cloud:
        line = Line(cloud)
        try:
            return {"costs": costs(line), "rates": rates(line)}
        finally:
            forget()


def forget() -> None:
    """Let the handlers make their clients anew."""
    forget_clients()
    for cache in (start._parts, finish._finisher, process._parts):
        cache.cache_clear()


def costs(line: Line) -> Json:
    """Count, step by step, what one file version with two notifications needs."""
    path = "/vol1/department-of-legal-affairs/contracts/2026/contract-0001.pdf"
    line.s3.put_object(Bucket="volume", Key=path.removeprefix("/vol1/"), Body=b"x" * 1000)
    found: Json = {}
    with step(line, found, "first notification"):
        line.begin(path, 1)
    with step(line, found, "second notification"):
        line.begin(path, 2)
    change = line.ended(path)
    with step(line, found, "process function"), redirect_stdout(StringIO()):
        process.handler(json.loads(change["input"]), Time())
    with step(line, found, "finisher"), redirect_stdout(StringIO()):
        finish.handler({"detail": change}, Time())
    found["execution"] = {"calls": {}, "work": {"transitions": line.transitions(path)}}
    return found


@contextmanager
def step(line: Line, found: Json, name: str) -> Iterator[None]:
    """Count what the body needs."""
    line.meter.reset()
    yield
    calls = dict(sorted(line.meter.calls.items()))
    work: Work = {
        "write units": line.meter.units.total(),
        "s3 puts": calls.get("PutObject", 0),
        "s3 reads": calls.get("HeadObject", 0) + calls.get("GetObject", 0),
    }
    found[name] = {"calls": calls, "work": {kind: count for kind, count in work.items() if count}}


def rates(line: Line) -> Json:
    """Time the starter in batches, and its three calls bare, on files of the same kind."""
    made = {kind: [f"{kind}/{number:05}" for number in range(EVENTS)] for kind in ("bare", "starter")}
    for keys in made.values():
        for key in keys:
            line.s3.put_object(Bucket="volume", Key=key, Body=b"x")
    line.end_at_once()
    boto3.DEFAULT_SESSION = session = boto3.session.Session()  # nobody counts, which would cost calls too
    forget()
    bare = bare_calls(line, session)
    found = {
        "its three calls, bare": per_second(lambda: [bare(key) for key in made["bare"]]),
        "starter, batches of ten": per_second(lambda: starter(made["starter"], first=10_000)),
        "starter, duplicates": per_second(lambda: starter(made["starter"], first=20_000)),
    }
    base = found["its three calls, bare"]
    return {
        name: {"per_second": round(rate, 1), "ratio": round(rate / base, 2)} for name, rate in found.items()
    }


def starter(keys: list[str], first: int) -> None:
    """Give the starter one notification of each file."""
    bodies = [message(f"/vol1/{key}", first + number) for number, key in enumerate(keys)]
    for begin in range(0, len(bodies), BATCH):
        start_handler(bodies[begin : begin + BATCH])


def bare_calls(line: Line, session: Any) -> Callable[[str], None]:
    """Give what makes the starter's calls for one file without any of its code."""
    make = {"endpoint_url": line.cloud.endpoint}
    s3, dynamodb = session.client("s3", **make), session.client("dynamodb", **make)
    stepfunctions = session.client("stepfunctions", **make)

    def once(key: str) -> None:
        s3.head_object(Bucket="volume", Key=key)
        item = {"pk": {"S": f"bare#{key}"}, "execution_input": {"S": "x" * 1500}}
        dynamodb.put_item(TableName="state", Item=item, ConditionExpression="attribute_not_exists(pk)")
        name = key.replace("/", "-")
        stepfunctions.start_execution(stateMachineArn=line.machine, name=name, input='{"a": 1}')

    return once


def per_second(act: Callable[[], object]) -> float:
    """Time what handles EVENTS events."""
    began = time.perf_counter()
    act()
    return EVENTS / (time.perf_counter() - began)


def failures(found: Json) -> list[str]:
    """Say what is not as it must be: three transitions, and a second notification that starts nothing."""
    wrong = []
    transitions = found["costs"]["execution"]["work"]["transitions"]
    if transitions > MOST_TRANSITIONS:
        wrong.append(f"an execution took {transitions} state transitions; {MOST_TRANSITIONS} are allowed")
    second = found["costs"]["second notification"]["calls"]
    if "PutObject" in second or found["costs"]["first notification"]["calls"]["StartExecution"] != 1:
        wrong.append("notifications of one version started more than one execution")
    return wrong


def figures(found: Json) -> Iterator[Figure]:
    """Give what the page shows."""
    bare = "its three calls, bare"
    for name, each in found["rates"].items():
        if name != bare:
            rate = found["rates"][bare]["per_second"]
            yield Figure("notifications a second", name, each["per_second"], bare, rate)


def table(found: Json) -> Iterator[str]:
    """Give the lines that are printed."""
    kinds = list(PRICES)
    yield f"{'one file version needs':<26}" + "".join(f"{kind:>13}" for kind in kinds) + "   calls"
    total: Counter[str] = Counter()
    for name, each in found["costs"].items():
        total.update(each["work"])
        numbers = "".join(f"{each['work'].get(kind, 0):>13}" for kind in kinds)
        yield f"  {name:<24}{numbers}   {', '.join(f'{n} {call}' for call, n in each['calls'].items())}"
    prices = {kind: total[kind] * PRICES[kind] for kind in kinds}
    yield f"  {'USD a million':<24}" + "".join(f"{prices[kind]:>13.2f}" for kind in kinds)
    yield f"  together {sum(prices.values()):.2f}; Lambda, SQS and EventBridge are not in it (README.md)"
    yield f"{'events a second, one caller':<34}{'rate':>12}{'to bare':>12}"
    for name, each in found["rates"].items():
        yield f"  {name:<32}{each['per_second']:>12,.0f}{each['ratio']:>12.2f}"
