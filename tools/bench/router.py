"""What the router costs: events a CPU second through the shipped handler, and its cold start.

The bus is a process that accepts at once. Beside it the SDK's client alone, which puts the same events in
tens and does nothing else: what is between the two is reading, checking against the schema, and measuring.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from fsxn_runtime.edge.clients import client, forget_clients
from fsxn_runtime.event_router import handler as router

from tools.bench import parse
from tools.bench.figures import Figure
from tools.bench.functions import PYTHON
from tools.bench.processes import OTHER_CORES, FakeQueue, started
from tools.package_lambdas import OUTPUT

EVENTS: Final = 3_000
ROUNDS: Final = 3
BATCH: Final = 10  # messages of an invocation, and entries of a PutEvents call
COLD_STARTS: Final = 3
FRAME: Final = "NFS_CREAT"
BARE: Final = "SDK's client alone"
# The process's own time: what Lambda does before it starts Python is not in it.
FIRST_EVENT: Final = """
import contextlib, io, json, sys, time
began, cpu = time.perf_counter(), time.process_time()
sys.path.insert(0, sys.argv[1])
event = json.loads(sys.argv[3])
class Context:
    def get_remaining_time_in_millis(self): return 60000
with contextlib.redirect_stdout(io.StringIO()):
    if sys.argv[2] == "router":
        from fsxn_runtime.event_router.handler import handler
        assert handler(event, Context()) == {"batchItemFailures": []}
    else:
        import boto3
        detail = event["Records"][0]["body"]
        entry = {"Source": "bench", "DetailType": "bench", "Detail": detail, "EventBusName": "bench"}
        boto3.client("events").put_events(Entries=[entry])
print(json.dumps([1000 * (time.perf_counter() - began), 1000 * (time.process_time() - cpu)]))
"""

Json = dict[str, Any]


class Context:
    """A Lambda context with time enough."""

    def get_remaining_time_in_millis(self) -> int:
        """A minute."""
        return 60_000


def measure() -> Json:
    """Measure warm rates and cold starts."""
    with started(OTHER_CORES, "tools.bench.fake_queue") as process, environment(FakeQueue(process).port):
        return {"rates": rates(), "cold": cold_starts()}


@contextlib.contextmanager
def environment(port: int) -> Iterator[None]:
    """What Terraform and Lambda give the function; taken back at the end."""
    before = dict(os.environ)
    os.environ.update(
        AWS_ACCESS_KEY_ID="bench",
        AWS_SECRET_ACCESS_KEY="bench",  # noqa: S106 (nobody checks it)
        AWS_DEFAULT_REGION="us-east-1",
        AWS_ENDPOINT_URL=f"http://127.0.0.1:{port}",
        EVENT_BUS_NAME="bench",
        QUARANTINE_QUEUE_URL=f"http://127.0.0.1:{port}/000000000000/quarantine",
        METRIC_NAMESPACE="Bench",
        LOG_LEVEL="ERROR",
    )
    forget_clients()
    router._parts.cache_clear()
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
        forget_clients()
        router._parts.cache_clear()


def body() -> str:
    """The queue's text of one event."""
    return parse.read((parse.FRAMES / f"{FRAME}.frame").read_bytes()[parse.QUOTED_HEAD :]).decode()


def invocation(per_message: int) -> Json:
    """One batch of the ingestion queue."""
    event = body()
    text = (
        event
        if per_message == 1
        else json.dumps({"schema_version": "1.0", "events": [json.loads(event)] * per_message})
    )
    return {"Records": [{"messageId": f"m{number}", "body": text} for number in range(BATCH)]}


def rates() -> Json:
    """Events a CPU second, each way in turn, the best of the rounds."""
    entry = {"Source": "bench", "DetailType": "bench", "Detail": body(), "EventBusName": "bench"}
    one, fifty = invocation(1), invocation(50)
    ways: dict[str, tuple[int, Callable[[], object]]] = {
        BARE: (BATCH, lambda: client("events").put_events(Entries=[entry] * BATCH)),
        "router, 1 event a message": (BATCH, lambda: route(one)),
        "router, 50 events a message": (BATCH * 50, lambda: route(fifty)),
    }
    best = dict.fromkeys(ways, 0.0)
    for _ in range(ROUNDS):
        for name, (events, once) in ways.items():
            count = EVENTS // events
            with contextlib.redirect_stdout(io.StringIO()):  # metrics and logs, which Lambda takes from there
                once()
                began = time.process_time()
                for _ in range(count):
                    once()
            best[name] = max(best[name], count * events / (time.process_time() - began))
    return {
        name: {"per_cpu_second": round(rate), "ratio": round(rate / best[BARE], 3)}
        for name, rate in best.items()
    }


def route(event: Json) -> None:
    """One invocation; stops when a message failed: its time would say nothing."""
    if router.handler(event, Context()) != {"batchItemFailures": []}:
        raise SystemExit("the router reported failed messages")


def cold_starts() -> Json:
    """From a fresh interpreter to the first event on the bus: import, clients, first call."""
    found: Json = {}
    with tempfile.TemporaryDirectory() as folder:
        with zipfile.ZipFile(OUTPUT / "route.zip") as archive:
            archive.extractall(folder)
        for name in ("SDK's client alone", "router"):
            command = [str(PYTHON), "-c", FIRST_EVENT, folder, name, json.dumps(invocation(1))]
            taken = [
                json.loads(
                    subprocess.run(
                        command, capture_output=True, text=True, check=True, cwd=Path(folder)
                    ).stdout
                )
                for _ in range(COLD_STARTS + 1)
            ][1:]  # the first one writes the bytecode
            wall, cpu = (min(each[place] for each in taken) for place in (0, 1))
            found[name] = {"ms": round(wall), "cpu_ms": round(cpu)}
    return found


def failures(_found: Json) -> list[str]:
    """Nothing here must be so on any machine; the import has its budget in `functions`."""
    return []


def table(found: Json) -> Iterator[str]:
    """Give the lines that are printed."""
    yield f"{'router, events':<34}{'per CPU s':>12}{'to client':>12}"
    for name, each in found["rates"].items():
        yield f"  {name:<32}{each['per_cpu_second']:>12,}{each['ratio']:>12.2f}"
    yield f"{'cold start, to the first event':<34}{'ms':>12}{'ms of CPU':>12}"
    for name, each in found["cold"].items():
        yield f"  {name:<32}{each['ms']:>12,}{each['cpu_ms']:>12,}"


def figures(found: Json) -> Iterator[Figure]:
    """Give what the page shows."""
    bare = found["rates"][BARE]["per_cpu_second"]
    for name, each in found["rates"].items():
        if name != BARE:
            yield Figure("router, events per CPU second", name, each["per_cpu_second"], BARE, bare)
    cold = found["cold"]
    yield Figure("cold start, ms of CPU", "router", cold["router"]["cpu_ms"], BARE, cold[BARE]["cpu_ms"])
