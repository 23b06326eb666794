"""Says what is wrong: of a deployment, from both sides; of an access point, layer by layer."""

from fsxn_runtime.diagnose.archive import write
from fsxn_runtime.diagnose.aws_side import AwsSide
from fsxn_runtime.diagnose.cause import Cause, Weight
from fsxn_runtime.diagnose.client import Prober
from fsxn_runtime.diagnose.collecting import Collector, collect
from fsxn_runtime.diagnose.core import ACTIONS, diagnose, parse_target
from fsxn_runtime.diagnose.facts import Fact, Facts, missing
from fsxn_runtime.diagnose.model import Diagnosis, Evidence, Layer, State, Step, Target
from fsxn_runtime.diagnose.network import Network
from fsxn_runtime.diagnose.page import first_page
from fsxn_runtime.diagnose.pilot import (
    AWAY_FILES,
    NOT_SEEN,
    Answer,
    Operation,
    PilotRun,
    conclude,
    result,
    script,
)
from fsxn_runtime.diagnose.preflight_aws import aws_checks
from fsxn_runtime.diagnose.preflight_model import Check, Inputs, Verdict
from fsxn_runtime.diagnose.preflight_ontap import ontap_checks
from fsxn_runtime.diagnose.ranking import causes

__all__ = [
    "ACTIONS",
    "AWAY_FILES",
    "NOT_SEEN",
    "Answer",
    "AwsSide",
    "Cause",
    "Check",
    "Collector",
    "Diagnosis",
    "Evidence",
    "Fact",
    "Facts",
    "Inputs",
    "Layer",
    "Network",
    "Operation",
    "PilotRun",
    "Prober",
    "State",
    "Step",
    "Target",
    "Verdict",
    "Weight",
    "aws_checks",
    "causes",
    "collect",
    "conclude",
    "diagnose",
    "first_page",
    "missing",
    "ontap_checks",
    "parse_target",
    "result",
    "script",
    "write",
]
