"""Names that others build on: a change here is a breaking change and needs a changelog entry that says so."""

from __future__ import annotations

import ast
import importlib
import inspect
import re

import pytest
from fsxn_runtime import errors
from fsxn_runtime.events import derive_event_id

from tests.structure.source_tree import ROOT, modules, tree

# What consumers outside this repository and several parts inside it use.
PUBLIC = {
    "fsxn_runtime.errors": {
        "ConflictError",
        "FsxnError",
        "MisconfiguredError",
        "RejectedError",
        "TransientError",
    },
    "fsxn_runtime.events": {
        "DETAIL_TYPE",
        "EVENT_SOURCE",
        "EVENT_TYPE_BY_OPERATION",
        "EventType",
        "FileEvent",
        "LAST_TIME_US",
        "SCHEMA_VERSION",
        "derive_event_id",
        "format_timestamp",
        "parse_timestamp",
    },
    "fsxn_runtime.metric_catalogue": {"METRICS", "Metric", "load"},
    "fsxn_runtime.expansion": {
        "ACTION_TYPES",
        "Fsx",
        "Kind",
        "MIB_PER_GIB",
        "Operation",
        "OperationStore",
        "least_step_gb",
        "took_place",
    },
    "fsxn_runtime.guardrails": {
        "Alerts",
        "AuditEntry",
        "CapacityGuardrail",
        "Grant",
        "GuardrailDeniedError",
        "GuardrailOperations",
        "GuardrailResult",
        "GuardrailSettings",
        "GuardrailStore",
        "Limits",
        "Mode",
        "Outcome",
        "Reason",
        "Reservation",
        "State",
        "guarded",
    },
    "fsxn_runtime.ontap": {
        "MAX_TRIES",
        "REFUSE_SECONDS",
        "OntapClient",
        "OntapSecret",
        "Refusals",
        "connect",
        "path",
        "pin_of",
        "presented_certificate",
        "settled",
    },
    "fsxn_runtime.ontap.errors": {
        "OntapConflictError",
        "OntapError",
        "OntapForbiddenError",
        "OntapMisconfiguredError",
        "OntapNotFoundError",
        "OntapOutcomeUnknownError",
        "OntapPinMismatchError",
        "OntapRejectedError",
        "OntapTransientError",
        "OntapUnauthorizedError",
        "OntapUnreachableError",
    },
    "fsxn_runtime.rotation": {
        "Certificate",
        "Ontap",
        "SecretStore",
        "Status",
        "describe_certificate",
        "secret_of",
        "status_of",
    },
    "fsxn_runtime.sharing": {
        "FILE_EVENT",
        "LINEAGE_RECORD",
        "FieldClass",
        "Names",
        "for_outside",
        "run_events",
    },
    "fsxn_runtime.slo": {
        "Attainment",
        "Budget",
        "Catalogue",
        "SLO_TARGETS",
        "SloResult",
        "SloSettings",
        "SloState",
        "SloTarget",
        "attainments",
        "draw_dashboard",
        "effective_catalogue",
        "error_budgets",
        "evaluate_slos",
        "generate_dashboard_widgets",
        "is_finding",
        "kept_seconds",
    },
    "fsxn_runtime.lineage_export": {
        "Archive",
        "ExportTable",
        "PublicKey",
        "Rows",
        "Signer",
        "Verification",
        "Verifier",
        "begin_of",
        "hour_of",
        "lag_seconds",
        "next_hour",
        "public_key",
    },
    "fsxn_runtime.lineage": {
        "MAX_PAGE",
        "Edge",
        "LineageRecord",
        "LineageSettings",
        "LineageStatus",
        "LineageStore",
        "LineageTracker",
        "Page",
        "RecordResult",
        "Recording",
        "Records",
        "RetentionProfile",
        "Trace",
        "trace",
    },
}


def defined_names(module_name: str) -> set[str]:
    """What a module offers: its __all__, or what it defines itself without an underscore."""
    module = importlib.import_module(module_name)
    if hasattr(module, "__all__"):
        return set(module.__all__)
    (path,) = (m.path for m in modules() if m.name == module_name)
    names: set[str] = set()
    for node in tree(path).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.AnnAssign):
            names.add(ast.unparse(node.target))
        elif isinstance(node, ast.Assign):
            names.update(
                name for target in node.targets for name in ast.unparse(target).strip("()").split(", ")
            )
    return {name for name in names if not name.startswith("_")}


@pytest.mark.parametrize("module_name", PUBLIC)
def test_a_module_offers_exactly_its_public_names(module_name: str) -> None:
    assert defined_names(module_name) == PUBLIC[module_name]


def test_everything_a_package_offers_exists() -> None:
    for module in modules():
        if module.path.stem == "__init__" and module.name.split(".")[0] in ("fsxn_runtime", "fpolicy_server"):
            package = importlib.import_module(module.name)
            assert [n for n in getattr(package, "__all__", []) if not hasattr(package, n)] == [], module.name


def test_the_event_id_takes_exactly_the_operation() -> None:
    parameters = inspect.signature(derive_event_id).parameters
    assert list(parameters) == [
        "svm_uuid",
        "volume_msid",
        "operation",
        "path",
        "target_path",
        "offset",
        "length",
        "time_us",
        "client_ip",
        "session_id",
        "request_id",
    ]
    assert {parameter.kind for parameter in parameters.values()} == {inspect.Parameter.KEYWORD_ONLY}


def test_the_state_machine_knows_each_branch_of_errors_and_no_other_of_ours() -> None:
    """Step Functions compares class names: one that does not exist would never match."""
    definition = (ROOT / "modules/workload/definition.tf").read_text(encoding="utf-8")
    lists = re.findall(r"^ *(?:ErrorEquals|Misconfigured|Rejected) += \[(.*?)\]", definition, re.MULTILINE)
    named = {name for names in lists for name in re.findall(r'"([^"]+)"', names)}
    own = {name for name in named if not name.startswith(("Lambda.", "States."))}
    branches = {kind for kind in errors.FsxnError.__subclasses__() if kind.__module__ == errors.__name__}
    assert own == {branch.__name__ for branch in branches}
