"""`fsxn events storm` and `fsxn events collect`: make operations for a proof, and take their events."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from fsxn_runtime.cli.console import Exit, say
from fsxn_runtime.edge.clients import client
from fsxn_runtime.errors import RejectedError
from fsxn_runtime.storm import Collector, EcsService, Folder, Simulator, Storm, acts, mount_protocol, perform

SHARES = "shares as NAME=WEIGHT, separated by commas"


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands to the group `events`."""
    _register_storm(commands)
    _register_collect(commands)


def _register_storm(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "storm",
        help="make many file operations, if wanted while no server is there, and keep a ledger of them",
        description=(
            "Perform generated file operations: through the laboratory's simulator, or in a mounted folder "
            "of a real volume. With --downtime the FPolicy server is scaled to nothing first and brought "
            "back afterwards, so that ONTAP's Persistent Store has something to replay."
        ),
    )
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--simulator", metavar="URL", help="control interface of the simulated file system")
    where.add_argument("--mount", type=Path, metavar="DIR", help="the volume's root, mounted on this machine")
    parser.add_argument("--volume", default="", help="volume of the simulator, where it has several")
    parser.add_argument("--ledger", type=Path, help="file to write (with --mount)")
    parser.add_argument(
        "--junction-path", help="where events say that the volume is, such as /vol1 (with --mount)"
    )
    parser.add_argument("--count", type=int, default=1000, help="operations (default %(default)s)")
    parser.add_argument(
        "--rate", type=float, default=0.0, help="operations a second; 0, the default: no limit"
    )
    parser.add_argument(
        "--seed", type=int, default=1, help="the same seed, the same storm (default %(default)s)"
    )
    parser.add_argument(
        "--folder", default="/storm", help="folder to make in the volume (default %(default)s)"
    )
    parser.add_argument("--protocols", default="NFS 3.0=40,NFS 4.1=30,SMB 3.1=30", help=SHARES)
    parser.add_argument("--operations", default="create=50,write=20,rename=20,delete=10", help=SHARES)
    parser.add_argument("--sizes", default="100:20000", metavar="MIN:MAX", help="bytes of one write")
    parser.add_argument("--downtime", type=float, metavar="SECONDS", help="server away at least so long")
    parser.add_argument("--cluster", help="ECS cluster of the server (with --downtime)")
    parser.add_argument("--service", help="ECS service of the server (with --downtime)")
    parser.add_argument("--json", action="store_true", help="the result as one JSON object")
    parser.set_defaults(run=_storm)


def _register_collect(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "collect",
        help="take events out of a queue into a file for `verify`",
        description=(
            "Read and DELETE the messages of a queue made for this: fed by a rule of the bus, or the "
            "ingestion queue while no router reads it."
        ),
    )
    parser.add_argument("--queue", required=True, metavar="URL", help="the queue; what is read is deleted")
    parser.add_argument("--events", required=True, type=Path, help="file to append to, one event a line")
    parser.add_argument("--idle", type=float, default=10.0, help="stop after so many seconds without events")
    parser.add_argument("--expected", type=int, help="stop when so many different events are there")
    parser.add_argument("--json", action="store_true", help="the result as one JSON object")
    parser.set_defaults(run=_collect)


def _storm(arguments: argparse.Namespace) -> Exit:
    """Perform the storm and say what was done; what arrived is `verify`'s to say."""
    storm = Storm(
        count=arguments.count,
        seed=arguments.seed,
        folder=arguments.folder,
        rate_per_second=arguments.rate,
        protocols=_shares("--protocols", arguments.protocols),
        operations=_shares("--operations", arguments.operations),
        **_sizes(arguments.sizes),
    )
    with _driver(arguments) as driver:
        with _server_away(arguments, driver):
            made, seconds = perform(acts(storm), driver, storm.rate_per_second)
        driver.finish()
    result = {"operations": made, "seconds": round(seconds, 3), "rate_per_second": round(made / seconds, 1)}
    if arguments.json:
        say(json.dumps({**result, "storm": {**asdict(storm)}}, default=dict))
    else:
        say(f"{made:,} operations in {seconds:.1f} s, {result['rate_per_second']:,} a second")
    return Exit.OK


def _driver(arguments: argparse.Namespace) -> Simulator | Folder:
    if arguments.simulator:
        return Simulator(arguments.simulator, arguments.volume)
    if arguments.ledger is None or arguments.junction_path is None:
        raise RejectedError("--mount needs --ledger FILE and --junction-path, such as /vol1")
    mounts = Path("/proc/self/mounts").read_text(encoding="utf-8", errors="surrogateescape")
    root = arguments.mount.resolve()
    return Folder(root, arguments.junction_path, mount_protocol(root, mounts), arguments.ledger)


@contextmanager
def _server_away(arguments: argparse.Namespace, driver: Simulator | Folder) -> Iterator[None]:
    """Scale the server to nothing around the body; it comes back on every way out."""
    if arguments.downtime is None:
        yield
        return
    if not (arguments.cluster and arguments.service):
        raise RejectedError("--downtime needs --cluster and --service of the FPolicy server")
    service = EcsService(client("ecs"), arguments.cluster, arguments.service)
    count = service.desired_count()
    if count == 0:
        raise RejectedError(f"service {arguments.service} has no tasks already; --downtime would leave it so")
    sys.stderr.write(f"fsxn: if this is killed, bring the server back: {service.restore_command(count)}\n")
    try:
        service.scale(0)
        driver.mark("server_down")
        began = time.monotonic()
        yield
        time.sleep(max(0.0, arguments.downtime - (time.monotonic() - began)))
    finally:
        service.scale(count)
        driver.mark("server_up")


def _collect(arguments: argparse.Namespace) -> Exit:
    collector = Collector(client("sqs"), arguments.queue)
    events, different = collector.collect(
        arguments.events, idle_seconds=arguments.idle, expected=arguments.expected
    )
    if arguments.json:
        say(json.dumps({"events": events, "different": different}))
    else:
        say(f"{events:,} events, {different:,} different")
    short = arguments.expected is not None and different < arguments.expected
    return Exit.FINDING if short else Exit.OK


def _shares(option: str, text: str) -> dict[str, float]:
    shares = {}
    for part in text.split(","):
        name, separator, weight = part.partition("=")
        try:
            shares[name.strip()] = float(weight)
        except ValueError:
            separator = ""
        if not separator:
            raise RejectedError(f"{option} has {part!r}; it must be NAME=WEIGHT, such as create=50")
    return shares


def _sizes(text: str) -> dict[str, int]:
    low, _, high = text.partition(":")
    try:
        return {"min_bytes": int(low), "max_bytes": int(high)}
    except ValueError:
        raise RejectedError(f"--sizes is {text!r}; it must be MIN:MAX bytes, such as 100:20000") from None
