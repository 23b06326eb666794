"""What the laboratory refuses before it starts anything."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from rich.console import Console

from lab.demo.live import watch
from lab.world import WorldError, check_packages


def make_zip(folder: Path, content: bytes) -> None:
    (folder / "route.zip").write_bytes(content)
    entry = {"file": "route.zip", "sha256": hashlib.sha256(b"built").hexdigest()}
    (folder / "manifest.json").write_text(json.dumps({"route": entry}))


def test_zips_as_built_are_accepted(tmp_path: Path):
    make_zip(tmp_path, b"built")
    check_packages(tmp_path)


@pytest.mark.parametrize("gone", ["manifest.json", "route.zip"])
def test_a_missing_zip_or_manifest_names_the_command_that_makes_it(tmp_path: Path, gone: str):
    make_zip(tmp_path, b"built")
    (tmp_path / gone).unlink()
    with pytest.raises(WorldError, match=f"{gone} is missing: run make package-lambdas"):
        check_packages(tmp_path)


def test_a_zip_that_was_changed_is_refused(tmp_path: Path):
    make_zip(tmp_path, b"changed")
    with pytest.raises(WorldError, match=r"route\.zip is not what was built"):
        check_packages(tmp_path)


def test_a_folder_with_files_in_it_is_never_taken_for_the_live_volume(tmp_path: Path):
    """It would be removed at the end."""
    volume = tmp_path / "lab-volume"
    volume.mkdir()
    (volume / "precious.txt").write_text("mine")
    with pytest.raises(WorldError, match="is not empty"):
        watch(Console(), tmp_path / "build", volume)
    assert (volume / "precious.txt").exists()
