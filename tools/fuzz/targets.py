"""All that is fuzzed, by name."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from tools.fuzz import health, ontap, router, wire


@dataclass(frozen=True, slots=True)
class Target:
    """`make` gives an input; `check` feeds it, raises for a defect, and counts what was understood."""

    make: Callable[[random.Random], bytes]
    check: Callable[[bytes, random.Random], int]


TARGETS: Final[Mapping[str, Target]] = {
    "wire": Target(wire.make, wire.check),
    "framing": Target(wire.make, wire.check_reader),
    "router": Target(router.make, router.check),
    "secret": Target(ontap.make_secret, ontap.check_secret),
    "ontap": Target(ontap.make_answer, ontap.check_answer),
    "health": Target(health.make, health.check),
}
