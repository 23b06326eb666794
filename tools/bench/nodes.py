"""What the nodes send: frames of the simulator's own encoder, made before the clock starts."""

from __future__ import annotations

import socket
import time
from pathlib import Path
from typing import Final

from lab.ontap_sim import wire
from lab.ontap_sim.dialect import Dialect
from lab.ontap_sim.model import Client, Operation, Protocol, Svm, Volume

SVM_UUID: Final = "5d1f0c1e-4b7a-11ee-9b2a-0242ac120001"
MSID: Final = 2147484674
VOLUME: Final = Volume(
    Svm("svm1", SVM_UUID, "SVM1"),
    "projects",
    "vol-uuid",
    MSID,
    "/projects",
    Path("/nowhere"),
    "share",
    1 << 40,
)
VOLUME_MAP: Final = (
    f'{{"schema_version": "1.0", "svms": {{"{SVM_UUID}": {{"name": "svm1", "volumes":'
    f' {{"{MSID}": {{"name": "projects", "junction_path": "/projects"}}}}}}}}}}'
)


def notification(number: int, name: str, dialect: Dialect = wire) -> bytes:
    """One frame: an NFS create of a file a few folders deep."""
    return dialect.screen(
        Operation(
            code="NFS_CREAT",
            time_us=time.time_ns() // 1000,
            volume=VOLUME,
            protocol=Protocol("NFS", 3, 0),
            client=Client(),
            path=f"/legal/2026/contracts/{name}",
        ),
        number,
        time_us=time.time_ns() // 1000,
        version="1.2",
        namespace_paths=False,
    )


def connect(port: int, number: int) -> socket.socket:
    """Open a session, as a node does."""
    sock = socket.create_connection(("127.0.0.1", port), timeout=60)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.sendall(wire.handshake(SVM_UUID, "bench", f"session-{number}", ("1.2",)))
    assert b"NEGO_RESP" in sock.recv(4096)
    return sock
