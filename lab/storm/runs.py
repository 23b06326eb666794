"""The runs of `make storm`: what each does, what it must keep, and why the bounds are what they are."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from lab.demo.story import counting, verify
from lab.demo.tools import Check, run_tool
from lab.demo.view import View
from lab.storm import matrix
from lab.storm.memory import peak_mib
from lab.storm.reconnect import reconnect
from lab.terraform import REPOSITORY
from lab.world import World, WorldError

REPLAY_SECONDS: Final = 300.0  # the SLO ReplayCompletionTime_sec
# Python with boto3 is 60 to 90 MiB; 10,000 events in memory are about 30 MB (server README). A server that
# held a whole storm would pass this; so would a simulator that kept more than its store.
SERVER_MIB: Final = 256.0
SIMULATOR_MIB: Final = 512.0
# Deadlines, not durations; a run that needs more than ten minutes on two free cores has a defect.
STORM_SECONDS: Final = 900.0
SETTLE_SECONDS: Final = 1800.0
IDLE_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run showed. `verification` is what `fsxn events verify --json` printed."""

    verification: Mapping[str, Any]
    checks: list[Check]


@dataclass(frozen=True, slots=True)
class Run:
    """One proof, in a laboratory of its own made with these options."""

    title: str
    perform: Callable[[World, View], Outcome]
    options: Mapping[str, Any]


def lineage(world: World, view: View) -> Outcome:
    """Make 10,000 operations while the server is away, by the command, and follow them into lineage."""
    with counting(world, view):
        with view.step("10,000 operations while the server is away, a minute at least"):
            view.detail(storm(world, 10_000, "--downtime", "60"))
        with view.step("replay, and each file version to its lineage record"):
            world.settle(SETTLE_SECONDS)
    with view.step("compare ledger and outputs"):
        world.snapshot()
        verification = verify(world)
    delivery, replay = verification["delivery"], verification["replay"]
    seconds = replay["catch_up_seconds"] if replay else None
    return Outcome(
        verification,
        [
            Check(
                "nothing is lost",
                f"{delivery['delivered']:,} of {delivery['monitored']:,} arrived, "
                f"{delivery['replayed']:,} replayed",
                delivery["lost"] == 0 and delivery["replayed"] > delivery["monitored"] // 2,
            ),
            Check(
                f"the last replayed event is accepted within {REPLAY_SECONDS:g} s",
                "nothing was replayed"
                if seconds is None
                else f"on the bus, so past SQS, {seconds:.1f} s after the server was up",
                seconds is not None and seconds <= REPLAY_SECONDS,
            ),
            once(verification),
            *memory(world),
        ],
    )


def once(verification: Mapping[str, Any]) -> Check:
    """Say whether every file version that there is was processed, once, and recorded."""
    outputs = verification["outputs"]
    wrong = {
        name: outputs[name] for name in ("files_missing", "actions_missing", "doubled", "lineage_missing")
    }
    told = ", ".join(f"{name.replace('_', ' ')} {count:,}" for name, count in wrong.items())
    return Check(
        "every file version is processed once and has its lineage",
        f"{outputs['files_matched']:,} of {outputs['files']:,} files by their SHA-256, "
        f"{outputs['actions']:,} deletes and renames; {told}",
        outputs["files"] > 0 and not any(wrong.values()),
    )


def queue(world: World, view: View) -> Outcome:
    """Make 100,000 operations and count their events in the ingestion queue, while no router reads it."""
    events = world.directory / "queue.jsonl"
    url = world.outputs["ingestion_queue_url"]
    with router_off(world), consumer(world, url, events) as counted:
        with view.step("100,000 operations; a consumer counts in the ingestion queue"):
            view.detail(storm(world, 100_000))
        with view.step("the consumer takes the rest"):
            view.detail(counted())
    with view.step("compare ledger and events"):
        verification = verify_events(world, events, {"ingestion": url})
    delivery = verification["delivery"]
    return Outcome(
        verification,
        [
            Check(
                "nothing is lost",
                f"{delivery['delivered']:,} of {delivery['monitored']:,} arrived, "
                f"{delivery['duplicates']:,} twice",
                delivery["lost"] == 0 and delivery["monitored"] > 50_000,
            ),
            *memory(world),
        ],
    )


def every_combination(world: World, view: View) -> Outcome:
    """Try every combination of the switches for time stamps and sharing."""
    world.scale(2)
    world.wait_connected(world.wait_for_tasks(2))
    combinations = matrix.complete()
    checks = []
    for number, combination in enumerate(combinations, 1):
        name = ", ".join(combination.values())
        with view.step(f"{number} of {len(combinations)}: {name}"):
            told = matrix.trial(world, combination)
        text = f"{told.by_guard} told by the guard, {told.twice} by both, {told.stored} stored"
        checks.append(Check(name, text, told.by_guard > 0 and told.stored > 0))
    with view.step("wait until nothing moves"):
        world.settle(SETTLE_SECONDS)
    with view.step("compare ledger and outputs"):
        world.snapshot()
        verification = verify(world, "--match", "path")
    return Outcome(verification, checks)


RUNS: Final[Mapping[str, Run]] = {
    "lineage": Run("10,000 operations without a server, to lineage", lineage, {}),
    "queue": Run("100,000 operations to the queue", queue, {}),
    "reconnect": Run(
        "time to reconnect when a task needs 60 s to start",
        lambda world, view: Outcome(*reconnect(world, view)),
        {"task_start_seconds": 60.0},
    ),
    "matrix": Run("every combination of the unknown time stamps and sharing", every_combination, {}),
}


def storm(world: World, count: int, *more: str) -> str:
    """Run `fsxn events storm` on the simulator and give its last line. Raises WorldError."""
    server = world.outputs["server"]
    command = ["fsxn", "events", "storm", "--simulator", world.sim.ready["control"], "--count", str(count)]
    if "--downtime" in more:
        command += ["--cluster", server["cluster_name"], "--service", server["service_name"]]
    result = run_tool(world, [*command, *more], STORM_SECONDS)
    if result.returncode != 0:
        raise WorldError(f"fsxn events storm failed: {result.stderr.strip()}")
    return result.stdout.strip()


@contextmanager
def router_off(world: World) -> Iterator[None]:
    """Let the router's event source mapping rest, so that the ingestion queue is the consumer's alone."""
    functions, name = world.client("lambda"), world.outputs["functions"]["route"]["function_name"]
    (mapping,) = functions.list_event_source_mappings(FunctionName=name)["EventSourceMappings"]
    functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
    try:
        yield
    finally:
        functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=True)


@contextmanager
def consumer(world: World, url: str, events: Path) -> Iterator[Callable[[], str]]:
    """Run `fsxn events collect` meanwhile; what is given waits for its end and says what it counted."""
    command = ["events", "collect", "--queue", url, "--events", str(events), "--idle", str(IDLE_SECONDS)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    with subprocess.Popen(
        [str(REPOSITORY / ".venv" / "bin" / "fsxn"), *command],
        env={**environment, **world.environment()},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:

        def counted() -> str:
            said, _ = process.communicate(timeout=SETTLE_SECONDS)
            if process.returncode != 0:
                raise WorldError(f"fsxn events collect ended with status {process.returncode}")
            return said.strip()

        try:
            yield counted
        finally:
            if process.poll() is None:
                process.terminate()


def verify_events(world: World, events: Path, queues: Mapping[str, str]) -> dict[str, Any]:
    """Compare the ledger with what a consumer took, and nothing else."""
    command = ["fsxn", "events", "verify", "--json", "--ledger", str(world.ledger_path)]
    command += ["--events", str(events)]
    for name, url in queues.items():
        command += ["--queue", f"{name}={url}"]
    result = run_tool(world, command, STORM_SECONDS)
    if result.returncode not in (0, 1):
        raise WorldError(f"fsxn events verify failed: {result.stderr.strip()}")
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def memory(world: World) -> Iterator[Check]:
    """Say how much memory the server's tasks and the simulator held at most."""
    server = max(peak_mib(task.pid) for task in world.runner.tasks(world.service))
    simulator = peak_mib(world.sim_pid)
    for name, held, bound in (
        ("server", server, SERVER_MIB),
        ("simulator", simulator, SIMULATOR_MIB),
    ):
        yield Check(f"the {name} held at most {bound:g} MiB", f"{held:.0f} MiB", held <= bound)
