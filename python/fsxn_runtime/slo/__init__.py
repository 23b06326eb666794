"""Service level objectives: whether they are met, what is left of their error budgets, how they are drawn."""

from fsxn_runtime.slo.catalogue import defaults
from fsxn_runtime.slo.core import is_finding
from fsxn_runtime.slo.evaluation import (
    effective_catalogue,
    error_budgets,
    evaluate_slos,
    generate_dashboard_widgets,
    record,
)
from fsxn_runtime.slo.model import Budget, Catalogue, SloResult, SloState, SloTarget

SLO_TARGETS = defaults().targets

__all__ = [
    "SLO_TARGETS",
    "Budget",
    "Catalogue",
    "SloResult",
    "SloState",
    "SloTarget",
    "effective_catalogue",
    "error_budgets",
    "evaluate_slos",
    "generate_dashboard_widgets",
    "is_finding",
    "record",
]
