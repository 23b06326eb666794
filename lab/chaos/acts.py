"""How each kind of act is done to a running laboratory. Every act can be taken back."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from lab.chaos.schedule import Act
from lab.cloud.ecs_runner import TaskStatus
from lab.ontap_sim.client import SimClientError
from lab.premises import ONTAP_SECRET
from lab.world import World

_FAULT_FIELDS: Final = ("service", "action", "effect", "share", "seconds")


class Stage:
    """Begins and ends acts in a world. Not thread-safe: the run's one thread uses it."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._aws: list[Act] = []
        self._rest: list[Act] = []
        self._clock: list[Act] = []
        self._stalled: dict[int, TaskStatus] = {}

    def begin(self, act: Act) -> str:
        """Do it; give what to say of it, "" when it was done as planned."""
        return _BEGIN[act.kind](self, act)

    def end(self, act: Act) -> None:
        """Take back an act that lasts."""
        match act.kind:
            case "aws" | "batch":
                self._aws.remove(act)
                self._set_aws()
            case "rest":
                self._rest.remove(act)
                self._set_rest()
            case "stall":
                if (task := self._stalled.pop(id(act), None)) is not None:
                    self._signal(task, signal.SIGCONT)
            case "clock":
                self._clock.remove(act)
                self._set_rest()

    def end_all(self) -> dict[str, int]:
        """Let everything work again; give how many of AWS's calls were struck, by call and effect."""
        self._aws.clear()
        self._rest.clear()
        self._clock.clear()
        self._world.sim.clear_faults()
        for task in self._stalled.values():
            self._signal(task, signal.SIGCONT)
        self._stalled.clear()
        return self._set_aws()

    def aws(self, act: Act) -> str:
        """Let AWS's calls go wrong by one more rule."""
        self._aws.append(act)
        self._set_aws()
        return ""

    def rest(self, act: Act) -> str:
        """Let calls of ONTAP's REST interface go wrong by one more rule."""
        self._rest.append(act)
        self._set_rest()
        return ""

    def task(self, act: Act) -> str:
        """End a server task from outside."""
        return self._signal(self._first_task(), signal.Signals[act.values["signal"]])

    def stall(self, act: Act) -> str:
        """Let a server task stand still."""
        task = self._first_task()
        if task is not None:
            self._stalled[id(act)] = task
        return self._signal(task, signal.SIGSTOP)

    def node(self, act: Act) -> str:
        """Take a node away for a moment."""
        self._world.sim.restart_node(act.values["number"], crash=act.values["crash"])
        return ""

    def clock(self, act: Act) -> str:
        """Set the storage's clock wrong."""
        self._clock.append(act)
        self._set_rest()
        return ""

    def function(self, act: Act) -> str:
        """Kill every process of a function, idle or at work."""
        name = self._world.outputs["functions"][act.values["function"]]["function_name"]
        processes = function_processes(self._world.emulator.pid, name)
        for pid in processes:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return "" if processes else "no process of it ran"

    def rotation(self, _: Act) -> str:
        """Ask for a rotation of ONTAP's credentials."""
        client = self._world.client("secretsmanager")
        try:
            client.rotate_secret(SecretId=ONTAP_SECRET)
        except client.exceptions.InvalidRequestException as exc:  # one is under way
            return str(exc)
        return ""

    def shuffle(self, _: Act) -> str:
        """Let stores be replayed in an order of their own from now on."""
        with suppress(SimClientError):
            self._world.sim.switch(replay_order="shuffle")
        return ""

    def _first_task(self) -> TaskStatus | None:
        running = [each for each in self._world.runner.tasks(self._world.service) if each.pid]
        return running[0] if running else None

    def _signal(self, task: TaskStatus | None, number: signal.Signals) -> str:
        if task is None:
            return "no task ran"
        with suppress(KeyError):  # it has gone meanwhile
            self._world.runner.kill(task, number)
        return ""

    def _set_aws(self) -> dict[str, int]:
        rules = [
            {name: act.values[name] for name in _FAULT_FIELDS if name in act.values} for act in self._aws
        ]
        return self._world.emulator.set_faults(*rules)

    def _set_rest(self) -> None:
        """Set the simulator's rules and clock; it can only forget all of it together."""
        self._world.sim.clear_faults()
        for act in self._rest:
            self._world.sim.fault(**act.values)
        for act in self._clock:
            self._world.sim.set_clock(act.values["offset_seconds"])


_BEGIN: Final[Mapping[str, Callable[[Stage, Act], str]]] = {
    "aws": Stage.aws,
    "batch": Stage.aws,
    "rest": Stage.rest,
    "task": Stage.task,
    "stall": Stage.stall,
    "node": Stage.node,
    "clock": Stage.clock,
    "function": Stage.function,
    "rotation": Stage.rotation,
    "shuffle": Stage.shuffle,
}


def function_processes(emulator: int, name: str) -> Sequence[int]:
    """Give the processes below the emulator that run a function."""
    wanted = f"AWS_LAMBDA_FUNCTION_NAME={name}\0".encode()
    return [pid for pid in _descendants(emulator) if wanted in _read(Path(f"/proc/{pid}/environ")) + b"\0"]


def _descendants(pid: int) -> list[int]:
    found: list[int] = []
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, _read(children).split()):
            found += [child, *_descendants(child)]
    return found


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except (OSError, ProcessLookupError):
        return b""


def describe(struck: Mapping[str, Any]) -> str:
    """Say what was struck, most of it first."""
    rows = sorted(struck.items(), key=lambda row: (-row[1], row[0]))
    return ", ".join(f"{name} {count}" for name, count in rows)
