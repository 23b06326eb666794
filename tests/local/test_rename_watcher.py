"""From a rename in the volume to the message that people get; an ordinary rename starts nothing."""

from __future__ import annotations

import json

import pytest

from lab.inbox import Inbox
from lab.world import World
from tests.support.local import lineage, recorded

pytestmark = [pytest.mark.local, pytest.mark.xdist_group("local")]


def watched(world: World, path: str) -> list[str]:
    """What the watcher made of the renames of a file."""
    return [record["reason"] for record in lineage(world, path) if record["uc_id"] == "rename-watcher"]


def test_renames_to_a_listed_extension_are_told_once_and_all_recorded(world: World):
    folder = world.volume / "ransom"
    folder.mkdir()
    names = ["a.pdf", "b.pdf", "c.pdf"]
    plain = "/vol1/ransom/plain.pdf"
    for name in [*names, "plain.pdf"]:
        (folder / name).write_text(name)
    # A file that is renamed before the simulator has seen it is one that was made under its new name.
    paths = [f"/vol1/ransom/{name}" for name in names]
    world.wait(lambda: all(recorded(world, path) for path in [*paths, plain]), 60, "their records")
    with Inbox(world.emulator, world.outputs["rename_watcher"]["topic_arn"]) as inbox:
        (folder / "plain.pdf").rename(folder / "still-plain.pdf")
        for name in names:
            (folder / name).rename(folder / f"{name}.LOCKED")
        world.wait(lambda: all(watched(world, path) for path in paths), 60, "the records of three renames")
        world.wait(lambda: inbox.found("known ransomware"), 10, "the message")
        (told,) = map(json.loads, inbox.found("known ransomware"))
    assert sorted(reason for path in paths for reason in watched(world, path)) == ["held", "held", "told"]
    assert watched(world, told["file_path"]) == ["told"]
    world.wait(lambda: recorded(world, plain) == 2, 30, "the content inventory's record of the other rename")
    assert watched(world, plain) == []
