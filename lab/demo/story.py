"""The demo's story: what is done to the volume, in which order, and what is asked of the result."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Thread
from typing import Any

from lab import cost
from lab.demo import material
from lab.demo.capacity import Capacity
from lab.demo.tools import Check, run_tool
from lab.demo.unmeasured import NOT_IN_THE_DEMO
from lab.demo.view import View
from lab.measured import gaps, looked_at, published
from lab.secret_scan import places, scan, secrets
from lab.terraform import provider_choice
from lab.world import World, WorldError

BIG_BYTES = 50 * 1024 * 1024
BIG_PIECES = 10
BIG_PAUSE_SECONDS = 0.5  # shorter than the settle time: the file is never at rest between two pieces
OUTAGE_OPERATIONS = 1000
REPLAY_SECONDS = 60.0
SETTLE_SECONDS = 180.0  # a deadline, not a duration; the path is at rest within seconds
MINUTE_SECONDS = 60  # how often alarms are evaluated, and objectives with them
PUBLISHED_SECONDS = 75.0  # a deadline for what is published every minute
COUNT_SECONDS = 1.0  # between two looks for the display


class Story:
    """Tells the story in a world that runs; `tell` gives the run as `fsxn report` reads it."""

    def __init__(self, world: World, view: View, *, seed: int, files: int) -> None:
        self._world = world
        self._view = view
        self._seed = seed
        self._files = files
        self._checks: list[Check] = []
        self._used: list[dict[str, Any]] = []

    def tell(self, started_at: datetime) -> dict[str, Any]:
        """Work through the chapters; give the run. Raises WorldError when one cannot be told."""
        with Capacity(self._world, self._view) as capacity:
            capacity.fill_and_grow()
            verification = self._events()
            capacity.grant_ends()
        self._checks += capacity.checks
        with self._view.step("read what the account knows of this time"):
            period = read_period(self._world, started_at)
            measured = measured_check(self._world)
        if not objectives_check(period).ok:
            with self._view.step("let the minute end, for objectives are judged by whole ones; read again"):
                wait_for_next_minute(self._world)
                period = read_period(self._world, started_at)
        self._checks += [parts_check(period), objectives_check(period), measured]
        with self._view.step("search all output for every secret"):
            self._checks.append(secrets_check(self._world))
        return {
            "schema_version": "1.0",
            "title": "make demo",
            "started_at": f"{started_at:%Y-%m-%d %H:%M:%S} UTC",
            "seed": self._seed,
            "checks": [{"title": c.title, "text": c.text, "ok": c.ok} for c in self._checks],
            "steps": [{"name": s.name, "seconds": s.seconds or 0.0} for s in self._view.steps],
            "facts": self._facts(),
            "period": period,
            "used": self._used,
            "verification": verification,
        }

    def _events(self) -> dict[str, Any]:
        """Files in, reports and lineage out; give what `fsxn events verify` found."""
        meter = cost.Meter(self._world)
        with counting(self._world, self._view):
            self._copy()
            big = self._write_in_pieces()
            self._outage()
            with self._view.step("wait until nothing moves"):
                self._world.settle(SETTLE_SECONDS)
        with self._view.step("compare what was used with its estimate"):
            self._used = meter.compare()
        self._checks.append(used_check(self._used))
        with self._view.step("compare ledger and outputs"):
            self._world.snapshot()
            self._look_at_big_file(big)
            verification = verify(self._world)
        self._checks.append(replay_check(verification))
        return verification

    def _copy(self) -> None:
        with self._view.step(f"copy {self._files} files of this machine"):
            files = material.choose(self._files, self._seed)
            size = 0
            for copied in material.copy(files, self._world.volume / "copied"):
                size += copied.stat().st_size
            self._view.detail(f"{size / 1e6:.0f} MB")

    def _write_in_pieces(self) -> Path:
        """One large file, written piece by piece by an ordinary program."""
        path = self._world.volume / "large" / "50MB.bin"
        path.parent.mkdir(parents=True, exist_ok=True)
        with self._view.step(f"write one 50 MB file in {BIG_PIECES} pieces"), path.open("wb") as file:
            for number, piece in enumerate(material.pieces(BIG_BYTES, BIG_PIECES, self._seed), 1):
                file.write(piece)
                file.flush()
                self._view.detail(f"piece {number}")
                if number < BIG_PIECES:
                    time.sleep(BIG_PAUSE_SECONDS)
        return path

    def _outage(self) -> None:
        world, view = self._world, self._view
        with view.step("stop the server"):
            world.sim.wait_idle()
            world.stop_server()
        with view.step(f"{OUTAGE_OPERATIONS:,} operations while it is down"):
            monitored = world.sim.status()["monitored"]
            world.sim.storm(OUTAGE_OPERATIONS, seed=self._seed)
            status = world.sim.wait_idle()
            stored = status["stored_backlog"]
            monitored = status["monitored"] - monitored
            view.detail(f"{stored:,} notifications in the Persistent Store")
        with view.step("start the server again; the store is replayed"):
            world.start_server()
            world.sim.wait_idle(REPLAY_SECONDS, replayed=True)
        self._checks.append(
            Check(
                f"{OUTAGE_OPERATIONS:,} operations by NFS 3, NFS 4.1 and SMB without a server",
                f"{stored:,} of the {monitored:,} that the policy asks for waited in the Persistent Store",
                0 < monitored == stored,
            )
        )

    def _look_at_big_file(self, path: Path) -> None:
        output = self._world.outputs["output"]
        key = f"{output['prefix']}/{path.relative_to(self._world.volume)}/"
        s3 = self._world.client("s3")
        found = s3.list_objects_v2(Bucket=output["bucket"], Prefix=key).get("Contents", [])
        hashes = [
            json.loads(s3.get_object(Bucket=output["bucket"], Key=entry["Key"])["Body"].read())["sha256"]
            for entry in found
        ]
        with path.open("rb") as file:
            wanted = hashlib.file_digest(file, "sha256").hexdigest()
        seconds = BIG_PAUSE_SECONDS * (BIG_PIECES - 1)
        self._checks.append(
            Check(
                f"50 MB written in {BIG_PIECES} pieces over {seconds:.0f} s",
                f"processed {len(found)} time{'s' * (len(found) != 1)}; SHA-256 {wanted[:16]}… "
                + ("is the final file's" if hashes == [wanted] else "is NOT what was reported"),
                hashes == [wanted],
            )
        )

    def _facts(self) -> list[list[str]]:
        terraform = json.loads(self._world.terraform.run("version", "-json", quiet=True))
        return [
            ["seed", str(self._seed)],
            ["AWS", "emulated on this machine, IAM enforced"],
            [
                "alarms",
                "evaluated by the emulator when a metric comes: none ends by silence",
            ],
            ["ONTAP", "simulated: 2 nodes, Persistent Store, 1 SVM, 1 volume"],
            ["Terraform", f"{terraform['terraform_version']}, provider: {provider_choice()}"],
            ["Python", platform.python_version()],
            ["Machine", f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs"],
            ["settle time", f"{self._world.settle_seconds} s"],
        ]


def replay_check(verification: Mapping[str, Any]) -> Check:
    """Say whether the store's replay arrived, and out of order, as ONTAP's does."""
    title, replay = "the Persistent Store was replayed out of order", verification["replay"]
    if not replay:
        return Check(title, "nothing was replayed", False)
    distance = replay["displacement_max"]
    return Check(
        title, f"{replay['events']:,} events, up to {distance:,} places from their order", distance > 0
    )


def used_check(rows: Sequence[Mapping[str, Any]]) -> Check:
    """Say whether everything that was used is what the cost model estimates for this traffic."""
    outside = cost.outside(rows)
    text = f"{len(rows)} quantities" if not outside else f"not within their limits: {', '.join(outside)}"
    return Check("what was used is what fsxn cost estimates", text, bool(rows) and not outside)


@contextmanager
def counting(world: World, view: View) -> Iterator[None]:
    """Show the counts along the path while the body runs."""
    ended = Event()

    def run() -> None:
        while not ended.wait(COUNT_SECONDS):
            view.look(world.look())

    thread = Thread(target=run, name="counting", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def verify(world: World, *more: str, allow_lost: int = 0) -> dict[str, Any]:
    """Run `fsxn events verify` as a user would; a difference is a result, anything else an error."""
    result = run_tool(world, [*world.verify_command(allow_lost), *more])
    if result.returncode not in (0, 1):
        raise WorldError(f"fsxn events verify failed: {result.stderr.strip()}")
    verification: dict[str, Any] = json.loads(result.stdout)
    return verification


def wait_for_next_minute(world: World) -> None:
    """Wait until the minute has ended that runs now: a story can be over within it."""
    left = MINUTE_SECONDS - now().timestamp() % MINUTE_SECONDS
    end = time.monotonic() + left
    world.wait(lambda: time.monotonic() > end, left + 1, "the end of the minute")


def read_period(world: World, since: datetime) -> dict[str, Any]:
    """Run `fsxn report --json` over the time of the run, as an operator does over a month.

    What schedules of minutes and hours call is called once before: they are longer than the story.
    """
    for name, event in (("monitor", {}), ("rotate", {"action": "watch"})):
        world.invoke(name, event)
    world.collector.collect()
    command = ["fsxn", "report", "--json", "--from", f"{since:%Y-%m-%dT%H:%M:%SZ}"]
    result = run_tool(world, command)
    if not result.stdout:
        raise WorldError(f"fsxn report failed: {result.stderr.strip()}")
    period: dict[str, Any] = json.loads(result.stdout)
    return period


def parts_check(period: Mapping[str, Any]) -> Check:
    """Say whether every part of the period could be read."""
    parts = period["parts"]
    missing = [f"{name}: {part['why']}" for name, part in parts.items() if part["state"] != "there"]
    return Check(
        "the report of the period has every part",
        "; ".join(missing) or ", ".join(parts),
        bool(parts) and not missing,
    )


def secrets_check(world: World) -> Check:
    """Say whether a secret that this laboratory knows is in a file or a log group that it wrote."""
    known, everything = secrets(world), list(places(world))
    found = scan(known, everything)
    text = f"{len(known)} secrets looked for in {len(everything)} files and log groups"
    return Check("no secret is in any output", ". ".join([text, *found]), not found)


def objectives_check(period: Mapping[str, Any]) -> Check:
    """Say whether every objective was measured, and every widget of the dashboards has data."""
    parts = period["parts"]
    objectives = parts["objectives"].get("found", {}).get("objectives", [])
    dashboards = parts["dashboards"].get("found", [])
    states = ", ".join(f"{each['name']} {each['state'].replace('_', ' ')}" for each in objectives)
    panels = [panel for dashboard in dashboards for panel in dashboard["panels"]]
    filled = sum(any(series["points"] for series in panel["series"]) for panel in panels)
    measured = bool(objectives) and all(each["value"] is not None for each in objectives)
    return Check(
        "every objective is measured, every widget of the dashboards has data",
        f"{states}; {filled} of {len(panels)} widgets",
        measured and filled == len(panels) > 0,
    )


def measured_check(world: World) -> Check:
    """Say whether what alarms and widgets look at was published in this run, or has its reason.

    What comes every minute may come after the story: it is waited for.
    """
    wanted = looked_at(world)
    deadline = time.monotonic() + PUBLISHED_SECONDS
    while True:
        world.collector.collect()
        found = gaps(wanted, published(world), NOT_IN_THE_DEMO)
        if not found.unexplained or time.monotonic() > deadline:
            break
        time.sleep(COUNT_SECONDS)
    wrong = [*(f"no data: {each}" for each in found.unexplained)]
    wrong += [f"there is data, or nothing asks for it: {each}" for each in found.needless]
    return Check(
        "every metric that an alarm or a widget looks at was published in this run, or is known not to be",
        "; ".join(wrong) or f"{len(wanted)} metrics, {len(NOT_IN_THE_DEMO)} reasons",
        not wrong,
    )


def draw(world: World, run: Path, page: Path) -> None:
    """Run `fsxn report`."""
    result = run_tool(world, ["fsxn", "report", "--run", str(run), "-o", str(page)])
    if result.returncode != 0:
        raise WorldError(f"fsxn report failed: {result.stderr.strip()}")


def now() -> datetime:
    """The time at which a run begins."""
    return datetime.now(UTC)
