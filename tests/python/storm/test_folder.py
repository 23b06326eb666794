from __future__ import annotations

import hashlib
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from fsxn_runtime.errors import RejectedError
from fsxn_runtime.storm import Act, Action, Folder, Storm, acts, mount_protocol, perform

MOUNTS = """\
/dev/vda / ext4 rw,relatime 0 0
198.51.100.7:/vol1 /mnt/vol1 nfs4 rw,vers=4.1,hard,proto=tcp 0 0
198.51.100.7:/vol2 /mnt/vol2 nfs4 rw,vers=4.2,hard,proto=tcp 0 0
198.51.100.7:/vol3 /mnt/with\\040blank nfs rw,vers=3,hard 0 0
//fs1/share /mnt/share cifs rw,vers=3.1.1,username=x 0 0
"""


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_storm_is_really_there_and_the_ledger_says_so(tmp_path: Path):
    root, ledger = tmp_path / "vol1", tmp_path / "ledger.jsonl"
    root.mkdir()
    with Folder(root, "/vol1", "NFS 4.1", ledger) as folder:
        perform(acts(Storm(500, seed=3)), folder, 0)
        folder.finish()

    found = rows(ledger)
    operations = [row for row in found if row["kind"] == "operation"]
    assert len(operations) == 500
    assert {row["time_source"] for row in operations} == {"client"}
    monitored = Counter(row["operation"] for row in operations if row["monitored"])
    assert set(monitored) == {"NFS_CREAT", "NFS_REN", "NFS_DEL"}
    assert found[0] == {"kind": "scope", "path": "/vol1/storm"}
    files = {row["path"]: row["sha256"] for row in found if row["kind"] == "file"}
    there = {
        f"/vol1/{path.relative_to(root)}": hashlib.sha256(path.read_bytes()).hexdigest()
        for path in root.rglob("*")
        if path.is_file()
    }
    assert files == there
    assert len(there) > 50


def test_a_folder_that_is_there_already_stops_the_storm_with_one_clear_line(tmp_path: Path):
    (tmp_path / "storm").mkdir()
    with (
        Folder(tmp_path, "/vol1", "SMB 3.1", tmp_path / "ledger.jsonl") as folder,
        pytest.raises(RejectedError, match="mkdir /storm: File exists"),
    ):
        folder.perform([Act(Action.MKDIR, "/storm", "SMB 3.1", "192.0.2.1")])


def test_a_ledger_is_never_continued(tmp_path: Path):
    (tmp_path / "ledger.jsonl").write_text("")
    with pytest.raises(RejectedError, match="File exists"):
        Folder(tmp_path, "/vol1", "NFS 3.0", tmp_path / "ledger.jsonl")


@pytest.mark.parametrize(
    ("folder", "protocol"),
    [
        ("/tmp/x", "local"),
        ("/mnt/vol1/a/b", "NFS 4.1"),
        ("/mnt/with blank", "NFS 3.0"),
        ("/mnt/share", "SMB 3.1.1"),
    ],
)
def test_the_protocol_of_the_mount_is_found(folder: str, protocol: str):
    assert mount_protocol(Path(folder), MOUNTS) == protocol


def test_a_mount_that_fpolicy_does_not_see_is_refused():
    with pytest.raises(RejectedError, match=r"NFS 4\.2, whose clients FPolicy does not see"):
        mount_protocol(Path("/mnt/vol2/storm"), MOUNTS)
