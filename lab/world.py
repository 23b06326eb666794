"""The whole laboratory as one context manager, for the demo and for tests.

Local AWS, simulated ONTAP with its S3 face, `envs/local` applied by Terraform, the server run from its task
definition, ONTAP pointed at it by the product's reconciler, metrics collected, and a tap on the bus. All
files lie in one folder, and everything that it started is ended on every way out.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from http.client import HTTPException
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.request import urlopen

from botocore.exceptions import ClientError

from lab import premises
from lab.cloud.clients import local_client
from lab.cloud.ecs_definition import Image
from lab.cloud.ecs_runner import EcsRunner, TaskStatus
from lab.cloud.emf_collector import EmfCollector
from lab.cloud.emulator import Emulator
from lab.ontap_sim.client import SimClient
from lab.ontap_sim.process import SimProcess
from lab.premises import JUNCTION, ONTAP_SECRET, SVM, VOLUME
from lab.quiet import Look, Quiet
from lab.tap import Tap
from lab.terraform import REPOSITORY, Terraform, plan_copy

ROOT = REPOSITORY / "envs" / "local"
TASK_SECONDS = 30.0  # a task starts in about a second; the machine may be loaded
# A run of the reconciler may still wait for a task that has just gone; the next one comes after it.
CONNECT_SECONDS = 90.0
INVOKE_SECONDS = 90.0  # runs of the reconciler that wait for each other's lock end within 35 s each
LOOK_SECONDS = 0.3  # between two looks at all queues and counts; one look costs about 15 ms
HEALTH_PORT = 9899
_UNACKED = re.compile(rb"^fpolicy_events_unacked_count (\d+)", re.MULTILINE)
_DEPTHS = [
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
]

Step = Callable[[str], AbstractContextManager[None]]


class WorldError(Exception):
    """The laboratory cannot start or does not do what it must; the text is for the person at the terminal."""


@contextmanager
def silent_step(_: str) -> Iterator[None]:
    """A step that tells nobody."""
    yield


@dataclass
class World:
    """Enter it and the laboratory runs; leave it and nothing is left but the files in `directory`.

    directory: logs, ledger, events, Terraform's files; emptied first, except for Terraform's plugins.
    volume_directory: the simulated volume's real folder; by default inside `directory`.
    task_start_seconds: what ECS takes to start a server task; on Fargate 20 to 60.
    step: called with a name around each step of starting, to show and time it.
    """

    directory: Path
    volume_directory: Path | None = None
    switches: Mapping[str, object] = field(default_factory=dict)
    settle_seconds: int = 2
    task_start_seconds: float = 0.0
    step: Step = silent_step

    def __post_init__(self) -> None:
        self.directory = self.directory.resolve()
        self.volume = (self.volume_directory or self.directory / "volume").resolve()
        self.ledger_path = self.directory / "ledger.jsonl"
        self.events_path = self.directory / "events.jsonl"
        self._stack = ExitStack()
        self._clients: dict[str, Any] = {}

    def __enter__(self) -> Self:
        with self.step("check the Lambda zips"):
            check_packages()
        try:
            self._start()
        except BaseException:  # also Ctrl-C: what runs already must not stay
            self._stack.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def client(self, service: str) -> Any:
        """The boto3 client of a service, as the account's root; FSx is the simulated file system's."""
        if service not in self._clients:
            endpoint = self.sim.ready["fsx"] if service == "fsx" else self.emulator.endpoint
            self._clients[service] = local_client(service, endpoint)
        return self._clients[service]

    # start -------------------------------------------------------------------------------------------

    def _start(self) -> None:
        self._clean()
        with ThreadPoolExecutor(1) as pool:
            self.terraform = plan_copy(ROOT, self.directory / "terraform")
            initialised = pool.submit(self.terraform.init)
            with self.step("local AWS"):
                self.emulator = self._stack.enter_context(Emulator(log_path=self.directory / "emulator.log"))
            with self.step("simulated ONTAP"):
                self.sim = self._start_simulator()
                self.emulator.set_function_environment({"AWS_ENDPOINT_URL_FSX": self.sim.ready["fsx"]})
            with self.step("terraform init"):
                initialised.result()
        with self.step("terraform apply"):
            premises.put_marker(self.emulator)
            self._apply()
        with self.step("FPolicy server from its task definition"):
            self.collector = self._stack.enter_context(EmfCollector(self.emulator))
            self.runner = self._stack.enter_context(
                EcsRunner(
                    self.emulator,
                    images={"fsxn-fpolicy-server": Image()},
                    directory=self.directory / "tasks",
                    start_delay_seconds=self.task_start_seconds,
                )
            )
            self._tap = self._stack.enter_context(ExitStack())
            self.tap = self._tap.enter_context(Tap(self.emulator, self.outputs["bus_name"], self.events_path))
            self.wait_connected(self.wait_for_tasks(1))

    def _clean(self) -> None:
        """Begin with an empty folder; Terraform's plugins stay, because linking them again costs time."""
        self.directory.mkdir(parents=True, exist_ok=True)
        for entry in self.directory.iterdir():
            if entry.name != "terraform":
                shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
        for state in (self.directory / "terraform").glob("terraform.tfstate*"):
            state.unlink()
        (self.directory / "tasks").mkdir()
        self.volume.mkdir(parents=True, exist_ok=True)

    def _start_simulator(self) -> SimClient:
        config = premises.storage(self.emulator, self.volume, self.ledger_path, self.switches)
        process = self._stack.enter_context(SimProcess(config, self.directory / "ontap"))
        self.sim_pid = process.pid
        return process.client

    def _apply(self) -> None:
        (face,) = self.sim.ready["access_points"]
        secret_arn, management = premises.put_ontap_secret(self.emulator, self.sim.ready)
        self.terraform = Terraform(
            self.terraform.root,
            self.directory / "terraform",
            endpoint=self.emulator.endpoint,
            variables={
                "access_point": {"alias": face["alias"], "arn": face["arn"]},
                "file_system_id": self.file_system_id,
                "growing_volumes": {VOLUME: {"id": self.volume_id}},
                "junction_path": JUNCTION,
                # Some hours before, so that there are hours to seal.
                "lineage_export_since": (datetime.now(UTC) - timedelta(hours=4)).strftime("%Y-%m-%dT%H"),
                "ontap_management": management,
                "ontap_secret_arn": secret_arn,
                "settle_seconds": self.settle_seconds,
                "svm_name": SVM,
                "volume_name": VOLUME,
                **premises.make_network(self.emulator),
            },
        )
        self._stack.enter_context(self.terraform)
        self.terraform.apply()
        self.outputs = self.terraform.output()

    @property
    def file_system_id(self) -> str:
        """The simulated file system's id at AWS."""
        return str(self.sim.ready["file_system_id"])

    @cached_property
    def volume_id(self) -> str:
        """The simulated volume's id at AWS."""
        (volume,) = self.client("fsx").describe_volumes()["Volumes"]
        return str(volume["VolumeId"])

    # the functions -----------------------------------------------------------------------------------

    def invoke(self, function: str, event: Mapping[str, object]) -> dict[str, Any]:
        """Call a function, by its short name, and wait; again while its own runs take its concurrency."""
        name, answers = self.outputs["functions"][function]["function_name"], list[dict[str, Any]]()

        def answered() -> bool:
            try:
                answer = self.client("lambda").invoke(
                    FunctionName=name, Payload=json.dumps(event), LogType="Tail"
                )
            except ClientError as exc:
                if exc.response["Error"]["Code"] != "TooManyRequestsException":
                    raise
                return False
            answers.append(answer)
            return True

        self.wait(answered, INVOKE_SECONDS, f"an answer of {function}")
        return answers[0]

    # the server --------------------------------------------------------------------------------------

    @property
    def service(self) -> str:
        """The ECS service's name."""
        return str(self.outputs["server"]["service_name"])

    def scale(self, count: int) -> None:
        """Ask ECS for this many server tasks."""
        self.client("ecs").update_service(
            cluster=self.outputs["server"]["cluster_name"], service=self.service, desiredCount=count
        )

    def wait_for_tasks(self, count: int) -> list[TaskStatus]:
        """Wait until exactly `count` tasks are there and RUNNING. Raises WorldError."""
        found: list[TaskStatus] = []

        def ready() -> bool:
            found[:] = self.runner.tasks(self.service)
            return len(found) == count and all(task.status == "RUNNING" for task in found)

        seconds = TASK_SECONDS + self.task_start_seconds
        self.wait(ready, seconds, f"{count} server tasks", lambda: self.log_end("tasks"))
        return found

    def wait_connected(self, tasks: Sequence[TaskStatus]) -> None:
        """Wait until the reconciler has connected every node to exactly these tasks. Raises WorldError."""
        wanted = {task.address for task in tasks}

        def connected() -> bool:
            records = self.sim.connections(SVM)
            servers = {record["server"] for record in records}
            return servers == wanted and all(record["state"] == "connected" for record in records)

        self.wait(
            connected, CONNECT_SECONDS, f"ONTAP's connections to {sorted(wanted)}", self._reconciler_log
        )

    def _reconciler_log(self) -> str:
        """What the reconciler wrote last."""
        group = self.outputs["functions"]["reconcile"]["log_group_name"]
        events = self.client("logs").filter_log_events(logGroupName=group)["events"]
        return f"; the reconciler wrote: {''.join(event['message'] for event in events[-40:])}"

    def stop_server(self) -> None:
        """Scale the service to nothing, as an operator would, and note it in the ledger."""
        self.sim.mark("server_down")
        self.scale(0)
        self.wait_for_tasks(0)

    def start_server(self, count: int = 1) -> None:
        """Scale the service up, wait until ONTAP is connected to it, and note it in the ledger."""
        self.scale(count)
        self.wait_connected(self.wait_for_tasks(count))
        self.sim.mark("server_up")

    # what is under way -------------------------------------------------------------------------------

    @property
    def queues(self) -> dict[str, str]:
        """URL of every queue that a file event or its work can lie in, by name."""
        dead = {f"{name} dead letters": url for name, url in self.outputs["dead_letter_queue_urls"].items()}
        return {
            "ingestion": self.outputs["ingestion_queue_url"],
            "work": self.outputs["work_queue_url"],
            "quarantine": self.outputs["quarantine_queue_url"],
            **dead,
        }

    def depth(self, url: str) -> int:
        """Messages of a queue: visible, in flight, delayed."""
        answer = self.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=_DEPTHS)
        return sum(int(value) for value in answer["Attributes"].values())

    def items(self, status: str) -> int:
        """State items with this status."""
        answer = self.client("dynamodb").query(
            TableName=self.outputs["state_table_name"],
            IndexName="status-index",
            KeyConditionExpression="#s = :s",
            ExpressionAttributeNames={"#s": "status"},
            ExpressionAttributeValues={":s": {"S": status}},
            Select="COUNT",
        )
        return int(answer["Count"])

    def look(self) -> Look:
        """Count everything that can hold work."""
        status = self.sim.status()
        moving = (self.queues["ingestion"], self.queues["work"], self.tap.queue_url)
        return Look(
            monitored=status["monitored"],
            waiting=status["stored_backlog"] + (0 if status["idle"] else 1),
            events=self.tap.events,
            held=sum(unacked(task.address) for task in self.runner.tasks(self.service)),
            queued=sum(self.depth(url) for url in moving),
            in_progress=self.items("IN_PROGRESS"),
            done=self.items("DONE") + self.items("SUPERSEDED"),
        )

    def settle(self, seconds: float, seen: Callable[[Look], None] = lambda _: None) -> Look:
        """Wait until nothing moves any more. Raises WorldError with the last look."""
        quiet, deadline = Quiet(), time.monotonic() + seconds
        while True:
            look = self.look()
            seen(look)
            if quiet.rests(look):
                return look
            if time.monotonic() > deadline:
                raise WorldError(f"the path did not come to rest within {seconds:g} s: {look}")
            time.sleep(LOOK_SECONDS)

    def snapshot(self) -> None:
        """Let the ledger say what exists now."""
        self.sim.mark("snapshot")
        self.sim.snapshot()

    def wait(
        self,
        condition: Callable[[], bool],
        seconds: float,
        what: str,
        why: Callable[[], str] = lambda: "",
    ) -> None:
        """Poll a condition with a deadline. Raises WorldError naming what did not come, and `why`."""
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                raise WorldError(f"{what}: not within {seconds:g} s {why()}".rstrip())
            time.sleep(0.05)

    def log_end(self, folder: str) -> str:
        """The last lines of the newest log below a folder of the laboratory."""
        logs = sorted((self.directory / folder).rglob("*.log"), key=lambda path: path.stat().st_mtime)
        return f"; {logs[-1].name} ends: {logs[-1].read_text()[-600:]}" if logs else ""

    def close_tap(self) -> None:
        """Take the tap off the bus, which must have no rules when it is destroyed."""
        self._tap.close()

    # proof -------------------------------------------------------------------------------------------

    def verify_command(self, allow_lost: int = 0) -> list[str]:
        """The `fsxn events verify` that compares this world's ledger with what arrived."""
        output = self.outputs["output"]
        command = ["fsxn", "events", "verify", "--json"]
        command += ["--ledger", str(self.ledger_path), "--events", str(self.events_path)]
        command += ["--output", f"s3://{output['bucket']}/{output['prefix']}"]
        command += ["--state-table", self.outputs["state_table_name"]]
        command += ["--lineage-table", self.outputs["lineage_table_name"]]
        command += ["--allow-lost", str(allow_lost)]
        for name, url in self.queues.items():
            command += ["--queue", f"{name}={url}"]
        return command

    def environment(self) -> dict[str, str]:
        """Variables with which any AWS tool talks to this world."""
        return {
            "AWS_ENDPOINT_URL": self.emulator.endpoint,
            "AWS_ENDPOINT_URL_FSX": self.sim.ready["fsx"],
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": self.emulator.region,
            "ECS_CLUSTER": self.outputs["server"]["cluster_name"],
            "ECS_SERVICE": self.service,
            "EVENTS": str(self.events_path),
            "EXPANSION_FUNCTION": self.outputs["functions"]["expand"]["function_name"],
            "EXPANSION_TABLE": self.outputs["capacity"]["expansion_table"],
            "FILE_SYSTEM_ID": self.file_system_id,
            "GUARDRAIL_SNS_TOPIC_ARN": self.outputs["topic_arn"],
            "GUARDRAIL_TABLE": self.outputs["capacity"]["guardrail_table"],
            "LEDGER": str(self.ledger_path),
            "LINEAGE_EXPORT_BUCKET": self.outputs["lineage_export"]["bucket_name"],
            "LINEAGE_EXPORT_FUNCTION": self.outputs["lineage_export"]["function_name"],
            "LINEAGE_EXPORT_TABLE": self.outputs["lineage_export"]["table_name"],
            "LINEAGE_SIGNING_KEY": self.outputs["lineage_export"]["signing_key_arn"],
            "LINEAGE_TABLE": self.outputs["lineage_table_name"],
            "RECONCILE_FUNCTION": self.outputs["functions"]["reconcile"]["function_name"],
            "ROTATION_FUNCTION": self.outputs["functions"]["rotate"]["function_name"],
            "ONTAP_SECRET_ID": ONTAP_SECRET,
            "SLO_PARAMETER": self.outputs["slo"]["parameter"],
            "SIMULATOR": self.sim.ready["control"],
        }


def unacked(address: str) -> int:
    """Events that a server holds; 0 of one that starts, ends, or stands still."""
    try:
        with urlopen(f"http://{address}:{HEALTH_PORT}/metrics", timeout=1) as answer:
            found = _UNACKED.search(answer.read())
    except (OSError, HTTPException):
        return 0
    return int(found[1]) if found else 0


def check_packages(folder: Path = REPOSITORY / "build" / "lambdas") -> None:
    """Raise WorldError when a Lambda zip is not the one that the manifest speaks of."""
    try:
        manifest = json.loads((folder / "manifest.json").read_text())
        for entry in manifest.values():
            with (folder / entry["file"]).open("rb") as file:
                if hashlib.file_digest(file, "sha256").hexdigest() != entry["sha256"]:
                    raise WorldError(f"{entry['file']} is not what was built: run make package-lambdas")
    except OSError as exc:
        raise WorldError(f"{exc.filename} is missing: run make package-lambdas") from exc
