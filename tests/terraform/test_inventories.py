"""Ring 2: what each environment root makes, compared with an inventory that reviews can read."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.terraform.conftest import Evaluate
from tools.terraform_inventory import INVENTORIES, ROOTS, Resource, inventory, roles, text

pytestmark = [pytest.mark.terraform, pytest.mark.xdist_group("terraform-roots")]

# AWS knows these only for every resource (service authorization reference), so "*" is the least there is.
WITHOUT_RESOURCE_LEVEL = {
    "cloudwatch:DescribeAlarms",  # AWS checks a call that names several against alarm:*
    "cloudwatch:GetMetricData",
    # Lambda checks these on "*" when it attaches a function to a VPC: the interfaces do not exist yet.
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
    "ecr:GetAuthorizationToken",
    "fsx:DescribeFileSystems",
    "fsx:DescribeVolumes",
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "ecs:ListTasks",  # with a service name; narrowed by ecs:cluster
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
    "s3:ListAllMyBuckets",
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
}
# Lambda checks these on "*" when it attaches a function to a VPC: the interfaces do not exist yet.
TO_ATTACH_TO_A_VPC = {
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
}
ALARMS = ("aws_cloudwatch_metric_alarm", "aws_cloudwatch_composite_alarm")
# Silence counts as good there, so OK may only mean that nothing ran (modules/slo/alarms.tf).
WITHOUT_OK = {'module.slo.aws_cloudwatch_metric_alarm.slo["success-rate"]'}
SAME_ALARM = ("namespace", "metric_name", "dimensions", "statistic", "extended_statistic", "threshold")
ENVIRONMENTS = ("local", "poc", "production")


def of(resources: list[Resource], *kinds: str) -> list[Resource]:
    return [resource for resource in resources if resource["type"] in kinds]


@pytest.mark.parametrize("root", ROOTS)
def test_the_root_makes_what_its_inventory_says(root: str, evaluated: Evaluate) -> None:
    expected = (INVENTORIES / f"{root}.yaml").read_text()
    found = text(root, inventory(evaluated(root)))
    assert found == expected, "if the change is wanted: .venv/bin/python tools/terraform_inventory.py"


@pytest.mark.parametrize("root", ENVIRONMENTS)
def test_a_role_names_its_resources_wherever_aws_lets_it(root: str, evaluated: Evaluate) -> None:
    for name, role in roles(evaluated(root)).items():
        pairs = [pair.split(" ", 1) for pair in role["allow"]]
        assert all("*" not in action for action, _ in pairs), name
        on_everything = {action for action, target in pairs if target == "*"}
        assert on_everything <= WITHOUT_RESOURCE_LEVEL | TO_ATTACH_TO_A_VPC, name


@pytest.mark.parametrize("root", ENVIRONMENTS)
def test_who_gives_a_grant_can_tell_of_it_and_a_function_cannot_give_one(
    root: str, evaluated: Evaluate
) -> None:
    resources = evaluated(root)
    (policy,) = [p for p in of(resources, "aws_iam_policy") if p["values"]["name"].endswith("-break-glass")]
    statements = {found["Sid"]: found for found in json.loads(policy["values"]["policy"])["Statement"]}
    (topic,) = of(resources, "aws_sns_topic")
    assert statements["TellOfGrants"]["Resource"] == topic["values"]["arn"]
    assert statements["EncryptForTopic"]["Resource"] == topic["values"]["kms_master_key_id"]
    assert "BREAK_GLASS" in keys(statements["GiveAndEndGrants"])
    for role in of(resources, "aws_iam_role_policy"):
        for found in json.loads(role["values"]["policy"])["Statement"]:
            if "dynamodb:PutItem" in found["Action"] and "LeadingKeys" in json.dumps(found):
                assert "BREAK_GLASS" not in keys(found), role["address"]


def keys(statement: Resource) -> list[str]:
    """The leading keys that a statement admits."""
    (admitted,) = statement["Condition"].values()
    return list(admitted["dynamodb:LeadingKeys"])


@pytest.mark.parametrize("root", ENVIRONMENTS)
def test_every_alarm_goes_to_the_topic_and_names_a_runbook_that_exists(
    root: str, evaluated: Evaluate, repository: Path
) -> None:
    """By itself, or as a part of a composite alarm; that it is over, too, unless that cannot be known."""
    resources = evaluated(root)
    rules = " ".join(
        composite["values"]["alarm_rule"] for composite in of(resources, "aws_cloudwatch_composite_alarm")
    )
    (topic,) = of(resources, "aws_sns_topic")
    for alarm in of(resources, *ALARMS):
        values = alarm["values"]
        if values["alarm_actions"]:
            assert values["alarm_actions"] == [topic["values"]["arn"]], alarm["address"]
            without_ok = alarm["address"] in WITHOUT_OK
            assert (values["ok_actions"] or []) == ([] if without_ok else values["alarm_actions"])
        else:
            assert f'ALARM("{values["alarm_name"]}")' in rules, alarm["address"]
        runbook = values["alarm_description"].rpartition(" ")[2]
        assert (repository / runbook).is_file(), f"{alarm['address']}: {runbook}"


@pytest.mark.parametrize("root", ENVIRONMENTS)
def test_a_composite_alarm_joins_alarms_that_exist(root: str, evaluated: Evaluate) -> None:
    resources = evaluated(root)
    names = {alarm["values"]["alarm_name"] for alarm in of(resources, *ALARMS)}
    composites = of(resources, "aws_cloudwatch_composite_alarm")
    assert composites
    for composite in composites:
        joined = re.findall(r'ALARM\("([^"]+)"\)', composite["values"]["alarm_rule"])
        assert joined
        assert set(joined) <= names, composite["address"]


@pytest.mark.parametrize("root", ENVIRONMENTS)
def test_no_two_alarms_with_actions_watch_the_same_in_the_same_way(root: str, evaluated: Evaluate) -> None:
    watched = [
        json.dumps({name: alarm["values"][name] for name in SAME_ALARM}, sort_keys=True)
        for alarm in of(evaluated(root), "aws_cloudwatch_metric_alarm")
        if alarm["values"]["alarm_actions"] and alarm["values"]["metric_name"]
    ]
    assert {each for each in watched if watched.count(each) > 1} == set()


def test_every_runbook_belongs_to_an_alarm(evaluated: Evaluate, repository: Path) -> None:
    """Production has every alarm but that of CloudEvents' consumers: no root has one by itself.

    Planned maintenance is no alarm's: its page is for work that a person begins.
    """
    named = {
        alarm["values"]["alarm_description"].rpartition("/")[2]
        for alarm in of(evaluated("production"), *ALARMS)
    }
    assert '"cloudevents-dead-letters" =>' in (repository / "modules/event-router/alarms.tf").read_text()
    named.add("cloudevents-dead-letters.md")
    pages = {path.name for path in (repository / "docs/runbooks").glob("*.md")}
    assert pages - {"README.md", "planned-maintenance.md"} == named


@pytest.mark.parametrize("root", ENVIRONMENTS)
def test_an_alarm_on_our_own_metric_asks_for_one_that_the_catalogue_publishes(
    root: str, evaluated: Evaluate, repository: Path
) -> None:
    catalogue = json.loads((repository / "python/fsxn_runtime/metric_catalogue.json").read_text())
    own = [
        (alarm["values"]["alarm_name"], metric)
        for alarm in of(evaluated(root), "aws_cloudwatch_metric_alarm")
        for metric in metrics_of(alarm)
        if not metric["namespace"].startswith("AWS/")
    ]
    assert own
    for name, metric in own:
        assert metric["namespace"] == catalogue["namespace"]
        published = catalogue["metrics"][metric["metric_name"]]["dimensions"]
        assert sorted(metric["dimensions"] or {}) in [sorted(names) for names in published], name


def metrics_of(alarm: Resource) -> list[dict[str, Any]]:
    """The metrics that an alarm asks for: its own, or those of its expression."""
    queries = alarm["values"]["metric_query"] or []
    return [metric for query in queries for metric in query["metric"]] or [alarm["values"]]


@pytest.mark.parametrize("root", ENVIRONMENTS)
def test_every_queue_that_a_function_reads_has_a_dead_letter_queue_with_an_alarm(
    root: str, evaluated: Evaluate
) -> None:
    resources = evaluated(root)
    queues = {
        f"aws_sqs_queue({q['values']['name']}).arn": q["values"] for q in of(resources, "aws_sqs_queue")
    }
    watched = {
        alarm["values"]["dimensions"]["QueueName"]
        for alarm in of(resources, "aws_cloudwatch_metric_alarm")
        if alarm["values"]["metric_name"] == "ApproximateNumberOfMessagesVisible"
    }
    for mapping in of(resources, "aws_lambda_event_source_mapping"):
        policy = json.loads(queues[mapping["values"]["event_source_arn"]]["redrive_policy"])
        assert policy["maxReceiveCount"] >= 5
        assert queues[policy["deadLetterTargetArn"]]["name"] in watched


def test_production_encrypts_everything_with_the_customers_key(evaluated: Evaluate) -> None:
    """The attribute of each type that holds the key; the topic has a key of its own.

    One queue must not have it: the bus comes there with what it could not encrypt, for want of that key.
    """
    keys = {
        "aws_cloudwatch_event_bus": "kms_key_identifier",
        "aws_cloudwatch_log_group": "kms_key_id",
        "aws_lambda_function": "kms_key_arn",
        "aws_sns_topic": "kms_master_key_id",
        "aws_sqs_queue": "kms_master_key_id",
    }
    resources = evaluated("production")
    without = [r["address"] for r in of(resources, *keys) if not r["values"][keys[r["type"]]]]
    assert without == ["module.event_router.aws_sqs_queue.bus_dead_letter[0]"]
    (bus,) = of(resources, "aws_cloudwatch_event_bus")
    assert bus["values"]["dead_letter_config"] == [{"arn": "aws_sqs_queue(fsxn-s3ap-bus-dead-letters).arn"}]
    for table in of(resources, "aws_dynamodb_table"):
        assert table["values"]["server_side_encryption"][0]["kms_key_arn"], table["address"]
    for rule in of(resources, "aws_s3_bucket_server_side_encryption_configuration"):
        default = rule["values"]["rule"][0]["apply_server_side_encryption_by_default"][0]
        assert default["sse_algorithm"] == "aws:kms", rule["address"]


@pytest.mark.parametrize("root", ENVIRONMENTS)
def test_nothing_but_the_file_system_and_the_reconciler_reaches_the_server(
    root: str, evaluated: Evaluate
) -> None:
    rules = [
        rule
        for rule in of(evaluated(root), "aws_vpc_security_group_ingress_rule")
        if rule["address"].startswith("module.fpolicy_ecs.")
    ]
    assert rules
    ports = {"fpolicy": (9898, "sg-"), "health": (9899, "aws_security_group(fsxn-s3ap")}
    for rule in rules:
        values = rule["values"]
        # From the file system to the FPolicy port, and from the reconciler to the health port.
        port, source = ports[rule["name"]]
        assert values["referenced_security_group_id"].startswith(source)
        assert not (values["cidr_ipv4"] or values["cidr_ipv6"] or values["prefix_list_id"])
        assert values["from_port"] == values["to_port"] == port
