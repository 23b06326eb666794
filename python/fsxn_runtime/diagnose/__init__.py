"""Says which layer refuses, and what to do about it."""

from fsxn_runtime.diagnose.client import Prober
from fsxn_runtime.diagnose.core import ACTIONS, diagnose, parse_target
from fsxn_runtime.diagnose.model import Diagnosis, Evidence, Layer, State, Step, Target

__all__ = [
    "ACTIONS",
    "Diagnosis",
    "Evidence",
    "Layer",
    "Prober",
    "State",
    "Step",
    "Target",
    "diagnose",
    "parse_target",
]
