"""From what was collected to a ranked list of causes: by evidence, and what stands first on the way first.

A rule gives a cause only for something that was seen. What follows from another cause is no cause of its own:
connections are not missing where no server runs. The order of the rules is the way of an event: AWS, server,
ONTAP, queues, functions; then what only tells of the rest.
"""

from __future__ import annotations

from typing import Final

from fsxn_runtime.diagnose import causes_aws, causes_ontap
from fsxn_runtime.diagnose.cause import Cause, Rule, Scene
from fsxn_runtime.diagnose.facts import Facts

_RULES: Final[tuple[Rule, ...]] = (
    causes_aws.aws,
    causes_aws.server,
    causes_ontap.answers,
    causes_ontap.policies,
    causes_ontap.messages,
    causes_aws.queues,
    causes_aws.sources,
    causes_aws.functions,
    causes_aws.schedules,
    causes_ontap.blind_spots,
    causes_aws.objectives,
    causes_aws.alarms,
)


def causes(facts: Facts, prefix: str) -> list[Cause]:
    """Give every cause that the facts show, the most likely first. `prefix`: of the deployment's names."""
    scene = Scene(facts, prefix)
    found = [cause for rule in _RULES for cause in rule(scene)]
    return sorted(found, key=lambda cause: -cause.weight)  # stable: the way's order within one weight
