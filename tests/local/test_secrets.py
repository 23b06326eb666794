"""No secret that the laboratory knows is in anything that it wrote: logs, files, Terraform's state."""

from __future__ import annotations

import pytest

from lab.secret_scan import places, scan, secrets
from lab.world import World

pytestmark = [pytest.mark.local, pytest.mark.xdist_group("local")]


def test_no_secret_is_in_anything_that_was_written(world: World) -> None:
    known = secrets(world)
    assert len(known) >= 3  # those two that it began with, and what the rotation made
    everything = list(places(world))
    names = {name for name, _ in everything}
    assert any(name.startswith("tasks/") for name in names)
    assert any("rotate" in name for name in names)
    assert any(name.endswith(".tfstate") for name in names)
    assert scan(known, everything) == []
    # That the scan reads what it says: a name that is no secret is in many places.
    assert len(scan({"the path": "content-inventory"}, everything)) > 3
