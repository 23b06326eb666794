"""A volume performs operations, and reports those of other programs, each once."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.ontap_sim.clock import Clock
from lab.ontap_sim.model import Client, Operation, Protocol, SimError, Svm, Volume
from lab.ontap_sim.requests import ATTRIBUTES, Request, parse
from lab.ontap_sim.volume import VolumeContent

NFS3 = Protocol("NFS", 3, 0)


def content_of(directory: Path, window: float = 1.0) -> VolumeContent:
    volume = Volume(Svm("svm1", "u", "FS1"), "vol1", "u", 1, "/vol1", directory, "vol1", 1 << 40)
    return VolumeContent(volume, Clock(), Client(), NFS3, window, lambda _: None)


@pytest.fixture
def content(tmp_path: Path) -> VolumeContent:
    return content_of(tmp_path / "vol1")


def short(operations: list[Operation]) -> list[tuple[str, ...]]:
    return [(item.code, item.path, *([item.target] if item.target else [])) for item in operations]


def asked(op: str, path: str, protocol: str = "SMB 3.1", **more: object) -> Request:
    return parse({"op": op, "path": path, "protocol": protocol, **more}, Client(), NFS3, "vol1")


def test_a_client_operation_happens_on_disk_and_is_not_found_again(content: VolumeContent) -> None:
    wanted = [
        asked("create", "/legal/a.txt"),
        asked("write", "/legal/a.txt", text="hello"),
        asked("close", "/legal/a.txt"),
        asked("rename", "/legal/a.txt", target="/b.txt"),
        asked("rename_dir", "/legal", target="/old"),
        asked("delete", "/b.txt"),
        asked("rmdir", "/old"),
    ]
    done = [operation for request in wanted for operation in content.perform(request)]
    assert short(done) == [
        ("SMB_CREAT_DIR", "/legal"),
        ("SMB_CREAT", "/legal/a.txt"),
        ("SMB_WR", "/legal/a.txt"),
        ("SMB_CLOSE", "/legal/a.txt"),
        ("SMB_REN", "/legal/a.txt", "/b.txt"),
        ("SMB_REN_DIR", "/legal", "/old"),
        ("SMB_DEL", "/b.txt"),
        ("SMB_DEL_DIR", "/old"),
    ]
    assert content.scan() == []
    assert list(content.location("/x").parent.iterdir()) == []


def test_times_of_operations_are_unique_and_increase(content: VolumeContent) -> None:
    done = [content.perform(asked("create", f"/{n}"))[0] for n in range(500)]
    times = [operation.time_us for operation in done]
    assert times == sorted(set(times))


def test_a_write_says_where_and_how_much_and_whether_it_is_the_first(content: VolumeContent) -> None:
    content.perform(asked("create", "/a"))
    (first,) = content.perform(asked("write", "/a", length=10))
    (second,) = content.perform(asked("write", "/a", length=5))
    (third,) = content.perform(asked("write", "/a", length=5, offset=0))
    assert (first.offset, first.length, first.traits) == (0, 10, {"first_write", "write_with_size_change"})
    assert (second.offset, second.length, second.traits) == (10, 5, {"write_with_size_change"})
    assert (third.offset, third.size_before, third.traits) == (0, 15, set())


def test_a_close_says_whether_the_file_was_modified(content: VolumeContent) -> None:
    content.perform(asked("create", "/a"))
    assert content.perform(asked("close", "/a"))[0].traits == {"close_without_modification"}
    content.perform(asked("write", "/a", length=1))
    assert content.perform(asked("close", "/a"))[0].traits == {"close_with_modification"}
    content.perform(asked("open", "/a"))
    (read,) = content.perform(asked("read", "/a", length=9))
    assert (read.code, read.offset, read.length, read.traits) == ("SMB_RD", 0, 1, {"first_read"})
    assert content.perform(asked("read", "/a", length=9))[0].traits == set()
    closed = content.perform(asked("close", "/a"))[0].traits
    assert closed == {"close_without_modification", "close_with_read"}


def test_operations_that_change_no_content_are_performed_and_not_found_again(content: VolumeContent) -> None:
    content.perform(asked("create", "/a"))
    for attribute in ATTRIBUTES:
        (changed,) = content.perform(asked("setattr", "/a", attribute=attribute))
        assert changed.traits == {f"setattr_with_{attribute}_change"}
    (lookup,) = content.perform(asked("lookup", "/a", protocol="NFS 3.0"))
    (getattr_,) = content.perform(asked("getattr", "/a"))
    assert (lookup.code, getattr_.code) == ("NFS_LOOKUP", "SMB_GET_ATTR")
    (linked,) = content.perform(asked("link", "/a", target="/b", protocol="NFS 3.0"))
    assert (linked.code, linked.target, linked.changed_paths) == ("NFS_LNK", "/b", ("/b",))
    assert content.scan() == []


@pytest.mark.parametrize(
    "bad",
    [
        ("write", "/missing", {}),
        ("delete", "/dir", {}),
        ("rmdir", "/dir", {}),
        ("create", "/dir/file", {}),
        ("rename", "/dir/file", {"target": "/dir"}),
        ("close", "/dir/file", {"protocol": "NFS 3.0"}),
    ],
)
def test_what_cannot_be_done_is_refused_and_changes_nothing(
    content: VolumeContent, bad: tuple[str, str, dict[str, str]]
) -> None:
    content.perform(asked("create", "/dir/file"))
    with pytest.raises(SimError):
        content.perform(asked(bad[0], bad[1], **bad[2]))
    assert content.scan() == []


@pytest.mark.parametrize("path", ["a", "/../a", "/a//b", "/", 7, None])
def test_a_path_that_leaves_the_volume_is_refused(path: object) -> None:
    with pytest.raises(SimError, match="path is"):
        parse({"op": "create", "path": path}, Client(), NFS3, "vol1")


def write(path: Path, text: str) -> None:
    path.write_text(text)


FOUND: dict[str, tuple[Callable[[Path], object], list[tuple[str, ...]]]] = {
    "a new empty file": (lambda root: (root / "n").touch(), [("NFS_CREAT", "/n")]),
    "a new file with content": (
        lambda root: write(root / "n", "x"),
        [("NFS_CREAT", "/n"), ("NFS_WR", "/n")],
    ),
    "a longer file": (lambda root: write(root / "dir/file", "longer"), [("NFS_WR", "/dir/file")]),
    "a renamed file": (
        lambda root: (root / "dir/file").rename(root / "new"),
        [("NFS_REN", "/dir/file", "/new")],
    ),
    "a renamed folder": (lambda root: (root / "dir").rename(root / "d2"), [("NFS_REN_DIR", "/dir", "/d2")]),
    "a renamed folder whose file is renamed too": (
        lambda root: (root / "dir/file").rename(root / "dir/new") and (root / "dir").rename(root / "d2"),
        [("NFS_REN_DIR", "/dir", "/d2"), ("NFS_REN", "/d2/file", "/d2/new")],
    ),
    "a file put over another": (
        lambda root: (root / "other").rename(root / "dir/file"),
        [("NFS_REN", "/other", "/dir/file")],
    ),
    "a file renamed and changed": (
        lambda root: write((root / "dir/file").rename(root / "new"), "22"),
        [("NFS_DEL", "/dir/file"), ("NFS_CREAT", "/new"), ("NFS_WR", "/new")],
    ),
    "a deleted file": (lambda root: (root / "other").unlink(), [("NFS_DEL", "/other")]),
    "a deleted tree": (
        lambda root: shutil.rmtree(root / "dir"),
        [("NFS_DEL", "/dir/file"), ("NFS_DEL_DIR", "/dir")],
    ),
    "a new tree": (
        lambda root: shutil.copytree(root / "dir", root / "copy"),
        [("NFS_CREAT_DIR", "/copy"), ("NFS_CREAT", "/copy/file"), ("NFS_WR", "/copy/file")],
    ),
    "a touched empty file": (lambda root: os.utime(root / "other"), [("NFS_SET_ATTR", "/other")]),
    "a link is not served": (lambda root: (root / "link").symlink_to(root / "other"), []),
}


@pytest.mark.parametrize("case", FOUND)
def test_what_another_program_did_is_found_once(content: VolumeContent, case: str, tmp_path: Path) -> None:
    content.perform(asked("create", "/dir/file"))
    content.perform(asked("write", "/dir/file", text="1"))
    content.perform(asked("create", "/other"))
    act, expected = FOUND[case]
    act(tmp_path / "vol1")
    assert short(content.scan()) == expected
    assert content.scan() == []


def test_what_is_there_at_the_start_is_not_reported(tmp_path: Path) -> None:
    (tmp_path / "vol1/dir").mkdir(parents=True)
    (tmp_path / "vol1/dir/file").touch()
    assert content_of(tmp_path / "vol1").scan() == []


@given(seed=st.integers(0, 10_000))
def test_after_any_changes_the_table_is_what_is_there(
    seed: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Random changes by another program, looked at now and then: replaying what was found gives the tree."""
    root = tmp_path_factory.mktemp("vol")
    content, rng = content_of(root), random.Random(seed)
    told: set[str] = set()
    for _ in range(12):
        for _ in range(rng.randrange(4)):
            disturb(root, rng)
        for operation in content.scan():
            replay(told, operation)
    assert told == {f"/{path.relative_to(root)}" for path in root.rglob("*")}


def disturb(root: Path, rng: random.Random) -> None:
    places = [root, *(path for path in root.rglob("*") if path.is_dir())]
    things = list(root.rglob("*"))
    new = rng.choice(places) / rng.choice("abcde")
    old = rng.choice(things) if things else None
    match rng.randrange(5):
        case 0 if not new.exists():
            new.mkdir()
        case 1 if not new.is_dir():
            new.write_bytes(rng.randbytes(rng.randrange(3)))
        case 2 if old and not new.exists() and old not in new.parents:
            old.rename(new)
        case 3 if old and old.is_file():
            old.unlink()
        case 4 if old and old.is_dir():
            shutil.rmtree(old)


def replay(told: set[str], operation: Operation) -> None:
    kind = operation.code.removeprefix("NFS_")
    if kind.startswith("CREAT"):
        assert operation.path not in told
        told.add(operation.path)
    elif kind.startswith("DEL"):
        told.remove(operation.path)
    elif kind.startswith("REN"):
        assert operation.target is not None
        moved = {path for path in told if path == operation.path or path.startswith(f"{operation.path}/")}
        assert moved
        told -= moved
        told |= {operation.target + path[len(operation.path) :] for path in moved}
    else:
        assert operation.path in told
