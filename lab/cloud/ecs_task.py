"""One task: its states, its containers, and how the ECS API and the ECS event describe it."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from lab.cloud.clients import ACCOUNT_ID, REGION
from lab.cloud.ecs_container import Container
from lab.cloud.ecs_definition import (
    Address,
    DefinitionError,
    Image,
    command_of,
    environment_of,
    image_name,
    ports_of,
    secrets_of,
)
from lab.cloud.ecs_logs import Destination, LogShipper
from lab.cloud.ecs_roles import CredentialsServer, RoleError, RoleSession
from lab.cloud.emulator import Emulator


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What every task of a runner shares."""

    emulator: Emulator
    images: Mapping[str, Image]
    credentials: CredentialsServer
    directory: Path  # a folder per task and a log file per container go here
    role: Callable[[str], RoleSession]  # sessions by role ARN, kept by the runner


@dataclass(eq=False)
class Task:
    """PENDING until `start`, RUNNING while its containers do, STOPPED after the last one ended."""

    surroundings: Surroundings
    cluster: str
    service: str
    deployment_id: str
    definition: Mapping[str, Any]
    start_at: float  # time.monotonic() before which the task stays PENDING
    task_id: str = field(default_factory=lambda: uuid.uuid4().hex)
    status: str = "PENDING"
    desired_status: str = "RUNNING"
    address: str = ""
    stopped_reason: str = ""
    stop_code: str = ""
    version: int = 1  # grows with every change that ECS would announce
    containers: list[Container] = field(default_factory=list)
    started_monotonic: float | None = None
    _times: dict[str, str] = field(default_factory=dict)
    _shippers: list[LogShipper] = field(default_factory=list)
    _reserved: Address | None = None

    def __post_init__(self) -> None:
        self._times["createdAt"] = _now()

    @property
    def arn(self) -> str:
        """The task's ARN."""
        return f"arn:aws:ecs:{REGION}:{ACCOUNT_ID}:task/{self.cluster}/{self.task_id}"

    @property
    def health_status(self) -> str:
        """The worst health of its essential containers that have a check."""
        checked = {c.health_status for c in self.containers if c.essential and c.health}
        for status in ("UNHEALTHY", "UNKNOWN"):
            if status in checked:
                return status
        return "HEALTHY" if checked else "UNKNOWN"

    @property
    def healthy(self) -> bool:
        """Whether the scheduler counts it: RUNNING, and healthy where there is a check."""
        has_check = any(c.health for c in self.containers if c.essential)
        return self.status == "RUNNING" and (not has_check or self.health_status == "HEALTHY")

    def log_path(self, container: str) -> Path:
        """The local copy of a container's output."""
        return self.surroundings.directory / f"{self.service}-{self.task_id[:8]}-{container}.log"

    def advance(self) -> None:
        """Take the next step, if there is one: start, notice an end, keep the stop timeout."""
        if self.status == "PENDING" and self.desired_status == "STOPPED":
            self._finish()
        elif self.status == "PENDING" and time.monotonic() >= self.start_at:
            self._start()
        elif self.status == "RUNNING":
            self._watch()

    def stop(self, reason: str, code: str) -> None:
        """Ask the task to end; the first reason stays."""
        if self.desired_status == "STOPPED":
            return
        self.desired_status, self.stopped_reason, self.stop_code = "STOPPED", reason, code
        self._times["stoppingAt"] = _now()
        self.version += 1
        for container in self.containers:
            container.begin_stop()

    def kill(self) -> None:
        """End every process at once (the runner is going away)."""
        for container in self.containers:
            container.kill()

    def _watch(self) -> None:
        for container in self.containers:
            container.advance()
        ended = [c for c in self.containers if c.exit_code is not None]
        if any(c.essential for c in ended):
            self.stop("Essential container in task exited", "EssentialContainerExited")
        elif self.health_status == "UNHEALTHY":
            self.stop("Task failed container health checks", "ServiceSchedulerInitiated")
        if len(ended) == len(self.containers):
            self._finish()

    def _start(self) -> None:
        # Whatever goes wrong, what was already made is undone, and the task says why it stopped.
        with ExitStack() as undo:
            undo.callback(self._finish)
            try:
                self._start_containers()
            except (ClientError, BotoCoreError, DefinitionError, RoleError, OSError) as error:
                self.stop(f"ResourceInitializationError: {error}", "TaskFailedToStart")
                return
            undo.pop_all()
        self.status = "RUNNING"
        self.started_monotonic = time.monotonic()
        self._times["startedAt"] = _now()
        self.version += 1

    def _start_containers(self) -> None:
        definitions = self.definition["containerDefinitions"]
        around = self.surroundings
        self._reserved = Address(ports_of(definitions))
        self.address = self._reserved.text
        directory = around.directory / self.task_id
        directory.mkdir(parents=True)
        aws = {
            "AWS_ENDPOINT_URL": around.emulator.endpoint,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        if role_arn := self.definition.get("taskRoleArn"):
            aws |= around.credentials.environment(self.task_id, around.role(role_arn))
        for definition in definitions:
            self._start_container(definition, aws, directory)

    def _start_container(
        self, definition: Mapping[str, Any], aws: Mapping[str, str], directory: Path
    ) -> None:
        around = self.surroundings
        image = around.images.get(image_name(definition["image"]))
        if image is None:
            raise DefinitionError(
                f"image {definition['image']!r} is unknown; known are {sorted(around.images)}"
            )
        environment = environment_of(definition, image, self.address, directory, aws)
        options = definition.get("logConfiguration", {}).get("options")
        destination = None
        if definition.get("secrets") or options:
            if "executionRoleArn" not in self.definition:
                raise DefinitionError("secrets and awslogs need an executionRoleArn")
            role = around.role(self.definition["executionRoleArn"])
            environment |= secrets_of(definition, around.emulator, role.credentials()[0])
            if options:
                stream = f"{options['awslogs-stream-prefix']}/{definition['name']}/{self.task_id}"
                destination = Destination(role, options["awslogs-group"], stream)
        shipper = LogShipper(around.emulator, self.log_path(definition["name"]), destination)
        container = Container(definition, command_of(definition, image), environment, directory, self.address)
        self.containers.append(container)
        shipper.follow(container.output)
        self._shippers.append(shipper)

    def _finish(self) -> None:
        self.kill()  # what an ended container left behind
        for container in self.containers:
            container.wait(5)
        for shipper in self._shippers:
            shipper.finish()
        self.surroundings.credentials.forget(self.task_id)
        if self._reserved:
            self._reserved.release()
        self.status = self.desired_status = "STOPPED"
        self._times["stoppedAt"] = _now()
        self.version += 1

    def describe(self, attachment_type: str) -> dict[str, Any]:
        """The task as DescribeTasks and the task state change event show it.

        `attachment_type`: the API says ElasticNetworkInterface, events say eni. The address has two
        spellings there, and here.
        """
        interface = uuid.uuid5(uuid.NAMESPACE_OID, self.task_id).hex
        attachment = {
            "id": interface,
            "type": attachment_type,
            "status": "ATTACHED" if self.status == "RUNNING" else "DELETED",
            "details": [{"name": "privateIPv4Address", "value": self.address}],
        }
        by_name = {container.name: container for container in self.containers}
        containers = []
        for definition in self.definition["containerDefinitions"]:
            container = by_name.get(definition["name"])
            described: dict[str, Any] = {
                "containerArn": f"{self.arn.replace(':task/', ':container/')}/{definition['name']}",
                "taskArn": self.arn,
                "name": definition["name"],
                "image": definition["image"],
                "lastStatus": "RUNNING" if container and container.exit_code is None else self.status,
                "healthStatus": container.health_status if container else "UNKNOWN",
                "networkInterfaces": [],
            }
            if self.address:
                described["networkInterfaces"] = [
                    {"attachmentId": interface, "privateIpv4Address": self.address}
                ]
            if container and container.exit_code is not None:
                described["exitCode"] = container.exit_code
            containers.append(described)
        return {
            "taskArn": self.arn,
            "clusterArn": f"arn:aws:ecs:{REGION}:{ACCOUNT_ID}:cluster/{self.cluster}",
            "taskDefinitionArn": self.definition["taskDefinitionArn"],
            "group": f"service:{self.service}",
            "startedBy": self.deployment_id,
            "lastStatus": self.status,
            "desiredStatus": self.desired_status,
            "healthStatus": self.health_status,
            "launchType": "FARGATE",
            "availabilityZone": f"{REGION}a",
            "cpu": self.definition.get("cpu", ""),
            "memory": self.definition.get("memory", ""),
            "version": self.version,
            "attachments": [attachment] if self.address else [],
            "containers": containers,
            **self._times,
            **({"stoppedReason": self.stopped_reason} if self.stopped_reason else {}),
            **({"stopCode": self.stop_code} if self.stop_code else {}),
        }


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
