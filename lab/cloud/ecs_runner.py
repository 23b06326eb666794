"""Runs what ECS services of the local AWS ask for, as processes of this machine.

Terraform registers clusters, task definitions and services with the emulator; the emulator only keeps them.
This runner reads them through the ECS API, starts and stops tasks as a service scheduler would, tells the
emulator the truth about them (so ListTasks, DescribeTasks and DescribeServices show it), and emits
"ECS Task State Change" events to the default bus.
"""

from __future__ import annotations

import tempfile
import threading
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from lab.cloud.ecs_definition import Image
from lab.cloud.ecs_roles import CredentialsServer, RoleSession
from lab.cloud.ecs_schedule import TaskView, plan, retry_delay
from lab.cloud.ecs_task import Surroundings, Task
from lab.cloud.emulator import Emulator

IMAGES: Mapping[str, Image] = {"fsxn-fpolicy-server": Image()}  # the one that envs/local names
STEP_SECONDS = 0.1  # how soon the end of a process is noticed
READ_SECONDS = 0.5  # how soon a change made through the ECS API is noticed; 4 calls, about 7 ms of CPU
EARLY_DEATH_SECONDS = 10.0  # a task that lives shorter counts as a failed start
STOP_SECONDS = 10.0  # for all tasks together when the runner ends; the server here drains in about a second
STOPPED_KEPT = 50  # stopped tasks stay visible, as on ECS, but not without bound


@dataclass(frozen=True, slots=True)
class TaskStatus:
    """A snapshot of one task. `pid` is the main process of the first container, 0 before it starts."""

    task_id: str
    arn: str
    cluster: str
    service: str
    address: str
    status: str
    desired_status: str
    health: str
    pid: int
    deployment_id: str
    stopped_reason: str
    log_path: Path


class EcsRunner:
    """Use as a context manager, or `start` and `stop`. One per emulator.

    `images` says what is known of each image, by repository name without registry, path and tag.
    `start_delay_seconds` is the time from PENDING to RUNNING (on Fargate 20 to 60 s, here 0).
    `directory` keeps the tasks' folders and logs; without it they go with the runner.
    """

    def __init__(
        self,
        emulator: Emulator,
        *,
        images: Mapping[str, Image] = IMAGES,
        start_delay_seconds: float = 0.0,
        directory: Path | None = None,
    ) -> None:
        self._emulator = emulator
        self._images = images
        self._start_delay = start_delay_seconds
        self._wanted_directory = directory
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        self._ecs = emulator.client("ecs")
        self._tasks: dict[str, Task] = {}
        self._published: dict[str, tuple[int, str]] = {}  # version and health last told
        self._failures: dict[str, int] = {}  # early deaths in a row, by deployment
        self._retry_at: dict[str, float] = {}
        self._roles: dict[str, RoleSession] = {}
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Begin to follow the services."""
        if self._wanted_directory is None:
            self._temporary = tempfile.TemporaryDirectory(prefix="fsxn-tasks-", ignore_cleanup_errors=True)
        directory = self._wanted_directory or Path(self._temporary.name if self._temporary else ".")
        self._credentials = CredentialsServer()
        self._surroundings = Surroundings(
            self._emulator, self._images, self._credentials, directory, self._role
        )
        self._ended.clear()
        self._thread = threading.Thread(target=self._run, name="ecs-runner", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """SIGTERM to every task, SIGKILL to what still runs after STOP_SECONDS. May be called twice."""
        if self._thread is None:
            return
        self._ended.set()
        self._thread.join()
        self._thread = None
        self._credentials.close()
        self._tasks.clear()
        self._published.clear()
        if self._temporary:
            self._temporary.cleanup()

    def tasks(self, service: str | None = None) -> list[TaskStatus]:
        """Tasks that are not STOPPED, oldest first; of one service, or of all."""
        return [t for t in self.all_tasks(service) if t.status != "STOPPED"]

    def all_tasks(self, service: str | None = None) -> list[TaskStatus]:
        """The same with the last stopped tasks."""
        with self._lock:
            return [_snapshot(task) for task in self._tasks.values() if service in (None, task.service)]

    def kill(self, task: TaskStatus, number: int) -> None:
        """Send a signal to every container of a task, as if from outside: ECS was not asked."""
        with self._lock:
            for container in self._tasks[task.task_id].containers:
                container.signal(number)

    def _role(self, arn: str) -> RoleSession:
        if arn not in self._roles:
            self._roles[arn] = RoleSession(self._emulator, arn, "ecs-task")
        return self._roles[arn]

    def _run(self) -> None:
        services: list[dict[str, Any]] = []
        read_at = 0.0
        while not self._ended.is_set():
            try:
                if time.monotonic() >= read_at:
                    read_at = time.monotonic() + READ_SECONDS
                    services = self._read_services()
                    self._obey_stop_task()
                with self._lock:
                    self._step(services)
                self._publish()
            except Exception:  # noqa: BLE001 (the root of the thread: the emulator may be starting or resetting)
                traceback.print_exc()
                self._ended.wait(READ_SECONDS)
            self._ended.wait(STEP_SECONDS)
        # Here, not in `stop`: the kernel kills containers when the thread that started them ends.
        with self._lock:
            self._end_tasks()

    def _end_tasks(self) -> None:
        for task in self._tasks.values():
            task.stop("The runner is stopping", "UserInitiated")
        deadline = time.monotonic() + STOP_SECONDS
        while any(task.status != "STOPPED" for task in self._tasks.values()):
            if time.monotonic() > deadline:
                for task in self._tasks.values():
                    task.kill()
            for task in self._tasks.values():
                task.advance()
            time.sleep(0.02)

    def _read_services(self) -> list[dict[str, Any]]:
        services: list[dict[str, Any]] = []
        for cluster in self._ecs.list_clusters()["clusterArns"]:
            arns = self._ecs.list_services(cluster=cluster)["serviceArns"]
            if arns:
                services += self._ecs.describe_services(cluster=cluster, services=arns)["services"]
        return services

    def _obey_stop_task(self) -> None:
        """StopTask is noted by the emulator; here it is done."""
        wanted = [task for task in self._tasks.values() if task.desired_status == "RUNNING"]
        published = [task for task in wanted if task.task_id in self._published]
        for cluster in {task.cluster for task in published}:
            arns = [task.arn for task in published if task.cluster == cluster]
            for described in self._ecs.describe_tasks(cluster=cluster, tasks=arns)["tasks"]:
                if described["desiredStatus"] == "STOPPED":
                    task_id = described["taskArn"].rsplit("/", 1)[-1]
                    self._tasks[task_id].stop(described["stoppedReason"], "UserInitiated")

    def _step(self, services: list[dict[str, Any]]) -> None:
        active = {
            (service["clusterArn"].rsplit("/", 1)[-1], service["serviceName"]): service
            for service in services
            if service["status"] == "ACTIVE"
        }
        for task in self._tasks.values():
            if task.status != "STOPPED":
                task.advance()
                if task.status == "STOPPED":
                    self._count_death(task)
                elif (task.cluster, task.service) not in active:
                    task.stop("Service deleted", "ServiceSchedulerInitiated")
        for (cluster, name), service in active.items():
            self._step_service(cluster, name, service)
        stopped = [task_id for task_id, task in self._tasks.items() if task.status == "STOPPED"]
        for task_id in stopped[:-STOPPED_KEPT]:
            if self._published.get(task_id, (0, ""))[0] == self._tasks[task_id].version:
                del self._tasks[task_id]
                del self._published[task_id]

    def _step_service(self, cluster: str, name: str, service: dict[str, Any]) -> None:
        primary = next(d["id"] for d in service["deployments"] if d["status"] == "PRIMARY")
        wanted = [
            task
            for task in self._tasks.values()
            if (task.cluster, task.service, task.desired_status) == (cluster, name, "RUNNING")
        ]
        step = plan(
            desired=service["desiredCount"],
            minimum_percent=service["deploymentConfiguration"]["minimumHealthyPercent"],
            maximum_percent=service["deploymentConfiguration"]["maximumPercent"],
            primary=primary,
            tasks=[TaskView(task.task_id, task.deployment_id, task.healthy) for task in wanted],
        )
        for task_id in step.stop:
            self._tasks[task_id].stop("Scaling activity initiated by deployment", "ServiceSchedulerInitiated")
        if step.start and time.monotonic() >= self._retry_at.get(primary, 0.0):
            answer = self._ecs.describe_task_definition(taskDefinition=service["taskDefinition"])
            for _ in range(step.start):
                task = Task(
                    self._surroundings,
                    cluster,
                    name,
                    primary,
                    answer["taskDefinition"],
                    time.monotonic() + self._start_delay,
                )
                self._tasks[task.task_id] = task

    def _count_death(self, task: Task) -> None:
        if task.stop_code not in ("EssentialContainerExited", "TaskFailedToStart"):
            return
        started = task.started_monotonic
        early = started is None or time.monotonic() - started < EARLY_DEATH_SECONDS
        failures = self._failures.get(task.deployment_id, 0) + 1 if early else 0
        self._failures[task.deployment_id] = failures
        self._retry_at[task.deployment_id] = time.monotonic() + retry_delay(failures)

    def _publish(self) -> None:
        """Tell the emulator and the default bus what changed. A change that fails is told again.

        Health alone is no state change: ECS shows it in DescribeTasks and announces nothing.
        """
        for task in list(self._tasks.values()):
            state = (task.version, task.health_status)
            told = self._published.get(task.task_id, (0, ""))
            if state != told:
                record = task.describe("ElasticNetworkInterface")
                self._emulator.record_ecs_task(record, task.deployment_id, stable=task.healthy)
            if state[0] != told[0]:
                self._emulator.publish_service_event(
                    source="aws.ecs",
                    detail_type="ECS Task State Change",
                    detail=task.describe("eni"),
                    resources=[task.arn],
                )
            self._published[task.task_id] = state


def _snapshot(task: Task) -> TaskStatus:
    containers = task.definition["containerDefinitions"]
    return TaskStatus(
        task_id=task.task_id,
        arn=task.arn,
        cluster=task.cluster,
        service=task.service,
        address=task.address,
        status=task.status,
        desired_status=task.desired_status,
        health=task.health_status,
        pid=task.containers[0].pid if task.containers else 0,
        deployment_id=task.deployment_id,
        stopped_reason=task.stopped_reason,
        log_path=task.log_path(containers[0]["name"]),
    )
