"""What cannot be understood is put aside with its reason and holds up nobody."""

from __future__ import annotations

import json
import socket

import pytest
import urllib3

from lab.premises import SVM
from lab.world import World
from tests.support.local import receive_all, recorded

pytestmark = [pytest.mark.local, pytest.mark.xdist_group("local")]

FPOLICY_PORT, HEALTH_PORT = 9898, 9899  # the server's defaults


def test_a_poison_message_ends_in_quarantine_with_its_reason_and_blocks_nobody(world: World):
    """Three poisons and a real file at once: the file is processed, each poison is kept with a reason."""
    poisons = {"{": "not_json", "[]": "not_an_object", json.dumps({"schema_version": "1.0"}): "wrong_schema"}
    for body in poisons:
        world.client("sqs").send_message(QueueUrl=world.queues["ingestion"], MessageBody=body)
    (world.volume / "beside-poison.txt").write_text("fine")
    world.wait(lambda: recorded(world, "/vol1/beside-poison.txt") == 1, 30, "the file beside the poison")
    quarantine = world.queues["quarantine"]
    world.wait(lambda: world.depth(quarantine) == len(poisons), 30, "the poison in quarantine")
    kept = {
        message["Body"]: message["MessageAttributes"]["reason"]["StringValue"]
        for message in receive_all(world, quarantine)
    }
    assert set(kept.values()) == set(poisons.values())
    assert world.depth(world.queues["ingestion dead letters"]) == 0


def test_a_malformed_frame_closes_only_its_own_connection_and_is_counted(world: World):
    (task,) = world.runner.tasks(world.service)
    before = malformed_frames(task.address)
    with socket.create_connection((task.address, FPOLICY_PORT), timeout=10) as stranger:
        stranger.sendall(b'"' + b"\xff" * 50)
        stranger.settimeout(10)
        try:
            answer = stranger.recv(1)
        except ConnectionResetError:
            answer = b""
        assert answer == b""
    world.wait(lambda: malformed_frames(task.address) == before + 1, 10, "the malformed frame's count")
    assert {record["state"] for record in world.sim.connections(SVM)} == {"connected"}
    (world.volume / "after-malformed.txt").write_text("fine")
    world.wait(lambda: recorded(world, "/vol1/after-malformed.txt") == 1, 30, "a file after the frame")


def malformed_frames(address: str) -> float:
    """Sum the server's counter over its reasons."""
    with urllib3.PoolManager(retries=False, timeout=10) as pool:
        text = pool.request("GET", f"http://{address}:{HEALTH_PORT}/metrics").data.decode()
    lines = [line for line in text.splitlines() if "malformed" in line.lower() and not line.startswith("#")]
    return sum(float(line.rpartition(" ")[2]) for line in lines)
