"""ECS, S3 and the servers' health endpoints as the reconciler uses them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import urllib3
from botocore.exceptions import ClientError

from fsxn_runtime.edge.aws_errors import aws_call, error_code
from fsxn_runtime.fpolicy.model import Probe, Task

# What operators give an instance whose address its task uses (modules/fpolicy-ecs/README.md).
HOST_ADDRESS: Final = "fpolicy.address"
# Both within the VPC; a server that reads everything answers at once.
_PROBE_TIMEOUT: Final = urllib3.Timeout(connect=1.0, read=2.0)


class Tasks:
    """The server tasks of one ECS service that shall receive notifications.

    Events are only a trigger: what is true is read here (AWS facts 7: unordered, duplicated, two spellings).
    """

    def __init__(self, ecs: Any, cluster: str, service: str, probe: Callable[[str], Probe]) -> None:
        self._ecs = ecs
        self._cluster = cluster
        self._service = service
        self._probe = probe

    def running(self) -> list[Task]:
        """Give the tasks that run and shall run, each with its probe's answer."""
        arns: list[str] = []
        request: dict[str, Any] = {"cluster": self._cluster, "serviceName": self._service}
        while True:
            with aws_call("ecs:ListTasks"):
                page = self._ecs.list_tasks(**request, desiredStatus="RUNNING")
            arns += page["taskArns"]
            if not page.get("nextToken"):
                break
            request["nextToken"] = page["nextToken"]
        found: list[dict[str, Any]] = []
        for start in range(0, len(arns), 100):  # DescribeTasks takes 100 (API model)
            with aws_call("ecs:DescribeTasks"):
                answer = self._ecs.describe_tasks(cluster=self._cluster, tasks=arns[start : start + 100])
            found += answer["tasks"]
        hosts = self._hosts(found)
        # The newest of two tasks with one address is the one that has it.
        by_address = {
            address: task
            for task in sorted(found, key=_started_us)
            if (address := address_of(task) or host_address_of(task, hosts))
        }
        return [
            Task(address, self._probe(address), _started_us(task))
            for address, task in sorted(by_address.items())
        ]

    def _hosts(self, tasks: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Describe the instances of tasks that use their instance's address; on Fargate none does."""
        arns = sorted({task["containerInstanceArn"] for task in tasks if _uses_host(task)})
        found: list[dict[str, Any]] = []
        for start in range(0, len(arns), 100):  # DescribeContainerInstances takes 100 (API model)
            with aws_call("ecs:DescribeContainerInstances"):
                answer = self._ecs.describe_container_instances(
                    cluster=self._cluster, containerInstances=arns[start : start + 100]
                )
            found += answer["containerInstances"]
        return found


def _uses_host(task: Mapping[str, Any]) -> bool:
    return bool(_runs(task) and task.get("containerInstanceArn") and not address_of(task))


def _runs(task: Mapping[str, Any]) -> bool:
    return (task.get("lastStatus"), task.get("desiredStatus")) == ("RUNNING", "RUNNING")


def host_address_of(task: Mapping[str, Any], hosts: Iterable[Mapping[str, Any]]) -> str:
    """Give the address that the instance of a task that runs has as its attribute fpolicy.address, else "".

    Such a task has no interface of its own (network mode host), and ECS does not show an instance's.
    """
    attributes = (
        attribute
        for host in hosts
        if _runs(task) and host.get("containerInstanceArn") == task.get("containerInstanceArn")
        for attribute in host.get("attributes", ())
    )
    return next((str(each.get("value", "")) for each in attributes if each.get("name") == HOST_ADDRESS), "")


def _started_us(task: Mapping[str, Any]) -> int:
    started = task.get("startedAt")
    return int(started.timestamp() * 1_000_000) if started is not None else 0


def address_of(task: Mapping[str, Any]) -> str:
    """Give the address of a task that runs and shall run, else "".

    AWS writes privateIPv4Address in attachments and privateIpv4Address in containers (AWS facts 7.3); the
    attachment's type has several names, so the detail's name decides.
    """
    if not _runs(task):
        return ""
    for attachment in task.get("attachments", ()):
        for detail in attachment.get("details", ()):
            if detail.get("name", "").lower() == "privateipv4address" and detail.get("value"):
                return str(detail["value"])
    for container in task.get("containers", ()):
        for interface in container.get("networkInterfaces", ()):
            if interface.get("privateIpv4Address"):
                return str(interface["privateIpv4Address"])
    return ""


class Prober:
    """Asks a server's /readyz. Plain HTTP within the VPC; the answer is one word and no secret."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._http = urllib3.PoolManager(retries=False, timeout=_PROBE_TIMEOUT)

    def __call__(self, address: str) -> Probe:
        """Ask once; a server that does not answer is silent."""
        try:
            answer = self._http.request("GET", f"http://{address}:{self._port}/readyz")
        except urllib3.exceptions.HTTPError:
            return Probe.SILENT
        return Probe.READY if answer.status == 200 else Probe.NOT_READY


class VolumeMapObject:
    """The volume map that the servers read."""

    def __init__(self, s3: Any, bucket: str, key: str) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._key = key

    def put(self, document: Mapping[str, Any]) -> bool:
        """Write the volume map when it changed; say whether it did."""
        body = json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
        if self._read() == body:
            return False
        with aws_call("s3:PutObject"):
            self._s3.put_object(Bucket=self._bucket, Key=self._key, Body=body, ContentType="application/json")
        return True

    def _read(self) -> bytes | None:
        try:
            answer = self._s3.get_object(Bucket=self._bucket, Key=self._key)
            return bytes(answer["Body"].read())
        except ClientError as exc:
            # Without s3:ListBucket AWS says AccessDenied for a key that is not there.
            if error_code(exc) in ("NoSuchKey", "404", "AccessDenied", "403"):
                return None
            with aws_call("s3:GetObject"):
                raise
