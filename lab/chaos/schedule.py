"""What goes wrong and when, drawn from a seed: the same seed gives the same schedule. Pure."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

# Of the run. Before it everything works, after it everything must have time to come back.
FIRST_SHARE, LAST_SHARE = 0.05, 0.85
# A queue's fault shorter than this leaves what a killed server held young (debts.py).
LONGEST_SECONDS: Final = 8.0
SHORTEST_SECONDS: Final = 2.0
ACT_SECONDS: Final = 3.0  # one act for so many seconds of a run, on average

AWS_CALLS: Final[Sequence[tuple[str, str]]] = (
    ("sqs", "SendMessageBatch"),  # server to ingestion queue
    ("sqs", "SendMessage"),  # starter: a file that is not at rest; quarantine
    ("events", "PutEvents"),  # router to bus
    ("states", "StartExecution"),  # starter
    ("dynamodb", "*"),  # state, lineage, the reconciler's lock
    ("s3", "*"),  # the process function's reads and reports, the server's volume map
)
AWS_EFFECTS: Final = (
    "error", "unavailable", "throttle", "cut", "lost_answer", "late", "late_answer", "twice",
)  # fmt: skip
BATCH_CALLS: Final = (AWS_CALLS[0], AWS_CALLS[2])
REST_EFFECTS: Final = ("status", "reset", "lost_answer", "late_answer", "delay")
FUNCTIONS: Final = ("route", "start", "process", "finish", "reconcile")


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that goes wrong: from `at` on, for `lasts` seconds (0: a moment)."""

    at: float
    kind: str
    lasts: float = 0.0
    values: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        values = " ".join(f"{name}={value}" for name, value in self.values.items())
        span = f"{self.at:6.1f} s" + (f" +{self.lasts:3.1f}" if self.lasts else "     ")
        return f"{span}  {self.kind} {values}".rstrip()


@dataclass(frozen=True, slots=True)
class Schedule:
    """The whole of one run. `storm_seed` is for what clients do meanwhile."""

    seed: int
    seconds: float
    storm_seed: int
    acts: Sequence[Act]

    @property
    def takes_events(self) -> bool:
        """Whether an act may lose events within its stated bound."""
        return any(loses(act) for act in self.acts)


def loses(act: Act) -> bool:
    """Whether an act may lose what a process held: a kill without warning, and a node's crash."""
    return (act.kind, act.values.get("signal")) == ("task", "SIGKILL") or (
        act.kind == "node" and bool(act.values["crash"])
    )


Draw = Callable[[random.Random], tuple[bool, dict[str, Any]]]


def _aws(dice: random.Random) -> tuple[bool, dict[str, Any]]:
    service, action = dice.choice(AWS_CALLS)
    rule: dict[str, Any] = {"service": service, "action": action, "effect": dice.choice(AWS_EFFECTS)}
    rule["share"] = round(dice.uniform(0.1, 0.6), 2)
    if rule["effect"] in ("late", "late_answer"):
        rule["seconds"] = round(dice.uniform(0.2, 2.0), 1)
    return True, rule


def _batch(dice: random.Random) -> tuple[bool, dict[str, Any]]:
    service, action = dice.choice(BATCH_CALLS)
    share = round(dice.uniform(0.2, 0.8), 2)
    return True, {"service": service, "action": action, "effect": "some_entries", "share": share}


def _rest(dice: random.Random) -> tuple[bool, dict[str, Any]]:
    rule: dict[str, Any] = {"effect": dice.choice(REST_EFFECTS), "count": 0}
    if rule["effect"] == "status":
        rule["status"] = dice.choice([429, 500, 503])
    if rule["effect"] in ("late_answer", "delay"):
        rule["seconds"] = round(dice.uniform(0.2, 3.0), 1)
    return True, rule


def _task(dice: random.Random) -> tuple[bool, dict[str, Any]]:
    return False, {"signal": dice.choice(["SIGTERM", "SIGTERM", "SIGKILL"])}


def _stall(_: random.Random) -> tuple[bool, dict[str, Any]]:
    return True, {}


def _node(dice: random.Random) -> tuple[bool, dict[str, Any]]:
    return False, {"number": dice.choice([1, 2]), "crash": dice.random() < 0.3}


def _clock(dice: random.Random) -> tuple[bool, dict[str, Any]]:
    return True, {"offset_seconds": dice.choice([-3600, -5, 5, 3600])}


def _function(dice: random.Random) -> tuple[bool, dict[str, Any]]:
    return False, {"function": dice.choice(FUNCTIONS)}


def _nothing(_: random.Random) -> tuple[bool, dict[str, Any]]:
    return False, {}


# How often each kind comes, and what is drawn for it (whether it lasts, and its values).
KINDS: Final[Mapping[str, tuple[float, Draw]]] = {
    "aws": (6.0, _aws),  # errors, throttling, latency, cut connections, lost answers, delivery twice
    "batch": (2.0, _batch),  # partial batch failures
    "rest": (2.0, _rest),  # ONTAP's REST interface
    "task": (1.0, _task),  # a server task ends, with warning and without
    "stall": (1.0, _stall),  # a server task stands still
    "node": (1.0, _node),  # an ONTAP node goes and comes back
    "clock": (0.5, _clock),  # the storage system's clock jumps, and back
    "function": (2.0, _function),  # every process of a function is killed
    "rotation": (0.5, _nothing),  # of ONTAP's credentials
    "shuffle": (0.5, _nothing),  # the order in which the store is replayed
}


def draw(seed: int, seconds: float, kinds: Sequence[str] = tuple(KINDS)) -> Schedule:
    """Draw a schedule of these kinds. Raises ValueError for a kind that there is not, or less than 10 s."""
    if unknown := sorted(set(kinds) - set(KINDS)):
        raise ValueError(f"kinds are {', '.join(unknown)}; allowed: {', '.join(KINDS)}")
    if seconds < 10:
        raise ValueError(f"seconds is {seconds}; a run takes at least 10")
    dice = random.Random(seed)
    weights = [KINDS[kind][0] for kind in kinds]
    acts = []
    for _ in range(max(2, round(seconds / ACT_SECONDS))):
        (kind,) = dice.choices(kinds, weights)
        at = round(dice.uniform(seconds * FIRST_SHARE, seconds * LAST_SHARE), 1)
        does_last, values = KINDS[kind][1](dice)
        longest = min(LONGEST_SECONDS, seconds - at)
        lasts = round(dice.uniform(min(SHORTEST_SECONDS, longest), longest), 1) if does_last else 0.0
        acts.append(Act(at, kind, lasts, values))
    acts.sort(key=lambda act: (act.at, act.kind))
    return Schedule(seed, seconds, dice.randrange(2**31), tuple(acts))


def as_data(schedule: Schedule) -> dict[str, Any]:
    """Give a schedule as what can be kept as JSON."""
    return asdict(schedule)


def from_data(data: Mapping[str, Any]) -> Schedule:
    """Read one: of a run that failed, or written by hand."""
    acts = tuple(Act(**act) for act in data["acts"])
    return Schedule(data["seed"], data["seconds"], data["storm_seed"], acts)
