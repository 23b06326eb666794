"""The rule of an alarm as Terraform makes it, for the evaluator of CloudWatch's rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fsxn_runtime.slo.alarm_rules import AlarmRule, Comparison, MissingData, least_samples


def rule_of_alarm(alarm: Mapping[str, Any]) -> AlarmRule:
    """Read the attributes of an aws_cloudwatch_metric_alarm; what is left out is CloudWatch's default."""
    waits = alarm["evaluate_low_sample_count_percentiles"] == "ignore"
    return AlarmRule(
        comparison=Comparison(alarm["comparison_operator"]),
        threshold=alarm["threshold"],
        evaluation_periods=alarm["evaluation_periods"],
        datapoints_to_alarm=alarm["datapoints_to_alarm"] or alarm["evaluation_periods"],
        missing_data=MissingData(alarm["treat_missing_data"] or "missing"),
        least_samples=least_samples(alarm["extended_statistic"]) if waits else 0,
    )
