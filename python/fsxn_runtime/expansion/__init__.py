"""Expansion: capacity that grows by itself, within its guardrails."""

from fsxn_runtime.expansion.clients import Fsx
from fsxn_runtime.expansion.core import took_place
from fsxn_runtime.expansion.model import ACTION_TYPES, Kind, Operation
from fsxn_runtime.expansion.store import OperationStore

__all__ = ["ACTION_TYPES", "Fsx", "Kind", "Operation", "OperationStore", "took_place"]
