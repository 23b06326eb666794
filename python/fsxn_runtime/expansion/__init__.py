"""Expansion: capacity that grows by itself, within its guardrails."""

from fsxn_runtime.expansion.clients import Fsx
from fsxn_runtime.expansion.core import least_step_gb, took_place
from fsxn_runtime.expansion.model import ACTION_TYPES, MIB_PER_GIB, Kind, Operation
from fsxn_runtime.expansion.store import OperationStore

__all__ = [
    "ACTION_TYPES",
    "MIB_PER_GIB",
    "Fsx",
    "Kind",
    "Operation",
    "OperationStore",
    "least_step_gb",
    "took_place",
]
