from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

import pytest
from fpolicy_server.delivery.spool.errors import SpoolLostError
from fpolicy_server.delivery.spool.folder import (
    LEASE_SECONDS,
    Directory,
    Folder,
    Owner,
    read_lease,
)
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule


def die(folder: Folder) -> None:
    """What is left of an owner that was killed: its lock is free, everything else as it was."""
    os.close(folder._lock)


def adopted(directory: Directory, now: float) -> list[Folder]:
    folders, failures = directory.adopt(now)
    assert failures == []
    return folders


def test_the_folder_of_a_killed_neighbour_is_adopted_at_once(tmp_path: Path) -> None:
    folder = Directory(tmp_path, Owner("a", "kernel-1")).make()
    (folder.path / "spool.sqlite").write_text("events")
    heir = Directory(tmp_path, Owner("b", "kernel-1"))
    assert adopted(heir, 0.0) == []  # it lives
    die(folder)
    (mine,) = adopted(heir, 0.0)
    assert mine.file.read_text() == "events"
    assert mine.path.name.startswith("task-b-")
    assert not folder.path.exists()
    assert adopted(heir, 1000.0) == []
    mine.remove()
    assert list(tmp_path.iterdir()) == []


def test_on_another_host_a_free_lock_is_not_enough(tmp_path: Path) -> None:
    """The lease must stand still by the watcher's clock; each beat begins the wait anew."""
    folder = Directory(tmp_path, Owner("a", "kernel-1")).make()
    die(folder)
    heir = Directory(tmp_path, Owner("b", "kernel-2"))
    assert adopted(heir, 100.0) == []
    assert adopted(heir, 100.0 + LEASE_SECONDS - 1) == []
    folder.beat()
    assert adopted(heir, 100.0 + LEASE_SECONDS) == []
    assert adopted(heir, 100.0 + 2 * LEASE_SECONDS - 1) == []
    (mine,) = adopted(heir, 100.0 + 2 * LEASE_SECONDS)
    mine.release()


def test_a_lease_that_stands_still_is_not_enough_while_the_lock_is_held(tmp_path: Path) -> None:
    folder = Directory(tmp_path, Owner("a", "kernel-1")).make()
    heir = Directory(tmp_path, Owner("b", "kernel-2"))
    adopted(heir, 0.0)
    assert adopted(heir, 10 * LEASE_SECONDS) == []
    folder.remove()


def test_a_released_folder_is_adopted_at_once_on_any_host(tmp_path: Path) -> None:
    Directory(tmp_path, Owner("a", "kernel-1")).make().release()
    (mine,) = adopted(Directory(tmp_path, Owner("b", "kernel-2")), 0.0)
    mine.release()


def test_an_owner_that_was_thought_dead_finds_out_with_its_next_beat(tmp_path: Path) -> None:
    """As on a file system that does not share locks: the owner stood still and its folder was adopted."""
    folder = Directory(tmp_path, Owner("a", "kernel-1")).make()
    die(folder)
    heir = Directory(tmp_path, Owner("b", "kernel-2"))
    adopted(heir, 0.0)
    (mine,) = adopted(heir, LEASE_SECONDS)
    with pytest.raises(SpoolLostError):
        folder.beat()
    mine.beat()
    mine.release()


@pytest.mark.parametrize("content", [b"", b"[]", b"\xff", b'{"owner": 1}'])
def test_a_lease_that_cannot_be_understood_names_nobody(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "lease").write_bytes(content)
    lease = read_lease(tmp_path)
    assert lease is not None
    assert (lease.owner, lease.kernel) == ("", "")


def test_the_half_made_and_the_set_aside_are_nobodys(tmp_path: Path) -> None:
    directory = Directory(tmp_path, Owner("a", "kernel-1"))
    place = directory.make().set_aside("damaged")
    assert place.name.startswith("set-aside-damaged-task-a-")
    (tmp_path / ".new-task-c-1").mkdir()
    (tmp_path / "notes.txt").write_text("of a person")
    assert adopted(Directory(tmp_path, Owner("b", "kernel-1")), 0.0) == []


def test_a_process_names_itself_so_that_no_other_has_the_name() -> None:
    here = Owner.here()
    assert str(os.getpid()) in here.name
    assert here.name != Owner.here().name
    assert json.dumps(here.kernel)


class Owners(RuleBasedStateMachine):
    """Several processes on two hosts, killed at any time, share a directory.

    The model: who owns which folder (by inode), and which folders nobody living owns. Nothing is adopted
    while its owner lives, nothing has two owners, and nothing is left behind once all leases have run out.
    """

    def __init__(self) -> None:
        super().__init__()
        self.root = tempfile.TemporaryDirectory()
        self.now = 0.0
        self.count = 0
        self.processes: dict[str, Directory] = {}
        self.owned: dict[str, list[Folder]] = {}
        self.inodes: set[int] = set()

    @rule(kernel=st.sampled_from(["kernel-1", "kernel-2"]))
    @precondition(lambda self: len(self.processes) < 4)
    def start(self, kernel: str) -> None:
        self.count += 1
        name = f"p{self.count}"
        self.processes[name] = Directory(Path(self.root.name), Owner(name, kernel))
        folder = self.processes[name].make()
        self.owned[name] = [folder]
        self.inodes.add(folder.path.stat().st_ino)

    @rule(data=st.data())
    @precondition(lambda self: self.processes)
    def kill(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.processes)))
        del self.processes[name]
        for folder in self.owned.pop(name):
            die(folder)

    @rule(data=st.data())
    @precondition(lambda self: self.processes)
    def release(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.processes)))
        del self.processes[name]
        for folder in self.owned.pop(name):
            folder.release()

    @rule(data=st.data(), passed=st.floats(0, 2 * LEASE_SECONDS))
    @precondition(lambda self: self.processes)
    def adopt(self, data: st.DataObject, passed: float) -> None:
        """Time passes, the living beat, and one of them looks."""
        self.now += passed
        for folders in self.owned.values():
            for folder in folders:
                folder.beat()
        name = data.draw(st.sampled_from(sorted(self.processes)))
        self.owned[name] += adopted(self.processes[name], self.now)

    @rule()
    @precondition(lambda self: self.processes)
    def everybody_looks_until_all_leases_are_over(self) -> None:
        for _ in range(3):
            self.now += LEASE_SECONDS
            for name, directory in self.processes.items():
                for folder in self.owned[name]:
                    folder.beat()
                self.owned[name] += adopted(directory, self.now)
        assert {inode for _, inode in self.owners()} == self.inodes

    def owners(self) -> list[tuple[str, int]]:
        return [
            (name, folder.path.stat().st_ino) for name, folders in self.owned.items() for folder in folders
        ]

    @invariant()
    def no_folder_has_two_owners(self) -> None:
        inodes = [inode for _, inode in self.owners()]
        assert len(inodes) == len(set(inodes))

    @invariant()
    def no_folder_vanishes(self) -> None:
        assert {path.stat().st_ino for path in Path(self.root.name).iterdir()} == self.inodes

    def teardown(self) -> None:
        for folders in self.owned.values():
            for folder in folders:
                die(folder)
        self.root.cleanup()


Owners.TestCase.settings = settings(max_examples=30, stateful_step_count=25, deadline=None)
TestOwners = Owners.TestCase
