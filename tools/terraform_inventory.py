"""Inventories of the environment roots: what `terraform apply` would make, as a file that a review can read.

`python tools/terraform_inventory.py` evaluates each root without any AWS (lab/aws_provider/preview.py) and
writes tests/terraform/inventories/<root>.yaml; a test compares, so a new permission is a line in a diff.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY))  # started as a script, only tools/ is on the path

import yaml  # noqa: E402 - after the path is set

from lab import terraform_state  # noqa: E402
from lab.terraform import Terraform, plan_copy  # noqa: E402

INVENTORIES = REPOSITORY / "tests/terraform/inventories"
ROOTS = ("local", "production")
PREVIEW = {"LAB_AWS_PREVIEW": "1"}
ZIPS = (
    "access-point-monitor",
    "approve",
    "canary",
    "content-inventory",
    "diagnose",
    "expand",
    "finish",
    "forecast",
    "lineage-export",
    "poll",
    "reconcile",
    "rename-watcher",
    "rotate",
    "route",
    "start",
)

# What each type shows besides its address: the settings that matter to its users and its guards.
ATTRIBUTES: Mapping[str, tuple[str, ...]] = {
    "aws_cloudformation_stack": ("name", "on_failure", "policy_body", "template_body"),
    "aws_cloudwatch_event_archive": ("name", "event_pattern", "retention_days"),
    "aws_cloudwatch_event_bus": ("name", "kms_key_identifier"),
    "aws_cloudwatch_event_rule": ("name", "event_bus_name", "event_pattern", "schedule_expression"),
    "aws_cloudwatch_event_target": ("rule", "event_bus_name", "arn", "input", "dead_letter_config"),
    "aws_cloudwatch_log_group": ("name", "retention_in_days", "kms_key_id"),
    "aws_cloudwatch_metric_alarm": (
        "alarm_name",
        "namespace",
        "metric_name",
        "metric_query",
        "dimensions",
        "statistic",
        "extended_statistic",
        "evaluate_low_sample_count_percentiles",
        "comparison_operator",
        "threshold",
        "period",
        "evaluation_periods",
        "datapoints_to_alarm",
        "treat_missing_data",
        "alarm_actions",
        "ok_actions",
    ),
    "aws_cloudwatch_composite_alarm": ("alarm_name", "alarm_rule", "alarm_actions", "ok_actions"),
    "aws_cloudwatch_dashboard": ("dashboard_name", "dashboard_body"),
    "aws_dynamodb_table": (
        "name",
        "hash_key",
        "range_key",
        "billing_mode",
        "deletion_protection_enabled",
        "global_secondary_index",
        "point_in_time_recovery",
        "server_side_encryption",
        "ttl",
    ),
    "aws_ecs_service": (
        "name",
        "desired_count",
        "launch_type",
        "availability_zone_rebalancing",
        "deployment_maximum_percent",
        "deployment_minimum_healthy_percent",
        "deployment_circuit_breaker",
        "network_configuration",
    ),
    "aws_ecs_task_definition": (
        "family",
        "cpu",
        "memory",
        "network_mode",
        "runtime_platform",
        "container_definitions",
        "execution_role_arn",
        "task_role_arn",
    ),
    "aws_kms_key": (
        "enable_key_rotation",
        "deletion_window_in_days",
        "customer_master_key_spec",
        "key_usage",
    ),
    "aws_lambda_event_source_mapping": (
        "event_source_arn",
        "function_name",
        "batch_size",
        "maximum_batching_window_in_seconds",
        "function_response_types",
        "scaling_config",
    ),
    "aws_lambda_function": (
        "function_name",
        "handler",
        "runtime",
        "architectures",
        "memory_size",
        "timeout",
        "reserved_concurrent_executions",
        "kms_key_arn",
        "environment",
        "tracing_config",
        "vpc_config",
    ),
    "aws_lambda_function_event_invoke_config": (
        "maximum_event_age_in_seconds",
        "maximum_retry_attempts",
        "destination_config",
    ),
    "aws_lambda_permission": ("function_name", "principal", "source_arn", "source_account"),
    "aws_s3_bucket": ("bucket", "force_destroy", "object_lock_enabled"),
    "aws_s3_bucket_object_lock_configuration": ("rule",),
    "aws_s3_bucket_public_access_block": (
        "block_public_acls",
        "block_public_policy",
        "ignore_public_acls",
        "restrict_public_buckets",
    ),
    "aws_s3_bucket_server_side_encryption_configuration": ("rule",),
    "aws_secretsmanager_secret_rotation": ("rotate_immediately", "rotation_rules"),
    "aws_sfn_state_machine": ("name", "type", "definition", "logging_configuration", "role_arn"),
    "aws_sns_topic": ("name", "kms_master_key_id"),
    "aws_ssm_parameter": ("name", "type", "key_id"),
    "aws_synthetics_canary": (
        "name",
        "handler",
        "runtime_version",
        "s3_key",
        "schedule",
        "start_canary",
        "delete_lambda",
        "run_config",
        "vpc_config",
        "artifact_config",
    ),
    "aws_sqs_queue": (
        "name",
        "delay_seconds",
        "message_retention_seconds",
        "visibility_timeout_seconds",
        "redrive_policy",
        "kms_master_key_id",
        "sqs_managed_sse_enabled",
    ),
    "aws_vpc_security_group_egress_rule": ("cidr_ipv4", "from_port", "to_port", "ip_protocol"),
    "aws_vpc_security_group_ingress_rule": (
        "referenced_security_group_id",
        "cidr_ipv4",
        "cidr_ipv6",
        "from_port",
        "to_port",
        "ip_protocol",
    ),
}
JSON_ATTRIBUTES = frozenset(
    {
        "container_definitions",
        "dashboard_body",
        "definition",
        "event_pattern",
        "input",
        "policy_body",
        "redrive_policy",
        "template_body",
    }
)
# Policies that are attached to a resource, with the attribute that holds the document.
RESOURCE_POLICIES = {
    "aws_kms_key": "policy",
    "aws_s3_bucket_policy": "policy",
    "aws_s3control_access_point_policy": "policy",
    "aws_sns_topic_policy": "policy",
    "aws_sqs_queue_policy": "policy",
}

Resource = dict[str, Any]
Inventory = dict[str, Any]


def evaluate(root: Path, build_dir: Path, variables: Mapping[str, object]) -> list[Resource]:
    """Every resource of a root with all its values, evaluated in a copy without AWS, by address."""
    given = {**variables, "package_dir": str(stand_in_packages(build_dir))}
    return applied(
        plan_copy(root, build_dir, inputs=example_inputs(root), variables=given, environment=PREVIEW)
    )


def example_inputs(root: Path) -> Path | None:
    """The values that a root is planned with where nobody gave any; None for a root that needs none."""
    example = root / "terraform.tfvars.example"
    return example if example.exists() else None


def stand_in_packages(build_dir: Path) -> Path:
    """A folder with a file in place of each Lambda zip: an evaluation reads only their hashes."""
    packages = build_dir.resolve() / "packages"
    packages.mkdir(parents=True, exist_ok=True)
    for name in ZIPS:
        (packages / f"{name}.zip").write_text("only its hash is read\n")
    return packages


def applied(terraform: Terraform) -> list[Resource]:
    """Every managed resource of a copied root that is set to preview, by address."""
    terraform.state_file.unlink(missing_ok=True)
    terraform_state.select(terraform.root)
    with terraform:
        terraform.init()
        terraform.apply("-refresh=false")
        shown = terraform.run("show", "-json", "-no-color", str(terraform.state_file), quiet=True)
    state = json.loads(shown)
    return sorted(_resources(state["values"]["root_module"]), key=lambda resource: str(resource["address"]))


def _resources(module: Mapping[str, Any]) -> Iterator[Resource]:
    yield from (resource for resource in module.get("resources", []) if resource["mode"] == "managed")
    for child in module.get("child_modules", []):
        yield from _resources(child)


def inventory(resources: list[Resource]) -> Inventory:
    """What a review wants to see: counts, settings, permissions of every role, policies of resources."""
    counts = Counter(resource["type"] for resource in resources)
    return {
        "counts": dict(sorted(counts.items())),
        "roles": roles(resources),
        "resource_policies": {
            resource["address"]: [
                _statement(statement) for statement in json.loads(resource["values"]["policy"])["Statement"]
            ]
            for resource in resources
            if resource["type"] in RESOURCE_POLICIES
        },
        "values": {
            resource["address"]: _shown(resource) for resource in resources if resource["type"] in ATTRIBUTES
        },
    }


def roles(resources: list[Resource]) -> dict[str, Any]:
    """By role: who may assume it, and its (action, resource) pairs, each `action resource`, and conditions.

    Raises ValueError for a statement that such a pair cannot say: no role here has one.
    """
    found: dict[str, Any] = {}
    for resource in _of_type(resources, "aws_iam_role"):
        (trust,) = json.loads(resource["values"]["assume_role_policy"])["Statement"]
        found[resource["values"]["name"]] = {
            "assumed_by": trust["Principal"]["Service"],
            "condition": trust.get("Condition", {}),
            "allow": [],
        }
    for resource in _of_type(resources, "aws_iam_role_policy"):
        role = resource["values"]["role"].removeprefix("aws_iam_role(").removesuffix(").id")
        for statement in json.loads(resource["values"]["policy"])["Statement"]:
            if statement["Effect"] != "Allow":
                raise ValueError(f"{resource['address']}: {statement['Sid']} is no Allow")
            found[role]["allow"] += [
                f"{action} {target}{_condition(statement)}"
                for action in _listed(statement["Action"])
                for target in _listed(statement["Resource"])
            ]
    for entry in found.values():
        entry["allow"] = sorted(set(entry["allow"]))
    return dict(sorted(found.items()))


def _condition(statement: Mapping[str, Any]) -> str:
    """The conditions of a statement in words, after ` if `; "" when there are none."""
    tests = [
        f"{test} {name} {', '.join(sorted(_listed(values)))}"
        for test, names in sorted(statement.get("Condition", {}).items())
        for name, values in sorted(names.items())
    ]
    return f" if {' and '.join(tests)}" if tests else ""


def _of_type(resources: list[Resource], kind: str) -> Iterator[Resource]:
    return (resource for resource in resources if resource["type"] == kind)


def _statement(statement: Mapping[str, Any]) -> Any:
    """A statement with its lists in order: Terraform keeps them as sets."""

    def ordered(value: Any) -> Any:
        if isinstance(value, list):
            return sorted(value)
        return _statement(value) if isinstance(value, dict) else value

    return {key: ordered(value) for key, value in statement.items()}


def _shown(resource: Resource) -> dict[str, Any]:
    shown = {}
    for name in ATTRIBUTES[resource["type"]]:
        value = resource["values"].get(name)
        if isinstance(value, str) and name in JSON_ATTRIBUTES and value.startswith(("{", "[")):
            value = json.loads(value)
        if value not in (None, [], {}, "") and not _is_own_blank(resource, name, value):
            shown[name] = _without_blanks(value)
    return shown


def _is_own_blank(resource: Resource, name: str, value: object) -> bool:
    """Whether the value is only the preview's name for what AWS would choose."""
    return isinstance(value, str) and value.startswith(f"{resource['type']}(") and value.endswith(f").{name}")


def _without_blanks(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_blanks(item) for key, item in value.items() if item not in (None, [], {}, "")}
    if isinstance(value, list):
        return [_without_blanks(item) for item in value]
    return value


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def variables_of(root: str) -> dict[str, object]:
    """Inputs besides a root's example: what is off by default is on in production's inventory."""
    if root != "local":
        return {"approval_link": {}, "trigger_mode": "HYBRID"} if root == "production" else {}
    loaded: dict[str, object] = json.loads(
        (REPOSITORY / "tests/data/terraform/local.tfvars.json").read_text()
    )
    return loaded


def text(root: str, found: Inventory) -> str:
    """The file of one root."""
    head = f"# What envs/{root} makes. Written by: python tools/terraform_inventory.py\n"
    return head + yaml.safe_dump(found, sort_keys=False, width=120, allow_unicode=True)


def main() -> int:
    """Write the inventory of every root."""
    INVENTORIES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        for root in ROOTS:
            resources = evaluate(REPOSITORY / "envs" / root, Path(folder) / root, variables_of(root))
            (INVENTORIES / f"{root}.yaml").write_text(text(root, inventory(resources)))
            print(f"{root}: {len(resources)} resources")
    return 0


if __name__ == "__main__":
    sys.exit(main())
