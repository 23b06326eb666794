"""`fsxn diagnose pilot`: run the operations that settle what is unknown of ONTAP, and write what was seen."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from fsxn_runtime.cli.console import Exit, say
from fsxn_runtime.cli.function import invoke
from fsxn_runtime.cli.redrive import add_prefix
from fsxn_runtime.diagnose import AWAY_FILES, NOT_SEEN, Operation, PilotRun, conclude, result, script
from fsxn_runtime.edge.clients import client
from fsxn_runtime.edge.clock import now_us
from fsxn_runtime.errors import FsxnError, RejectedError
from fsxn_runtime.storm import Collector, EcsService, mount_protocol

_PAUSE_SECONDS: Final = 0.3  # so that the order of the files is that of their times on any clock


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the group `diagnose`."""
    parser = commands.add_parser(
        "pilot",
        help="settle what is unknown of ONTAP on a real system, with a result file (runs with --yes)",
        description=(
            "Show the script of operations; with --yes perform it in a mounted folder of a volume in the "
            "policy's scope. The FPolicy server really goes away for a minute or two. Its events are taken "
            "out of a queue that a rule of the bus feeds (docs/howto/diagnose.md). Exit status 1 when a "
            "question that the script can settle was not."
        ),
    )
    add_prefix(parser)
    parser.add_argument("--mount", type=Path, metavar="DIR", help="the volume's root, mounted here")
    parser.add_argument(
        "--junction-path", default="", help="where the volume is in the namespace, such as /vol1"
    )
    parser.add_argument(
        "--queue", default="", metavar="URL", help="queue of the events; read ones are deleted"
    )
    parser.add_argument(
        "--path-root", choices=("volume", "namespace"), default="volume", help="the server's setting"
    )
    parser.add_argument("-o", "--output", type=Path, help="result file to make, JSON")
    parser.add_argument(
        "--idle",
        type=float,
        default=60.0,
        metavar="SECONDS",
        help="without events, until the end (%(default)g)",
    )
    parser.add_argument("--yes", action="store_true", help="run it; without it the script is shown")
    parser.set_defaults(run=_pilot)


def _pilot(arguments: argparse.Namespace) -> Exit:
    folder = f"fsxn-pilot-{datetime.fromtimestamp(now_us() // 1_000_000, UTC):%Y%m%dT%H%M%SZ}"
    if not arguments.yes:
        for number, step in enumerate(script(folder), 1):
            say(f"{number}. {step}")
        say("nothing was done; run it with --yes, --mount, --junction-path, --queue and --output")
        return Exit.OK
    root = _checked(arguments)
    began = _now()
    name = f"{arguments.prefix}-fpolicy"
    service = EcsService(client("ecs"), name, name)
    try:
        run = _perform(arguments, root / folder, service)
    finally:
        _remove(root / folder)
    answers = conclude(run)
    document = result(answers, run, _ontap(arguments.prefix), began, _now())
    try:
        with arguments.output.open("x", encoding="utf-8") as file:
            json.dump(document, file, indent=1)
    except OSError as exc:
        raise RejectedError(f"cannot make {arguments.output}: {exc.strerror}") from exc
    for answer in answers:
        say(f"{answer.question} {answer.answer}")
    return Exit.FINDING if any(answer.answer == NOT_SEEN for answer in answers) else Exit.OK


def _checked(arguments: argparse.Namespace) -> Path:
    missing = [
        option for option in ("mount", "junction_path", "queue", "output") if not getattr(arguments, option)
    ]
    if missing:
        named = ", ".join(f"--{option.replace('_', '-')}" for option in missing)
        raise RejectedError(f"--yes needs {named} as well")
    if arguments.output.exists():
        raise RejectedError(f"--output is {arguments.output}; it must be a new file")
    root = Path(arguments.mount).resolve()
    if not root.is_dir():
        raise RejectedError(f"--mount is {root}; it must be the mounted volume's root")
    mount_protocol(root, Path("/proc/self/mounts").read_text(encoding="utf-8", errors="surrogateescape"))
    return root


def _perform(arguments: argparse.Namespace, folder: Path, service: EcsService) -> PilotRun:
    count = service.desired_count()
    if count == 0:
        raise RejectedError("the FPolicy server has no tasks already; scale it up first")
    collector = Collector(client("sqs"), arguments.queue)
    with tempfile.TemporaryDirectory() as scratch:
        taken = Path(scratch) / "events.jsonl"
        folder.mkdir()
        operations = [_create(folder, "live", is_away=False)]
        collector.collect(taken, idle_seconds=arguments.idle, expected=1)
        with _server_away(service, count):
            for number in range(1, AWAY_FILES + 1):
                operations.append(_create(folder, f"away-{number:02}", is_away=True))
                time.sleep(_PAUSE_SECONDS)
            back_us = now_us()
        connected_us = now_us()
        collector.collect(taken, idle_seconds=arguments.idle, expected=AWAY_FILES + 1)
        events = tuple(json.loads(line)["event"] for line in taken.read_text(encoding="utf-8").splitlines())
    return PilotRun(
        tuple(operations), events, arguments.junction_path, arguments.path_root, back_us, connected_us
    )


@contextmanager
def _server_away(service: EcsService, count: int) -> Iterator[None]:
    """Scale the server to nothing around the body; it comes back on every way out."""
    sys.stderr.write(f"fsxn: if this is killed, bring the server back: {service.restore_command(count)}\n")
    try:
        service.scale(0)
        yield
    finally:
        service.scale(count)


def _create(folder: Path, name: str, *, is_away: bool) -> Operation:
    path = folder / name
    at_us = now_us()
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644))
    except OSError as exc:
        raise RejectedError(f"{path}: {exc.strerror}; --mount must be writable") from exc
    return Operation(f"/{folder.name}/{name}", at_us, is_away)


def _remove(folder: Path) -> None:
    for path in folder.glob("*"):
        path.unlink(missing_ok=True)
    if folder.is_dir():
        folder.rmdir()


def _ontap(prefix: str) -> dict[str, Any]:
    """What the function in the VPC sees; without it the answers stand all the same."""
    try:
        seen: dict[str, Any] = invoke(f"{prefix}-diagnose", {"action": "look"})
        return seen
    except FsxnError as exc:
        return {"errors": {"function": {"code": exc.code, "message": str(exc)}}}


def _now() -> str:
    return datetime.fromtimestamp(now_us() // 1_000_000, UTC).isoformat()
