"""Lambda's event source mappings, and the queues in front of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from fsxn_runtime.edge.aws_errors import aws_call
from fsxn_runtime.errors import RejectedError
from fsxn_runtime.pause.model import Backlog, Mapping, Switch

# CloudWatch gets SQS metrics every minute; some of them late (SQS guide, monitoring).
_LOOK_BACK: Final = timedelta(minutes=15)


class Mappings:
    """The mappings of one installation's starters, `<prefix>-<workload>-start`."""

    def __init__(self, lambda_: Any, prefix: str = "") -> None:
        self._lambda = lambda_
        self._prefix = prefix

    def all(self) -> Iterator[Mapping]:
        """Yield the mapping of every workload."""
        request: dict[str, str] = {}
        while True:
            with aws_call("lambda:ListEventSourceMappings"):
                page = self._lambda.list_event_source_mappings(**request)
            for found in page["EventSourceMappings"]:
                name = str(found["FunctionArn"]).split(":")[6]
                match = re.fullmatch(f"{re.escape(self._prefix)}-(.+)-start", name)
                if match and str(found["EventSourceArn"]).endswith(f":{self._prefix}-{match[1]}-work"):
                    yield _mapping(match[1], found)
            if not page.get("NextMarker"):
                return
            request["Marker"] = page["NextMarker"]

    def of(self, workload: str) -> Mapping:
        """Give one workload's mapping. Raises RejectedError when there is none."""
        found = {mapping.workload: mapping for mapping in self.all()}
        if workload not in found:
            known = ", ".join(sorted(found)) or "none"
            raise RejectedError(
                f"there is no workload {workload!r} below {self._prefix!r}; there are: {known}"
            )
        return found[workload]

    def look(self, uuid: str, workload: str) -> Mapping:
        """Read one mapping."""
        with aws_call("lambda:GetEventSourceMapping"):
            return _mapping(workload, self._lambda.get_event_source_mapping(UUID=uuid))

    def turn(self, mapping: Mapping, *, on: bool) -> None:
        """Ask Lambda to turn the switch; it answers before it is done."""
        with aws_call("lambda:UpdateEventSourceMapping"):
            self._lambda.update_event_source_mapping(UUID=mapping.uuid, Enabled=on)


class Backlogs:
    """What waits in a workload's queues."""

    def __init__(self, sqs: Any, cloudwatch: Any, prefix: str) -> None:
        self._sqs = sqs
        self._cloudwatch = cloudwatch
        self._prefix = prefix

    def of(self, workload: str) -> Backlog:
        """Read both queues and the age of the oldest event. Numbers of SQS are approximate."""
        work = f"{self._prefix}-{workload}-work"
        found = self._attributes(work)
        letters = self._attributes(f"{self._prefix}-{workload}-dead-letters")
        return Backlog(
            waiting=_number(found, "ApproximateNumberOfMessages")
            + _number(found, "ApproximateNumberOfMessagesDelayed"),
            in_flight=_number(found, "ApproximateNumberOfMessagesNotVisible"),
            dead_letters=_number(letters, "ApproximateNumberOfMessages"),
            retention_seconds=_number(found, "MessageRetentionPeriod"),
            oldest_seconds=self._oldest(work),
        )

    def _attributes(self, queue: str) -> dict[str, str]:
        with aws_call("sqs:GetQueueAttributes"):
            url = self._sqs.get_queue_url(QueueName=queue)["QueueUrl"]
            found: dict[str, str] = self._sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])[
                "Attributes"
            ]
        return found

    def _oldest(self, queue: str) -> int | None:
        now = datetime.now(UTC)
        with aws_call("cloudwatch:GetMetricStatistics"):
            answer = self._cloudwatch.get_metric_statistics(
                Namespace="AWS/SQS",
                MetricName="ApproximateAgeOfOldestMessage",
                Dimensions=[{"Name": "QueueName", "Value": queue}],
                StartTime=now - _LOOK_BACK,
                EndTime=now,
                Period=60,
                Statistics=["Maximum"],
            )
        points = sorted(answer["Datapoints"], key=lambda point: point["Timestamp"])
        return int(points[-1]["Maximum"]) if points else None


def _number(attributes: dict[str, str], name: str) -> int:
    return int(attributes.get(name, "0"))


def _mapping(workload: str, found: Any) -> Mapping:
    modified = found["LastModified"]
    since = modified if isinstance(modified, datetime) else datetime.fromtimestamp(float(modified), UTC)
    return Mapping(
        workload=workload,
        uuid=str(found["UUID"]),
        switch=Switch.of_state(str(found["State"])),
        since=since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    )
