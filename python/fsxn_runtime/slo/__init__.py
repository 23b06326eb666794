"""Service level objectives: whether they are met, what is left of their error budgets, how they are drawn."""

from fsxn_runtime.slo.catalogue import defaults
from fsxn_runtime.slo.core import is_finding, kept_seconds
from fsxn_runtime.slo.evaluation import (
    attainments,
    draw_dashboard,
    effective_catalogue,
    error_budgets,
    evaluate_slos,
    generate_dashboard_widgets,
)
from fsxn_runtime.slo.model import Attainment, Budget, Catalogue, SloResult, SloState, SloTarget
from fsxn_runtime.slo.settings import SloSettings

SLO_TARGETS = defaults().targets

__all__ = [
    "SLO_TARGETS",
    "Attainment",
    "Budget",
    "Catalogue",
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
]
