"""Take the FPolicy server away for a while, as a failed deployment would, and bring it back."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from fsxn_runtime.edge.aws_errors import aws_call
from fsxn_runtime.errors import RejectedError, TransientError

POLL_SECONDS = 1.0
WAIT_SECONDS = 300.0  # Fargate starts a task within a minute or two; stopping takes up to 120 s


class EcsService:
    """One ECS service; `ecs` is its boto3 client."""

    def __init__(
        self, ecs: Any, cluster: str, service: str, *, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._ecs = ecs
        self._names = {"cluster": cluster, "service": service}
        self._sleep = sleep

    def desired_count(self) -> int:
        """Read how many tasks are wanted. Raises RejectedError when there is no such service."""
        return int(self._describe()["desiredCount"])

    def scale(self, count: int) -> None:
        """Ask for `count` tasks and wait until so many run. Raises TransientError after five minutes."""
        with aws_call("ecs:UpdateService"):
            self._ecs.update_service(**self._names, desiredCount=count)
        waited = 0.0
        while self._describe()["runningCount"] != count:
            if waited >= WAIT_SECONDS:
                name = self._names["service"]
                raise TransientError(
                    f"service {name} has no {count} running tasks after {WAIT_SECONDS:g} s",
                    code="service_not_scaled",
                )
            self._sleep(POLL_SECONDS)
            waited += POLL_SECONDS

    def restore_command(self, count: int) -> str:
        """Give the command that brings the service back by hand."""
        cluster, service = self._names["cluster"], self._names["service"]
        return f"aws ecs update-service --cluster {cluster} --service {service} --desired-count {count}"

    def _describe(self) -> dict[str, Any]:
        with aws_call("ecs:DescribeServices"):
            answer = self._ecs.describe_services(
                cluster=self._names["cluster"], services=[self._names["service"]]
            )
        active = [service for service in answer["services"] if service["status"] == "ACTIVE"]
        if not active:
            raise RejectedError(
                f"cluster {self._names['cluster']!r} has no active service {self._names['service']!r}",
                code="no_service",
            )
        found: dict[str, Any] = active[0]
        return found
