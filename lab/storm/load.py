"""What runs meanwhile, and what makes the reconciler work: clients under constant load, a changed wish."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from threading import Event, Thread
from typing import Any, Final

from lab.world import World, WorldError

RATE: Final = 30.0  # operations a second
STORM_SECONDS: Final = 2.0  # of one storm of many; the load ends so long after it may


@contextmanager
def under_load(world: World, folder: str, rate: float = RATE) -> Iterator[None]:
    """Let clients work at a constant rate until the body has ended."""
    ended = Event()

    def run() -> None:
        for number in count():
            if ended.is_set():
                return
            operations = round(rate * STORM_SECONDS)
            world.sim.storm(operations, folder=f"{folder}-{number}", seed=number, rate_per_second=rate)

    thread = Thread(target=run, name="load")
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def wanted(world: World) -> tuple[str, dict[str, Any]]:
    """Give name and document of the one SVM that the reconciler keeps, from its table."""
    table = _function(world)["Environment"]["Variables"]["RECONCILE_TABLE"]
    items = world.client("dynamodb").scan(TableName=table)["Items"]
    (item,) = [item for item in items if "wanted" in item]
    return item["pk"]["S"].removeprefix("SVM#"), json.loads(item["wanted"]["S"])


def want(world: World, name: str, document: Mapping[str, Any]) -> None:
    """Ask for another document as Terraform does, and wait until ONTAP is so. Raises WorldError."""
    event = {"tf": {"action": "update"}, "svm": name, "wanted": document}
    answer = world.invoke("reconcile", event)
    if "FunctionError" in answer:
        raise WorldError(f"the reconciler failed: {answer['Payload'].read().decode()}")


def other_engine(document: Mapping[str, Any]) -> dict[str, Any]:
    """Change a setting of the engine, which can be changed only while the policy is disabled."""
    engine = document["engine"]
    seconds = engine["keep_alive_seconds"]
    return {**document, "engine": {**engine, "keep_alive_seconds": 110 if seconds == 120 else 120}}


def _function(world: World) -> dict[str, Any]:
    name = world.outputs["functions"]["reconcile"]["function_name"]
    found: dict[str, Any] = world.client("lambda").get_function_configuration(FunctionName=name)
    return found
