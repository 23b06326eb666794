"""Gives the rules to checkov: which blocks each looks at, and under which id a finding is known."""

from __future__ import annotations

import os
import sys
from collections import defaultdict
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Final

REPOSITORY: Final = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY))  # checkov loads this file by its path

from checkov.common.models.enums import CheckCategories, CheckResult  # noqa: E402 - after the path is set
from checkov.terraform.checks.data.base_check import BaseDataCheck  # noqa: E402
from checkov.terraform.checks.module.base_module_check import BaseModuleCheck  # noqa: E402
from checkov.terraform.checks.resource.base_resource_check import BaseResourceCheck  # noqa: E402

from tools.checkov_policies import rules  # noqa: E402

POLICIES: Final = {
    "CKV_FSXN_1": "Nothing switches TLS or its verification off",
    "CKV_FSXN_2": "No range of addresses reaches the FPolicy port",
    "CKV_FSXN_3": "Permissions on queues name the queues",
    "CKV_FSXN_4": "Every queue has a dead-letter queue, or is one",
    "CKV_FSXN_5": "Every alarm names a runbook that exists",
    "CKV_FSXN_6": "A statement on every resource says why",
}
PAGES: Final = frozenset(path.stem for path in (REPOSITORY / "docs/runbooks").glob("*.md"))
WITH_ENVIRONMENT: Final = (
    "aws_ecs_task_definition",
    "aws_lambda_function",
    "aws_synthetics_canary",
)
WITH_ENDPOINT: Final = (
    "aws_cloudwatch_event_api_destination",
    "aws_lb_listener",
    "aws_sns_topic_subscription",
)
INGRESS: Final = ("aws_security_group", "aws_security_group_rule", "aws_vpc_security_group_ingress_rule")
JSON_POLICIES: Final = (
    "aws_iam_policy",
    "aws_iam_role_policy",
    "aws_kms_key",
    "aws_s3_bucket_policy",
    "aws_sns_topic_policy",
    "aws_sqs_queue_policy",
)


class _Policy:
    """What checks of resources, data sources and module calls share: the graph's view of the block."""

    graph: Any
    details: list[str]
    entity_type: str
    entity_path: str

    def _label(self) -> str:
        """The label of the block, without the index of an instance."""
        return self.entity_path.rpartition(":")[2].partition("[")[0]

    def _path(self) -> str:
        """The file of the block. checkov names it from the folder that it scans."""
        ending = self.entity_path.partition(":")[0].replace("/..", "")
        block = self.entity_path.partition(":")[2].replace(":", ".")
        paths = (str(node["file_path_"]) for node in _by_name(self.graph)[block])
        return next(path for path in paths if path.endswith(ending))

    def _neighbours(self) -> list[tuple[str, rules.Block]]:
        """Type and block of everything in the same folder, of which something may name this one."""
        nodes = _by_folder(self.graph)[os.path.dirname(self._path())]  # noqa: PTH120 - the graph has text
        return [(node["block_name_"].partition(".")[0], _inside(node["config_"])) for node in nodes]

    def _source(self, block: rules.Block) -> str:
        lines = Path(self._path()).read_text(encoding="utf-8").splitlines()
        return "\n".join(lines[block["__start_line__"] - 1 : block["__end_line__"]])

    def _answer(self, finding: str) -> CheckResult:
        if finding:
            self.details.append(finding)
            return CheckResult.FAILED
        return CheckResult.PASSED


@cache
def _by_name(graph: Any) -> dict[str, list[dict[str, Any]]]:
    return _sorted(graph, lambda node: str(node["block_name_"]))


@cache
def _by_folder(graph: Any) -> dict[str, list[dict[str, Any]]]:
    return _sorted(graph, lambda node: os.path.dirname(node["file_path_"]))  # noqa: PTH120 - for every block


def _sorted(graph: Any, key: Callable[[dict[str, Any]], str]) -> dict[str, list[dict[str, Any]]]:
    """The blocks of checkov's graph that may name each other, by a key; made once for each graph."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for _, node in graph.nodes():
        if node["block_type_"] in ("data", "module", "resource"):
            found[key(node)].append(node)
    return found


def _inside(config: Any) -> rules.Block:
    """The block itself, below its type and label."""
    block: Any = config
    while isinstance(block, dict) and len(block) == 1:
        block = next(iter(block.values()))
    return block if isinstance(block, dict) else {}


def _resource(policy: str, kinds: tuple[str, ...]) -> dict[str, Any]:
    return {
        "categories": [CheckCategories.CONVENTION],
        "id": policy,
        "name": POLICIES[policy],
        "supported_resources": kinds,
    }


class TlsOfResources(_Policy, BaseResourceCheck):
    """Environments and endpoints of resources."""

    def __init__(self) -> None:
        super().__init__(**_resource("CKV_FSXN_1", WITH_ENVIRONMENT + WITH_ENDPOINT + ("aws_s3_bucket",)))

    def scan_resource_conf(self, conf: rules.Block) -> CheckResult:
        """Ask the rule of the type."""
        if self.entity_type == "aws_s3_bucket":
            return self._answer(rules.bucket_without_tls(self._label(), self._neighbours()))
        return self._answer(rules.tls_off(self.entity_type, conf))


class TlsOfModuleCalls(_Policy, BaseModuleCheck):
    """Environments that a module call hands on."""

    def __init__(self) -> None:
        super().__init__(
            name=POLICIES["CKV_FSXN_1"], id="CKV_FSXN_1", categories=[CheckCategories.CONVENTION]
        )

    def scan_module_conf(self, conf: rules.Block) -> CheckResult:
        """Ask the rule."""
        return self._answer(rules.tls_off("module", conf))


class Ingress(_Policy, BaseResourceCheck):
    """Rules of security groups."""

    def __init__(self) -> None:
        super().__init__(**_resource("CKV_FSXN_2", INGRESS))

    def scan_resource_conf(self, conf: rules.Block) -> CheckResult:
        """Ask the rule."""
        return self._answer(rules.open_to_addresses(self.entity_type, conf))


class QueuesInDocuments(_Policy, BaseDataCheck):
    """Statements of policy documents."""

    def __init__(self) -> None:
        super().__init__(
            name=POLICIES["CKV_FSXN_3"],
            id="CKV_FSXN_3",
            categories=[CheckCategories.CONVENTION],
            supported_data=["aws_iam_policy_document"],
        )

    def scan_data_conf(self, conf: rules.Block) -> CheckResult:
        """Ask the rule."""
        return self._answer(rules.queue_not_named(conf))


class QueuesInResources(_Policy, BaseResourceCheck):
    """Policies that are written as JSON, and who may use a queue for its dead letters."""

    def __init__(self) -> None:
        super().__init__(**_resource("CKV_FSXN_3", (*JSON_POLICIES, "aws_sqs_queue_redrive_allow_policy")))

    def scan_resource_conf(self, conf: rules.Block) -> CheckResult:
        """Ask the rule of the type."""
        if self.entity_type == "aws_sqs_queue_redrive_allow_policy":
            return self._answer(rules.redrive_from_anywhere(conf))
        return self._answer(rules.queue_not_named(conf))


class DeadLetters(_Policy, BaseResourceCheck):
    """Queues."""

    def __init__(self) -> None:
        super().__init__(**_resource("CKV_FSXN_4", ("aws_sqs_queue",)))

    def scan_resource_conf(self, conf: rules.Block) -> CheckResult:
        """Ask the rule."""
        return self._answer(rules.queue_without_dead_letters(self._label(), conf, self._neighbours()))


class Runbooks(_Policy, BaseResourceCheck):
    """Alarms."""

    def __init__(self) -> None:
        super().__init__(
            **_resource("CKV_FSXN_5", ("aws_cloudwatch_composite_alarm", "aws_cloudwatch_metric_alarm"))
        )

    def scan_resource_conf(self, conf: rules.Block) -> CheckResult:
        """Ask the rule."""
        return self._answer(rules.alarm_without_runbook(conf, PAGES))


class WildcardsInDocuments(_Policy, BaseDataCheck):
    """Statements of policy documents."""

    def __init__(self) -> None:
        super().__init__(
            name=POLICIES["CKV_FSXN_6"],
            id="CKV_FSXN_6",
            categories=[CheckCategories.CONVENTION],
            supported_data=["aws_iam_policy_document"],
        )

    def scan_data_conf(self, conf: rules.Block) -> CheckResult:
        """Ask the rule, of the source: comments are not in what checkov renders."""
        return self._answer(rules.wildcard_without_reason(self._source(conf)))


class WildcardsInResources(_Policy, BaseResourceCheck):
    """Policies that are written as JSON."""

    def __init__(self) -> None:
        super().__init__(**_resource("CKV_FSXN_6", JSON_POLICIES))

    def scan_resource_conf(self, conf: rules.Block) -> CheckResult:
        """Ask the rule, of the source."""
        return self._answer(rules.wildcard_without_reason(self._source(conf)))


CHECKS: Final = (
    TlsOfResources(),
    TlsOfModuleCalls(),
    Ingress(),
    QueuesInDocuments(),
    QueuesInResources(),
    DeadLetters(),
    Runbooks(),
    WildcardsInDocuments(),
    WildcardsInResources(),
)
