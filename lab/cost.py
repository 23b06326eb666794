"""What a part of a run used, beside what the product estimates for its traffic.

The traffic is read from the ledger and from the tap on the bus: how many operations, how fast, of what kind,
which of them met a file that was gone or still being written (the product's own counts of that). What was
used is counted by the emulator. `fsxn cost compare` puts both beside each other.

The emulator reads queues in another way than Lambda: at most ten messages at once, without waiting for more.
The estimate is made for that, so a call has between one message and ten; on AWS the router's have more.

Not compared: GB-seconds (time on this machine says nothing of AWS), Lambda's waiting calls to queues (the
emulator has no such pollers), what runs by schedule and what costs by being there.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from lab.demo.tools import run_tool
from lab.world import World, WorldError

DELETIONS: Final = ("FILE_DELETE", "DIR_DELETE")
# What the starter tells of a version, with the reason of those that were gone.
COUNTS: Final = {
    "gone": ("WorkloadSuperseded_count", {"Reason": "vanished"}),
    "resettled": ("WorkloadResettled_count", {}),
    "retried": ("WorkloadRetried_count", {}),
    "started": ("WorkloadStarted_count", {}),
}
# Counted for each one estimated, least and most, with why it is not 1.
LIMITS: Final[Mapping[str, tuple[float, float]]] = {
    # Told by the files themselves.
    "EventBridge events": (0.98, 1.02),
    "EventBridge archive, written": (0.98, 1.02),
    "Step Functions state transitions": (0.98, 1.02),
    "Lambda invocations, process": (0.98, 1.02),
    "DynamoDB write units, process": (0.95, 1.05),
    "DynamoDB read units": (0.95, 1.05),
    "S3 writes": (0.98, 1.02),
    # Estimated is one HEAD for a file that was gone; each further notification of it is one more.
    "S3 reads": (0.9, 1.15),
    # Further notifications cost half when the version is done already.
    "DynamoDB write units, state": (0.7, 1.05),
    # The sweep's runs are counted with the executions' ends.
    "Lambda invocations, finisher": (0.95, 1.3),
    # The server sends one to ten events at once; estimated from the rate while they come.
    "SQS requests, server to queue": (0.2, 5.0),
    # One message in a call is estimated, up to ten may be.
    "SQS requests, queue to router": (0.1, 1.05),
    "SQS requests, work queue": (0.35, 1.05),
    "Lambda invocations, router": (0.1, 1.05),
    "Lambda invocations, starter": (0.1, 1.05),
    # 1,500 bytes for an invocation; of those invocations.
    "Log data, invocations of files": (0.05, 1.2),
}
PARTS: Final = ("finish", "process", "route", "start")
NAMESPACE: Final = "FSxN-S3AP-Patterns"


def outside(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """Name the quantities that are not within their limits, with their ratio."""
    found = []
    for row in rows:
        low, high = LIMITS[row["quantity"]]
        if row["ratio"] is None or not low <= float(row["ratio"]) <= high:
            found.append(f"{row['quantity']} of {row['workload']}: {row['ratio']} is not {low} to {high}")
    return found


class Meter:
    """Starts when it is made; `compare` tells of what came since. The path must be at rest at both times."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._began = time.monotonic()
        self._used = world.emulator.usage()
        self._ledger = len(_lines(world.ledger_path))
        self._events = len(_lines(world.events_path))
        self._counts = self._workload_counts()

    def compare(self) -> list[dict[str, Any]]:
        """Run `fsxn cost compare`; give its rows. Raises WorldError when it cannot."""
        folder = self._world.directory / "cost"
        folder.mkdir(exist_ok=True)
        files = {
            "profile": self.profile(),
            "plan": self._state(),
            "counted": {"quantities": self.counted()},
        }
        command = ["fsxn", "cost", "compare", "--json"]
        for name, content in files.items():
            (folder / f"{name}.json").write_text(json.dumps(content))
            command += [f"--{name}", str(folder / f"{name}.json")]
        result = run_tool(self._world, command)
        if result.returncode != 0:
            raise WorldError(f"fsxn cost compare failed: {result.stderr.strip()}")
        return [json.loads(line) for line in result.stdout.splitlines()]

    def profile(self) -> dict[str, Any]:
        """The traffic since the start, as `fsxn cost` reads it."""
        rows = [json.loads(line) for line in _lines(self._world.ledger_path)[self._ledger :]]
        told = [row for row in rows if row["kind"] == "operation" and row["monitored"]]
        arrived = [json.loads(line)["event"] for line in _lines(self._world.events_path)[self._events :]]
        counts = {name: now - self._counts[name] for name, now in self._workload_counts().items()}
        versions = counts["started"] + counts["gone"]
        if not told or not arrived or not versions:
            raise WorldError("nothing happened since the meter was started: there is no traffic to speak of")
        busy_seconds = len({row["time_us"] // 1_000_000 for row in told})
        sizes = [
            len(json.dumps(event, separators=(",", ":"), ensure_ascii=False).encode()) for event in arrived
        ]
        deletions = sum(event["event_type"] in DELETIONS for event in arrived)
        return {
            "hours": (time.monotonic() - self._began) / 3600,
            "events": len(told),
            "busy_events_per_second": len(told) / busy_seconds,
            "event_bytes": sum(sizes) / len(sizes),
            "replayed_share": max(0, len(arrived) - len(told)) / len(told),
            "workloads": {
                self._world.outputs["uc_id"]: {
                    "events_per_version": len(told) / versions,
                    "final_share": counts["started"] / versions,
                    "delete_share": deletions / len(arrived),
                    "retries_per_version": counts["retried"] / versions,
                    "resettles_per_version": counts["resettled"] / versions,
                }
            },
        }

    def counted(self) -> list[dict[str, Any]]:
        """What was used since the start, by the names of the estimate's lines."""
        outputs, name = self._world.outputs, self._world.outputs["uc_id"]
        now = self._world.emulator.usage()
        more = {key: amount - self._used.get(key, 0) for key, amount in now.items()}

        def used(what: str, *resources: str) -> float:
            return sum(more.get((what, resource), 0) for resource in resources)

        functions = {part: outputs["functions"][part]["function_name"] for part in PARTS}
        ingestion, work = (
            outputs[key].rsplit("/", 1)[-1] for key in ("ingestion_queue_url", "work_queue_url")
        )
        (face,) = self._world.sim.ready["access_points"]
        state, bus = outputs["state_table_name"], outputs["bus_name"]
        logs = {part: f"/aws/lambda/{function}" for part, function in functions.items()}
        own = ("start", "process", "finish")
        amounts = {
            ("shared", "SQS requests, server to queue"): used("queue sends", ingestion),
            ("shared", "SQS requests, queue to router"): used("queue reads", ingestion),
            ("shared", "Lambda invocations, router"): used("invocations", functions["route"]),
            ("shared", "EventBridge events"): used("events", bus),
            ("shared", "EventBridge archive, written"): used("event bytes", bus) / 1e9,
            ("shared", "Log data, invocations of files"): used("log bytes", logs["route"]) / 1e9,
            (name, "SQS requests, work queue"): used("queue sends", work) + used("queue reads", work),
            (name, "Lambda invocations, starter"): used("invocations", functions["start"]),
            (name, "Step Functions state transitions"): used(
                "state transitions", outputs["state_machine"]["arn"]
            ),
            (name, "Lambda invocations, process"): used("invocations", functions["process"]),
            (name, "Lambda invocations, finisher"): used("invocations", functions["finish"]),
            (name, "DynamoDB write units, state"): used("write units", state),
            (name, "DynamoDB write units, process"): used("write units", outputs["lineage_table_name"]),
            (name, "DynamoDB read units"): used("read units", state),
            (name, "S3 reads"): used("object reads", face["alias"], outputs["output"]["bucket"]),
            (name, "S3 writes"): used("object writes", outputs["output"]["bucket"]),
            (name, "Log data, invocations of files"): used("log bytes", *(logs[part] for part in own)) / 1e9,
        }
        return [
            {"workload": workload, "quantity": quantity, "amount": amount}
            for (workload, quantity), amount in amounts.items()
        ]

    def _workload_counts(self) -> dict[str, float]:
        """What the workload told of its versions, since the laboratory began."""
        self._world.collector.collect()
        return {name: self._sum(metric, more) for name, (metric, more) in COUNTS.items()}

    def _sum(self, metric: str, more: Mapping[str, str]) -> float:
        dimensions = {"UcId": self._world.outputs["uc_id"], **more}
        now = datetime.now(UTC)
        answer = self._world.client("cloudwatch").get_metric_statistics(
            Namespace=NAMESPACE,
            MetricName=metric,
            Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
            StartTime=now - timedelta(days=1),
            EndTime=now + timedelta(minutes=2),
            Period=3600,
            Statistics=["Sum"],
        )
        return float(sum(point["Sum"] for point in answer["Datapoints"]))

    def _state(self) -> Any:
        """What is deployed, with queues read as the emulator does."""
        terraform = self._world.terraform
        shown = terraform.run("show", "-json", "-no-color", str(terraform.state_file), quiet=True)
        state = json.loads(shown)
        for resource in _resources(state["values"]["root_module"]):
            if resource["type"] == "aws_lambda_event_source_mapping":
                batch_size = min(int(resource["values"]["batch_size"]), 10)
                resource["values"].update(batch_size=batch_size, maximum_batching_window_in_seconds=0)
        return state


def _resources(module: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    yield from module.get("resources", [])
    for child in module.get("child_modules", []):
        yield from _resources(child)


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []
