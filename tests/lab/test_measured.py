"""Gaps between what is looked at and what was published: each has a reason, each reason a gap."""

from __future__ import annotations

from lab.measured import Metric, gaps, watched, written


def metric(name: str, namespace: str = "N", **dimensions: str) -> Metric:
    return namespace, name, frozenset(dimensions.items())


def test_a_metric_with_other_dimensions_is_another_metric() -> None:
    found = gaps([metric("Age", Queue="a")], {metric("Age", Queue="b"), metric("Age")}, {})
    assert found.unexplained == ["N Age Queue=a"]


def test_a_reason_explains_what_its_pattern_fits_and_no_more() -> None:
    wanted = [metric("Age", Queue="a"), metric("Age", Queue="b"), metric("Size")]
    found = gaps(wanted, {metric("Size")}, {"N Age Queue=a": "nobody"})
    assert (found.unexplained, found.needless) == (["N Age Queue=b"], [])
    assert gaps(wanted, {metric("Size")}, {"N Age *": "nobody"}).unexplained == []


def test_a_reason_for_what_was_published_or_is_not_looked_at_is_needless() -> None:
    reasons = {"N Age": "it is published", "N Size": "nobody looks"}
    assert gaps([metric("Age")], {metric("Age")}, reasons).needless == ["N Age", "N Size"]


def test_dimensions_are_written_in_order() -> None:
    assert written(metric("Age", B="2", A="1")) == "N Age A=1 B=2"


def test_an_alarm_on_an_expression_watches_its_parts() -> None:
    part = {"namespace": "N", "metric_name": "Used", "dimensions": {"Tier": "SSD"}}
    alarm = {"metric_query": [{"metric": [part]}, {"metric": []}], "metric_name": None}
    assert watched(alarm) == {metric("Used", Tier="SSD")}
    plain = {"metric_query": [], "namespace": "N", "metric_name": "Used", "dimensions": None}
    assert watched(plain) == {metric("Used")}
