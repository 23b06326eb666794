"""A server, its queue and its counters in one event loop, with nodes to connect over real sockets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from fpolicy_server import statistics
from fpolicy_server.server import Server
from fpolicy_server.settings import Settings
from fpolicy_server.statistics import Statistics
from fpolicy_server.tls import TlsKeeper
from fpolicy_server.volume_keeper import VolumeKeeper
from fsxn_runtime.edge.clock import now_us
from fsxn_runtime.edge.log import logger

from tests.server.frames import MSID, SVM_UUID, golden, handshake
from tests.server.process import free_port
from tests.support.queue_double import QueueDouble

VOLUME_MAP = {
    "schema_version": "1.0",
    "svms": {SVM_UUID: {"name": "svm1", "volumes": {str(MSID): {"name": "vol1", "junction_path": "/vol1"}}}},
}


class Bench:
    """A server, its queue and its counters, and nodes to connect."""

    def __init__(self, queue: QueueDouble, **settings: str) -> None:
        self.port = free_port()
        self.queue, self.quarantine, self.counters = queue, QueueDouble(), Statistics()
        self._writers: list[asyncio.StreamWriter] = []
        self.volumes = VolumeKeeper(
            lambda: json.dumps(VOLUME_MAP).encode(), 3600, lambda: None, logger("test")
        )
        read = Settings.from_env(
            {
                "SQS_QUEUE_URL": "https://queue",
                "FPOLICY_QUARANTINE_URL": "https://quarantine",
                "FPOLICY_LISTEN": f"127.0.0.1:{self.port}",
                "FPOLICY_BATCH_LINGER_MS": "1",
                "FPOLICY_DRAIN_IDLE_MS": "50",
                "FPOLICY_SHUTDOWN_DEADLINE_SECONDS": "5",
                **settings,
            }
        )
        self.server = Server(
            read,
            self.queue,
            self.quarantine,
            self.volumes,
            TlsKeeper(read.tls, lambda: self.counters.count(statistics.CERTIFICATE_FAILURES), logger("test")),
            self.counters,
            now_us,
            logger("test"),
        )

    async def connect(
        self, first: bytes = b"", port: int = 0
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect a node and send its first bytes."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port or self.port)
        self._writers.append(writer)
        writer.write(first)
        return reader, writer

    async def node(self, port: int = 0) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect a node and do its handshake."""
        reader, writer = await self.connect(handshake(), port)
        assert await reader.readexactly(356) == golden("handshake_response")
        return reader, writer

    def paths(self) -> list[str]:
        """The paths that the queue accepted."""
        return [json.loads(body)["file_path"] for body in self.queue.accepted]

    async def until(self, condition: Callable[[], object]) -> None:
        """Let the loop run until the condition holds."""
        async with asyncio.timeout(20):
            while not condition():
                await asyncio.sleep(0.005)

    async def end(self) -> None:
        """Drain, and close what the test left open."""
        await self.server.drain()
        for writer in self._writers:
            writer.close()
        for writer in self._writers:
            try:
                await writer.wait_closed()
            except OSError:
                pass  # cut on purpose


@asynccontextmanager
async def bench(queue: QueueDouble | None = None, **settings: str) -> AsyncIterator[Bench]:
    """A server that listens, and is drained at the end."""
    running = Bench(queue or QueueDouble(), **settings)
    await running.volumes.refresh()
    running.server.listen()
    ticking = asyncio.create_task(running.server.tick())
    try:
        yield running
    finally:
        ticking.cancel()
        await running.end()


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    """Run a scenario with a time limit."""

    async def bounded() -> None:
        async with asyncio.timeout(40):
            await scenario()

    asyncio.run(bounded())
