"""What AWS says of one deployment, found by the prefix of its names. Bounded reads only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from typing import Any, Final

from botocore.exceptions import ClientError

from fsxn_runtime.diagnose.collecting import Collector
from fsxn_runtime.edge.aws_errors import aws_call, error_code
from fsxn_runtime.edge.clock import now_us

Clients = Callable[[str], Any]

# A deployment has some 80 alarms, 20 queues and 20 functions; more is another deployment's.
_MOST: Final = 500
_LOG_LINES: Final = 20
_LOG_PAGES: Final = 3  # a search may answer empty pages; what is found later is older than what is of use
_LINE_CHARACTERS: Final = 1000
_TASKS: Final = 20
_SERVICE_EVENTS: Final = 10
_ERRORS: Final = '?ERROR ?"Task timed out" ?Traceback'
_AGE_MINUTES: Final = 15
_QUEUE_FACTS: Final = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
)


class AwsSide:
    """One deployment. Clients come by the service's name; logs are read `minutes` back."""

    def __init__(self, clients: Clients, prefix: str, minutes: int) -> None:
        self._clients = clients
        self._prefix = f"{prefix}-"
        self._server = f"{prefix}-fpolicy"
        self._since = now_us() // 1_000_000 - 60 * minutes

    def collectors(self) -> dict[str, Collector]:
        """Give what can be collected, by name. Each raises the errors of `edge.aws_errors`."""
        parts: Mapping[str, Collector] = {
            "alarms": self.alarms,
            "errors": self.errors,
            "functions": self.functions,
            "queues": self.queues,
            "schedules": self.schedules,
            "server": self.server,
            "sources": self.sources,
        }
        return {name: partial(_with_errors, name, collector) for name, collector in parts.items()}

    def alarms(self) -> list[dict[str, Any]]:
        """Read alarms and their state, composite ones too."""
        pages = (
            self._clients("cloudwatch")
            .get_paginator("describe_alarms")
            .paginate(AlarmNamePrefix=self._prefix, AlarmTypes=["MetricAlarm", "CompositeAlarm"])
        )
        found = (
            each
            for page in pages
            for each in [*page.get("CompositeAlarms", []), *page.get("MetricAlarms", [])]
        )
        return [
            {
                "name": each["AlarmName"],
                "state": each.get("StateValue", ""),
                "reason": each.get("StateReason", ""),
                "since": _text(each.get("StateUpdatedTimestamp")),
                "description": each.get("AlarmDescription", ""),
                "metric": each.get("MetricName", ""),
                "actions_enabled": each.get("ActionsEnabled", True),
            }
            for each in islice(found, _MOST)
        ]

    def queues(self) -> list[dict[str, Any]]:
        """Read how much lies in each queue, and the age of the oldest message where CloudWatch has it."""
        sqs = self._clients("sqs")
        pages = sqs.get_paginator("list_queues").paginate(QueueNamePrefix=self._prefix)
        urls = list(islice((url for page in pages for url in page.get("QueueUrls", [])), _MOST))
        found = []
        for url in urls:
            read = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
            visible, in_flight, delayed = (int(read.get(name, 0)) for name in _QUEUE_FACTS)
            name = url.rpartition("/")[2]
            found.append(
                {
                    "name": name,
                    "url": url,
                    "visible": visible,
                    "in_flight": in_flight,
                    "delayed": delayed,
                    "is_dead_letter": "RedriveAllowPolicy" in read or name.endswith("-dead-letters"),
                    "oldest_seconds": None,
                }
            )
        ages = self._ages([each["name"] for each in found if each["visible"] or each["in_flight"]])
        return [{**each, "oldest_seconds": ages.get(each["name"])} for each in found]

    def server(self) -> dict[str, Any]:
        """Read the FPolicy server's service: counts, its last events, tasks that run and tasks that ended."""
        ecs = self._clients("ecs")
        answer = ecs.describe_services(cluster=self._server, services=[self._server])
        active = [each for each in answer["services"] if each.get("status") == "ACTIVE"]
        if not active:
            return {"exists": False}
        service = active[0]
        return {
            "exists": True,
            "desired": service["desiredCount"],
            "running": service["runningCount"],
            "pending": service["pendingCount"],
            "events": [
                {"at": _text(each["createdAt"]), "message": each["message"]}
                for each in service.get("events", [])[:_SERVICE_EVENTS]
            ],
            "tasks": self._tasks("RUNNING"),
            "stopped": self._tasks("STOPPED"),
        }

    def functions(self) -> list[dict[str, Any]]:
        """Read which functions there are, and whether Lambda can run them. Not their environment."""
        awslambda = self._clients("lambda")
        return [
            {
                "name": each["FunctionName"],
                "state": each.get("State", ""),
                "update": each.get("LastUpdateStatus", ""),
                "modified": each.get("LastModified", ""),
                "concurrency": awslambda.get_function_concurrency(FunctionName=each["FunctionName"]).get(
                    "ReservedConcurrentExecutions"
                ),
            }
            for each in self._functions()
        ]

    def errors(self) -> list[dict[str, Any]]:
        """Read the last error lines of every function and of the server."""
        groups = {each["FunctionName"]: f"/aws/lambda/{each['FunctionName']}" for each in self._functions()}
        groups[self._server] = f"/ecs/{self._server}"
        found = ({"name": name, "lines": self._error_lines(group)} for name, group in groups.items())
        return [each for each in found if each["lines"]]

    def sources(self) -> list[dict[str, Any]]:
        """Read whether the functions take from their queues."""
        pages = self._clients("lambda").get_paginator("list_event_source_mappings").paginate()
        found = (
            {
                "function": _last(each.get("FunctionArn", "")),
                "queue": _last(each.get("EventSourceArn", "")),
                "state": each.get("State", ""),
                "reason": each.get("StateTransitionReason", ""),
            }
            for page in pages
            for each in page["EventSourceMappings"]
        )
        return list(islice((each for each in found if each["function"].startswith(self._prefix)), _MOST))

    def schedules(self) -> list[dict[str, Any]]:
        """Read the schedules and whether they are on."""
        answer = self._clients("events").list_rules(NamePrefix=self._prefix, Limit=100)
        return [
            {"name": each["Name"], "state": each["State"], "expression": each["ScheduleExpression"]}
            for each in answer["Rules"]
            if each.get("ScheduleExpression")
        ]

    def _functions(self) -> list[dict[str, Any]]:
        pages = self._clients("lambda").get_paginator("list_functions").paginate()
        found = (each for page in pages for each in page["Functions"])
        return list(islice((each for each in found if each["FunctionName"].startswith(self._prefix)), _MOST))

    def _error_lines(self, group: str) -> list[dict[str, Any]]:
        logs = self._clients("logs")
        pages = logs.get_paginator("filter_log_events").paginate(
            logGroupName=group, startTime=1000 * self._since, filterPattern=_ERRORS, limit=1000
        )
        try:
            found = [event for page in islice(pages, _LOG_PAGES) for event in page["events"]]
        except ClientError as exc:
            if error_code(exc) == "ResourceNotFoundException":
                return []  # a function that never ran in the laboratory has no group
            raise
        return [
            {"at": _text(_moment(each["timestamp"] / 1000)), "message": each["message"][:_LINE_CHARACTERS]}
            for each in found[-_LOG_LINES:]
        ]

    def _tasks(self, status: str) -> list[dict[str, Any]]:
        ecs = self._clients("ecs")
        arns = ecs.list_tasks(cluster=self._server, serviceName=self._server, desiredStatus=status)[
            "taskArns"
        ]
        if not arns:
            return []
        answer = ecs.describe_tasks(cluster=self._server, tasks=arns[:_TASKS])
        return [
            {
                "task": _last(each["taskArn"].replace("/", ":")),
                "status": each.get("lastStatus", ""),
                "health": each.get("healthStatus", ""),
                "started": _text(each.get("startedAt")),
                "stopped": _text(each.get("stoppedAt")),
                "code": each.get("stopCode", ""),
                "reason": each.get("stoppedReason", ""),
                "exits": [
                    {"code": part.get("exitCode"), "reason": part.get("reason", "")}
                    for part in each.get("containers", [])
                ],
            }
            for each in answer["tasks"]
        ]

    def _ages(self, queues: list[str]) -> dict[str, float]:
        """Give the newest age of the oldest message, in seconds, by queue."""
        if not queues:
            return {}
        now = _moment(now_us() / 1_000_000)
        answer = self._clients("cloudwatch").get_metric_data(
            MetricDataQueries=[
                {
                    "Id": f"q{number}",
                    "MetricStat": {
                        "Metric": {
                            "Namespace": "AWS/SQS",
                            "MetricName": "ApproximateAgeOfOldestMessage",
                            "Dimensions": [{"Name": "QueueName", "Value": queue}],
                        },
                        "Period": 60,
                        "Stat": "Maximum",
                    },
                }
                for number, queue in enumerate(queues)
            ],
            StartTime=now - timedelta(minutes=_AGE_MINUTES),
            EndTime=now,
            ScanBy="TimestampDescending",
        )
        return {
            queues[int(result["Id"][1:])]: float(result["Values"][0])
            for result in answer["MetricDataResults"]
            if result["Values"]
        }


def _with_errors(name: str, collector: Collector) -> Any:
    with aws_call(name):
        return collector()


def _last(arn: str) -> str:
    return arn.rpartition(":")[2]


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _text(moment: datetime | None) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds") if moment else ""
