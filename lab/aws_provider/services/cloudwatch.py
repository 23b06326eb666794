"""CloudWatch: metric and composite alarms, dashboards. The local AWS evaluates alarms in a simplified way."""

from __future__ import annotations

from typing import Any

from lab.aws_provider.cloud import Cloud
from lab.aws_provider.errors import NotFoundError, ProviderError
from lab.aws_provider.records import Record
from lab.aws_provider.services.calls import (
    absent,
    change_tags,
    must_be_new,
    one,
    set_only,
    tag_list,
    tag_map,
    undecided,
)
from lab.aws_provider.values import Object

GONE = ("ResourceNotFound", "ResourceNotFoundException", "DashboardNotFoundError")

ALARM = {
    "actions_enabled": "ActionsEnabled",
    "alarm_description": "AlarmDescription",
    "comparison_operator": "ComparisonOperator",
    "datapoints_to_alarm": "DatapointsToAlarm",
    "evaluate_low_sample_count_percentiles": "EvaluateLowSampleCountPercentile",
    "evaluation_periods": "EvaluationPeriods",
    "extended_statistic": "ExtendedStatistic",
    "metric_name": "MetricName",
    "namespace": "Namespace",
    "period": "Period",
    "statistic": "Statistic",
    "threshold": "Threshold",
    "threshold_metric_id": "ThresholdMetricId",
    "treat_missing_data": "TreatMissingData",
    "unit": "Unit",
}
ACTIONS = {
    "alarm_actions": "AlarmActions",
    "insufficient_data_actions": "InsufficientDataActions",
    "ok_actions": "OKActions",
}


def _check_alarm(config: Object) -> None:
    if undecided(config, "metric_name", "metric_query", "statistic", "extended_statistic"):
        return
    if bool(config.get("metric_name")) == bool(config.get("metric_query")):
        raise ProviderError(
            "an alarm needs metric_name or metric_query blocks, not both", attribute="metric_name"
        )
    if config.get("metric_name") and bool(config.get("statistic")) == bool(config.get("extended_statistic")):
        raise ProviderError("an alarm needs statistic or extended_statistic, not both", attribute="statistic")


def _dimensions(values: dict[str, str] | None) -> list[dict[str, str]]:
    return tag_list(values, "Name", "Value")


def _query(block: Object) -> dict[str, Any]:
    metric = one(block["metric"])
    stat = None
    if metric:
        stat = set_only(
            Metric={
                "Namespace": metric["namespace"],
                "MetricName": metric["metric_name"],
                "Dimensions": _dimensions(metric["dimensions"]),
            },
            Period=metric["period"],
            Stat=metric["stat"],
            Unit=metric["unit"],
        )
    return set_only(
        Id=block["id"],
        AccountId=block["account_id"],
        Expression=block["expression"],
        Label=block["label"],
        Period=block["period"],
        ReturnData=bool(block["return_data"]),
        MetricStat=stat,
    )


def _put_alarm(cloud: Cloud, values: Object, tags: list[dict[str, str]] | None = None) -> None:
    arguments = {key: values[name] for name, key in ALARM.items() if values[name] not in (None, "")}
    if "Threshold" in arguments:
        arguments["Threshold"] = float(arguments["Threshold"])  # may come as text (values.canonical)
    arguments.update({key: sorted(values[name] or []) for name, key in ACTIONS.items()})
    if values["metric_query"]:
        arguments["Metrics"] = [_query(block) for block in values["metric_query"]]
    else:
        arguments["Dimensions"] = _dimensions(values["dimensions"])
    cloud.client("cloudwatch").put_metric_alarm(
        AlarmName=values["alarm_name"], **arguments, **set_only(Tags=tags)
    )


def _find_alarm(cloud: Cloud, name: str, kind: str = "MetricAlarm") -> dict[str, Any]:
    answer = cloud.client("cloudwatch").describe_alarms(AlarmNames=[name], AlarmTypes=[kind])
    if not answer[f"{kind}s"]:
        raise NotFoundError(name)
    return dict(answer[f"{kind}s"][0])


def _create_alarm(cloud: Cloud, values: Object) -> Object:
    name = values["alarm_name"]
    must_be_new(lambda: _find_alarm(cloud, name), f"alarm {name}")
    _put_alarm(cloud, values, tag_list(values["tags_all"]))
    return {"id": name}


def _update_alarm(cloud: Cloud, state: Object, changed: set[str]) -> None:
    if changed - {"tags", "tags_all"}:
        _put_alarm(cloud, state)
    _change_alarm_tags(cloud, state, changed)


def _change_alarm_tags(cloud: Cloud, state: Object, changed: set[str]) -> None:
    if "tags_all" in changed:
        client, arn = cloud.client("cloudwatch"), state["arn"]
        change_tags(
            state["tags_all"],
            _alarm_tags(cloud, arn),
            lambda fresh: client.tag_resource(ResourceARN=arn, Tags=tag_list(fresh)),
            lambda keys: client.untag_resource(ResourceARN=arn, TagKeys=keys),
        )


def _alarm_tags(cloud: Cloud, arn: str) -> dict[str, str]:
    return tag_map(cloud.client("cloudwatch").list_tags_for_resource(ResourceARN=arn)["Tags"])


def _read_alarm(cloud: Cloud, state: Object) -> Object:
    alarm = _find_alarm(cloud, state["id"])
    result: Object = {name: alarm.get(key, "") for name, key in ALARM.items() if key in alarm}
    result.update({name: alarm.get(key, []) for name, key in ACTIONS.items()})
    if alarm.get("ExtendedStatistic"):
        result.pop("statistic", None)  # the local AWS reports Average beside it
    if state["metric_query"]:
        for name in ("metric_name", "namespace", "period", "statistic", "extended_statistic"):
            result.pop(name, None)
    else:
        result["dimensions"] = tag_map(alarm.get("Dimensions"), "Name", "Value")
    return {
        **result,
        "alarm_name": alarm["AlarmName"],
        "arn": alarm["AlarmArn"],
        "tags": _alarm_tags(cloud, alarm["AlarmArn"]),
    }


def _delete_alarm(cloud: Cloud, state: Object) -> None:
    with absent(*GONE):
        cloud.client("cloudwatch").delete_alarms(AlarmNames=[state["id"]])


# composite alarm -----------------------------------------------------------------------------------------

COMPOSITE = {
    "actions_enabled": "ActionsEnabled",
    "alarm_description": "AlarmDescription",
    "alarm_rule": "AlarmRule",
}


def _put_composite(cloud: Cloud, values: Object, tags: list[dict[str, str]] | None = None) -> None:
    arguments = {key: values[name] for name, key in COMPOSITE.items() if values[name] not in (None, "")}
    arguments.update({key: sorted(values[name] or []) for name, key in ACTIONS.items()})
    suppressor = one(values["actions_suppressor"])
    if suppressor:
        arguments["ActionsSuppressor"] = suppressor["alarm"]
        arguments["ActionsSuppressorWaitPeriod"] = suppressor["wait_period"]
        arguments["ActionsSuppressorExtensionPeriod"] = suppressor["extension_period"]
    cloud.client("cloudwatch").put_composite_alarm(
        AlarmName=values["alarm_name"], **arguments, **set_only(Tags=tags)
    )


def _create_composite(cloud: Cloud, values: Object) -> Object:
    name = values["alarm_name"]
    must_be_new(lambda: _find_alarm(cloud, name, "CompositeAlarm"), f"composite alarm {name}")
    _put_composite(cloud, values, tag_list(values["tags_all"]))
    return {"id": name}


def _update_composite(cloud: Cloud, state: Object, changed: set[str]) -> None:
    if changed - {"tags", "tags_all"}:
        _put_composite(cloud, state)
    _change_alarm_tags(cloud, state, changed)


def _read_composite(cloud: Cloud, state: Object) -> Object:
    alarm = _find_alarm(cloud, state["id"], "CompositeAlarm")
    result: Object = {name: alarm.get(key, "") for name, key in COMPOSITE.items() if key in alarm}
    result.update({name: alarm.get(key, []) for name, key in ACTIONS.items()})
    return {
        **result,
        "alarm_name": alarm["AlarmName"],
        "arn": alarm["AlarmArn"],
        "tags": _alarm_tags(cloud, alarm["AlarmArn"]),
    }


# dashboard -----------------------------------------------------------------------------------------------


def _get_dashboard(cloud: Cloud, name: str) -> dict[str, Any]:
    with absent(*GONE):
        found: dict[str, Any] = cloud.client("cloudwatch").get_dashboard(DashboardName=name)
    return found


def _put_dashboard(cloud: Cloud, values: Object) -> None:
    cloud.client("cloudwatch").put_dashboard(
        DashboardName=values["dashboard_name"], DashboardBody=values["dashboard_body"]
    )


def _create_dashboard(cloud: Cloud, values: Object) -> Object:
    name = values["dashboard_name"]
    must_be_new(lambda: _get_dashboard(cloud, name), f"dashboard {name}")
    _put_dashboard(cloud, values)
    return {"id": name}


def _update_dashboard(cloud: Cloud, state: Object, _changed: set[str]) -> None:
    _put_dashboard(cloud, state)


def _read_dashboard(cloud: Cloud, state: Object) -> Object:
    found = _get_dashboard(cloud, state["id"])
    return {
        "dashboard_arn": found["DashboardArn"],
        "dashboard_body": found["DashboardBody"],
        "dashboard_name": state["id"],
    }


def _delete_dashboard(cloud: Cloud, state: Object) -> None:
    with absent(*GONE):
        cloud.client("cloudwatch").delete_dashboards(DashboardNames=[state["id"]])


RECORDS = (
    Record(
        type="aws_cloudwatch_metric_alarm",
        create=_create_alarm,
        update=_update_alarm,
        read=_read_alarm,
        delete=_delete_alarm,
        check=_check_alarm,
        create_only=frozenset({"alarm_name"}),
        blank={"evaluate_low_sample_count_percentiles": ""},
        filled=frozenset({"datapoints_to_alarm", "period"}),
        patterns={"alarm_name": r"[^\x00-\x1f]{1,255}"},
        name_of="alarm_name",
    ),
    Record(
        type="aws_cloudwatch_composite_alarm",
        create=_create_composite,
        update=_update_composite,
        read=_read_composite,
        delete=_delete_alarm,
        create_only=frozenset({"alarm_name"}),
        patterns={"alarm_name": r"[^\x00-\x1f]{1,255}"},
        name_of="alarm_name",
    ),
    Record(
        type="aws_cloudwatch_dashboard",
        create=_create_dashboard,
        update=_update_dashboard,
        read=_read_dashboard,
        delete=_delete_dashboard,
        create_only=frozenset({"dashboard_name"}),
        documents={"dashboard_body": "json"},
        patterns={"dashboard_name": r"[\w-]{1,255}"},
        name_of="dashboard_name",
    ),
)
