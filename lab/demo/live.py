"""`make demo-live`: the laboratory stays up and shows what happens to files in the volume's folder."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console

from lab.demo.view import View
from lab.premises import JUNCTION
from lab.world import World, WorldError

POLL_SECONDS = 0.5  # soon enough for an eye; a look costs three calls

TRY = """
The volume {junction} of the simulated ONTAP is the folder [bold]{folder}[/]. Try, in another terminal:

  mkdir -p {folder}/legal && echo draft > {folder}/legal/a.txt
  echo final >> {folder}/legal/a.txt
  mv {folder}/legal/a.txt {folder}/legal/b.txt
  rm {folder}/legal/b.txt

Any AWS tool sees the same with these variables:

{environment}

Then for example: .venv/bin/fsxn lineage show {junction}/legal/a.txt
[dim]Ctrl-C ends and removes everything, the folder included.[/]
"""


def watch(console: Console, directory: Path, volume: Path) -> int:
    """Start, explain, and stream until Ctrl-C. Raises WorldError when it cannot start."""
    if volume.exists() and any(volume.iterdir()):
        raise WorldError(f"{volume} is not empty, and is removed at the end: move it away first")
    try:
        with View(console) as view, World(directory, volume_directory=volume, step=view.step) as world:
            view.close()
            variables = "\n".join(f"  export {name}={value}" for name, value in world.environment().items())
            shown = volume.relative_to(Path.cwd()) if volume.is_relative_to(Path.cwd()) else volume
            console.print(
                TRY.format(folder=shown, junction=JUNCTION, environment=variables),
                highlight=False,
                soft_wrap=True,
            )
            stream(world, lambda line: console.print(line, highlight=False, soft_wrap=True, markup=True))
    finally:
        shutil.rmtree(volume, ignore_errors=True)
    return 0


def stream(world: World, show: Callable[[str], None]) -> None:
    """Show events, executions and lineage records as they appear, until interrupted."""
    watchers = (EventWatch(world), ExecutionWatch(world), LineageWatch(world))
    pause = threading.Event()
    while not pause.wait(POLL_SECONDS):
        for watcher in watchers:
            for line in watcher.new():
                show(line)


class EventWatch:
    """New events on the bus, from the tap's file."""

    def __init__(self, world: World) -> None:
        self._path = world.events_path
        self._read = 0

    def new(self) -> list[str]:
        with self._path.open("rb") as file:
            file.seek(self._read)
            complete = file.read().rpartition(b"\n")[0]
        self._read += len(complete) + bool(complete)
        return [self._line(json.loads(row)["event"]) for row in complete.splitlines()]

    def _line(self, event: dict[str, Any]) -> str:
        target = f" → {event['target_path']}" if event.get("target_path") else ""
        return (
            f"[blue]event    [/] {event['timestamp'][11:23]} {event['event_type']:<12} "
            f"{escaped(event['file_path'] + target)}"
        )


class ExecutionWatch:
    """Executions whose status changed."""

    def __init__(self, world: World) -> None:
        self._states = world.client("stepfunctions")
        self._arn = world.outputs["state_machine"]["arn"]
        self._known: dict[str, str] = {}

    def new(self) -> list[str]:
        answer = self._states.list_executions(stateMachineArn=self._arn, maxResults=100)
        lines = []
        for execution in reversed(answer["executions"]):
            name, status = execution["name"], execution["status"]
            if self._known.get(name) != status:
                self._known[name] = status
                lines.append(f"[yellow]execution[/] {name[:12]}… {status}")
        return lines


class LineageWatch:
    """New lineage records."""

    def __init__(self, world: World) -> None:
        self._dynamodb = world.client("dynamodb")
        self._uc_id = world.outputs["uc_id"]
        self._table = world.outputs["lineage_table_name"]
        self._newest = "0"

    def new(self) -> list[str]:
        answer = self._dynamodb.query(
            TableName=self._table,
            IndexName="uc_id-timestamp-index",
            KeyConditionExpression="uc_id = :u AND processing_timestamp > :t",
            ExpressionAttributeValues={":u": {"S": self._uc_id}, ":t": {"S": self._newest}},
        )
        lines = []
        for item in answer["Items"]:
            self._newest = item["processing_timestamp"]["S"]
            checksum = item.get("input_checksum", {}).get("S", "")[:12]
            lines.append(
                f"[green]lineage  [/] {item['status']['S']:<10} {escaped(item['source_file_key']['S'])} "
                f"{item['action']['S']} {checksum}"
            )
        return lines


def escaped(text: str) -> str:
    """A name from the volume, harmless to the terminal's markup and control sequences."""
    printable = "".join(
        character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text
    )
    return printable.replace("[", "\\[")
