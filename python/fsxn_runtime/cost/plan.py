"""Read what is deployed out of a Terraform plan or state: `terraform show -json [PLAN]`. Pure.

Resources are known by their type, and functions by the names that the modules give their parts
(`module.starter`, `module.router`). A resource belongs to the workload that its tag `Workload` names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

from fsxn_runtime.cost.model import (
    SHARED,
    ZERO,
    Configuration,
    Mapped,
    Scheduled,
    Standing,
    WorkloadConfiguration,
)
from fsxn_runtime.errors import RejectedError
from fsxn_runtime.metric_catalogue import METRICS

TAG: Final = "Workload"
_RATE: Final = re.compile(r"rate\((\d+) (minute|hour|day)s?\)")
_PER_HOUR: Final = {"minute": Decimal(60), "hour": Decimal(1), "day": Decimal(1) / 24}
_CRON: Final = re.compile(r"cron\((\S+) (\S+) \S+ \S+ \S+ \S+\)")
_DEFAULT_MEMORY: Final = Decimal(256)
_FARGATE_UNITS: Final = Decimal(1024)  # CPU units of a vCPU, MiB of a GB

Resource = Mapping[str, Any]


def read_plan(plan: Mapping[str, Any]) -> Configuration:
    """Read the JSON of a plan or a state. Raises RejectedError when it is none, or has no workload."""
    try:
        root = (plan["planned_values"] if "planned_values" in plan else plan["values"])["root_module"]
    except (KeyError, TypeError) as exc:
        raise RejectedError(
            "this is neither a plan nor a state: write it with `terraform show -json PLAN`", code="wrong_plan"
        ) from exc
    resources = [each for each in _resources(root) if each.get("mode") == "managed"]
    names = sorted({_workload(each) for each in _of(resources, "aws_sfn_state_machine")} - {SHARED})
    if not names:
        raise RejectedError(
            f"the plan has no workload: no state machine with the tag {TAG}", code="wrong_plan"
        )
    router = _one(_part(resources, "aws_lambda_event_source_mapping", "router"))
    schedules = list(_of(resources, "aws_cloudwatch_event_rule"))
    return Configuration(
        router=_mapped(router) if router else Configuration().router,
        router_memory_mb=_memory(_one(_part(resources, "aws_lambda_function", "router"))) or _DEFAULT_MEMORY,
        server_tasks=_tasks(resources),
        archive_days=_days(resources),
        architecture=_architecture(resources),
        workloads=MappingProxyType({name: _configuration(name, resources) for name in names}),
        standing=tuple(_standing(resources, names)),
        scheduled=tuple(_scheduled(schedules)),
        canary_runs_per_hour=sum(
            (
                per_hour(each["values"]["schedule"][0]["expression"])
                for each in _of(resources, "aws_synthetics_canary")
            ),
            ZERO,
        ),
    )


def per_hour(schedule: str) -> Decimal:
    """Runs in an hour of a schedule: rate(...), or cron(...), of which only minutes and hours are looked at.

    A cron that runs on some days only is counted as if it ran on all: high, never low.
    """
    if found := _RATE.fullmatch(schedule):
        return _PER_HOUR[found[2]] / Decimal(found[1])
    if found := _CRON.fullmatch(schedule):
        return _times(found[1], 60) * _times(found[2], 24) / 24
    raise RejectedError(f"the schedule {schedule!r} is neither rate(...) nor cron(...)", code="wrong_plan")


def _times(field: str, every: int) -> Decimal:
    """How often one field of a cron expression comes true while it goes round once."""
    if field == "*":
        return Decimal(every)
    _, slash, step = field.partition("/")
    return Decimal(every) / Decimal(step) if slash else Decimal(field.count(",") + 1)


def _resources(module: Mapping[str, Any]) -> Iterator[Resource]:
    yield from module.get("resources", [])
    for child in module.get("child_modules", []):
        yield from _resources(child)


def _of(resources: Iterable[Resource], *types: str) -> Iterator[Resource]:
    return (each for each in resources if each["type"] in types)


def _part(resources: Iterable[Resource], kind: str, part: str) -> list[Resource]:
    """The resources of a type that are a module's part: `module.PART.TYPE.this` or `TYPE.PART`."""
    inside = re.compile(rf"module\.{part}(\[[^\]]*\])?\.{kind}\.this$|{kind}\.{part}$")
    return [each for each in _of(resources, kind) if inside.search(each["address"])]


def _one(found: list[Resource]) -> Resource | None:
    return found[0] if found else None


def _workload(resource: Resource) -> str:
    tags = resource["values"].get("tags_all") or resource["values"].get("tags") or {}
    return str(tags.get(TAG, SHARED))


def _mapped(resource: Resource) -> Mapped:
    values = resource["values"]
    return Mapped(
        Decimal(values.get("batch_size") or 10),
        Decimal(values.get("maximum_batching_window_in_seconds") or 0),
    )


def _memory(resource: Resource | None) -> Decimal | None:
    return Decimal(resource["values"].get("memory_size") or 128) if resource else None


def _configuration(name: str, resources: list[Resource]) -> WorkloadConfiguration:
    mine = [each for each in resources if _workload(each) == name]
    mapping = _one(_part(mine, "aws_lambda_event_source_mapping", "starter"))
    polls = [each for each in _of(mine, "aws_cloudwatch_event_rule") if ".poll[" in each["address"]]
    return WorkloadConfiguration(
        starter=_mapped(mapping) if mapping else WorkloadConfiguration().starter,
        starter_memory_mb=_memory(_one(_part(mine, "aws_lambda_function", "starter"))) or _DEFAULT_MEMORY,
        finisher_memory_mb=_memory(_one(_part(mine, "aws_lambda_function", "finisher"))) or _DEFAULT_MEMORY,
        process_memory_mb=_memory(_one(_part(mine, "aws_lambda_function", "process"))),
        polls_per_hour=sum((per_hour(each["values"]["schedule_expression"]) for each in polls), ZERO),
    )


def _tasks(resources: list[Resource]) -> Decimal:
    counts = [each["values"].get("desired_count") or 0 for each in _of(resources, "aws_ecs_service")]
    return Decimal(sum(counts)) or Configuration().server_tasks


def _days(resources: list[Resource]) -> Decimal:
    days = [each["values"].get("retention_days") for each in _of(resources, "aws_cloudwatch_event_archive")]
    return Decimal(days[0]) if days and days[0] else Configuration().archive_days


def _architecture(resources: list[Resource]) -> str:
    found = {
        str((each["values"].get("architectures") or ["x86_64"])[0])
        for each in _of(resources, "aws_lambda_function")
    }
    if len(found) > 1:
        raise RejectedError(
            f"the plan's functions have several architectures ({', '.join(sorted(found))}); one is counted",
            code="wrong_plan",
        )
    return found.pop() if found else Configuration().architecture


def _scheduled(rules: list[Resource]) -> Iterator[Scheduled]:
    for each in rules:
        schedule = each["values"].get("schedule_expression")
        if schedule:
            yield Scheduled(_workload(each), per_hour(schedule), _DEFAULT_MEMORY)


def _standing(resources: list[Resource], workloads: list[str]) -> Iterator[Standing]:
    yield from _counted(
        resources, "CloudWatch alarm metrics", "aws_cloudwatch_metric_alarm", "cloudwatch.alarm_metric"
    )
    yield from _counted(
        resources,
        "CloudWatch composite alarms",
        "aws_cloudwatch_composite_alarm",
        "cloudwatch.composite_alarm",
    )
    yield from _counted(
        resources, "CloudWatch dashboards", "aws_cloudwatch_dashboard", "cloudwatch.dashboard"
    )
    yield from _counted(resources, "KMS keys", "aws_kms_key", "kms.key")
    yield from _counted(resources, "Secrets", "aws_secretsmanager_secret_rotation", "secretsmanager.secret")
    yield from _metrics(workloads)
    for each in _of(resources, "aws_vpc_endpoint"):
        if each["values"].get("vpc_endpoint_type") == "Interface":
            zones = Decimal(len(each["values"].get("subnet_ids") or [1]))
            yield Standing("VPC endpoints, zones", _workload(each), zones, "vpc.endpoint_hour", hourly=True)
    yield from _server(resources)


def _counted(resources: list[Resource], name: str, kind: str, price: str) -> Iterator[Standing]:
    """Resources of a type by workload; an alarm counts the metrics that it looks at."""
    counts: dict[str, Decimal] = {}
    for each in _of(resources, kind):
        queries = each["values"].get("metric_query") or []
        metrics = sum(1 for query in queries if query.get("metric")) if queries else 1
        counts[_workload(each)] = counts.get(_workload(each), ZERO) + metrics
    for workload, count in sorted(counts.items()):
        yield Standing(name, workload, count, price)


def _metrics(workloads: list[str]) -> Iterator[Standing]:
    """Custom metrics of the catalogue, each set of dimensions once; one by reason has as many as reasons."""
    sets = [names for metric in METRICS.values() for names in metric.dimension_sets]
    own = Decimal(sum(1 for names in sets if "UcId" in names))
    yield Standing(
        "CloudWatch custom metrics, at least", SHARED, Decimal(len(sets)) - own, "cloudwatch.metric"
    )
    for name in workloads:
        yield Standing("CloudWatch custom metrics, at most", name, own, "cloudwatch.metric")


def _server(resources: list[Resource]) -> Iterator[Standing]:
    """What Fargate takes for the server's tasks; on instances of the operator's ECS takes nothing."""
    tasks = _tasks(resources)
    for each in _of(resources, "aws_ecs_task_definition"):
        values = each["values"]
        if "FARGATE" not in (values.get("requires_compatibilities") or []):
            continue
        platform = (values.get("runtime_platform") or [{}])[0]
        kind = str(platform.get("cpu_architecture") or "X86_64").lower()
        cpu, memory = Decimal(str(values["cpu"])), Decimal(str(values["memory"]))
        yield Standing(
            "Fargate vCPU", SHARED, tasks * cpu / _FARGATE_UNITS, f"fargate.vcpu_hour.{kind}", hourly=True
        )
        yield Standing(
            "Fargate GB", SHARED, tasks * memory / _FARGATE_UNITS, f"fargate.gb_hour.{kind}", hourly=True
        )
