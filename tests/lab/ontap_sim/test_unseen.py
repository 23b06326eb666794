"""What FPolicy does not see: clients of NFSv4.2, and operations through the volume's S3 access point."""

from __future__ import annotations

from collections.abc import Callable

from tests.lab.ontap_sim.conftest import World
from tests.lab.ontap_sim.fake_server import FakeServer, unix_path
from tests.support.waiting import wait_until

Start = Callable[..., World]


def test_operations_by_nfs_4_2_and_s3_raise_neither_notification_nor_error(
    start: Start, server: FakeServer
) -> None:
    world = start()
    world.connect(server)
    for protocol in ("NFS 4.2", "S3", "NFS 4.1"):
        world.create(f"/{protocol[-1]}", protocol=protocol)
    wait_until(lambda: [unix_path(item) for item in server.notifications] == ["/1"])
    assert [row["monitored"] for row in world.rows("operation")] == [False, False, True]
    assert len(world.rows("notification")) == 1


def test_a_policy_may_hear_of_reads_and_attributes(start: Start, server: FakeServer) -> None:
    kinds = ("open", "read", "setattr", "getattr", "close")
    event = {"name": "ev", "protocol": "nfsv4", "file_operations": dict.fromkeys(kinds, True)}
    world = start()
    world.connect(server, events=[event])
    world.create("/a")
    done = [{"op": kind, "path": "/a", "protocol": "NFS 4.1"} for kind in kinds]
    world.client.operations(done)
    wait_until(
        lambda: (
            sorted(code for code, _ in server.paths())
            == ["NFS_CLOSE", "NFS_GET_ATTR", "NFS_OPEN", "NFS_RD", "NFS_SET_ATTR"]
        )
    )
