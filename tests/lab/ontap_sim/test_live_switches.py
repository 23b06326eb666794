"""Switches that change while the simulator runs, and what the ledger says while a policy is disabled."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lab.ontap_sim.client import SimClientError
from tests.lab.ontap_sim.conftest import World
from tests.lab.ontap_sim.fake_server import FakeServer, unix_path
from tests.support.waiting import wait_until

Start = Callable[..., World]


def test_the_replay_order_can_change_while_a_store_holds_a_backlog(start: Start, server: FakeServer) -> None:
    """Five files without a server; from `in_order` to `documented`; then they are replayed as 3 1 2 5 4."""
    world = start(replay_order="in_order", node_spread="file")
    world.client.configure_fpolicy("svm1", ["127.0.0.9"], 1)  # nobody is there
    world.client.switch(replay_order="documented")
    same_node = one_node(world, 5)
    wait_until(lambda: world.client.status()["stored_backlog"] >= 5)
    world.connect(server)
    world.client.wait_idle(replayed=True)
    wait_until(lambda: {unix_path(payload) for payload in server.notifications} >= set(same_node))
    order = [path for path in map(unix_path, server.notifications) if path in same_node]
    assert [same_node.index(path) + 1 for path in order] == [3, 1, 2, 5, 4]


def one_node(world: World, count: int) -> list[str]:
    """Create files until one node has stored `count`; those of that node, oldest first."""
    by_node: dict[int, list[str]] = {}
    for number in range(10 * count):
        (row,) = world.create(f"/f{number:02}")
        wait_until(lambda seq=row["seq"]: bool(world.rows("notification", seq=seq)))
        (stored,) = world.rows("notification", seq=row["seq"])
        paths = by_node.setdefault(stored["node"], [])
        paths.append(f"/f{number:02}")
        if len(paths) == count:
            return paths
    raise AssertionError(f"no node got {count} of {10 * count} files")


def test_a_switch_that_cannot_change_or_has_another_value_is_refused(start: Start) -> None:
    world = start()
    with pytest.raises(SimClientError, match=r"unknown.*path_root"):
        world.client.switch(path_root="namespace")
    with pytest.raises(SimClientError, match="replay_order is 'backwards'; allowed: shuffle"):
        world.client.switch(replay_order="backwards")


def test_an_operation_that_only_a_disabled_policy_wants_is_missed(start: Start, server: FakeServer) -> None:
    """Seen by the policy; disabled: missed; a second policy of the same scope: seen again."""
    world = start()
    world.connect(server)
    world.create("/seen")
    world.client.disable_fpolicy("svm1")
    world.create("/missed")
    world.client.operations([{"op": "mkdir", "path": "/nobody-asks", "protocol": "NFS 3.0"}])
    world.connect(server, store=None, policy="guard", engine="guard", priority=2)
    world.create("/guarded")
    rows = {row["path"]: (row["monitored"], row["missed"]) for row in world.rows("operation")}
    assert rows == {
        "/vol1/seen": (True, False),
        "/vol1/missed": (False, True),
        "/vol1/nobody-asks": (False, False),
        "/vol1/guarded": (True, False),
    }
