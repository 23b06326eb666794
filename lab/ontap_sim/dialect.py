"""What a node needs of an engine's format: the messages it sends, and a way to read the server's.

The module `wire` is this for XML, an object of `protobuf_wire` for protobuf.
"""

from __future__ import annotations

from typing import Protocol

from lab.ontap_sim.model import Operation
from lab.ontap_sim.wire import Message


class Reader(Protocol):
    """Cuts the server's byte stream into payloads."""

    def feed(self, data: bytes) -> list[bytes]:
        """Add received bytes and return the payloads that are complete now. Raises WireError."""


class Dialect(Protocol):
    """Writes a node's messages with their frames, and reads the server's."""

    def handshake(self, svm_uuid: str, policy: str, session_id: str, versions: tuple[str, ...]) -> bytes:
        """Build NEGO_REQ."""

    def keep_alive(self) -> bytes:
        """Build KEEP_ALIVE."""

    def alert(self, session_id: str, text: str) -> bytes:
        """Build a fatal ALERT_MSG."""

    def cancel(self, request_id: int, code: str) -> bytes:
        """Build SCREEN_CANCEL."""

    def status_query(self, request_id: int, code: str) -> bytes:
        """Build STATUS_QUERY_REQ."""

    def screen(
        self,
        operation: Operation,
        request_id: int,
        *,
        time_us: int | None,
        version: str,
        namespace_paths: bool,
    ) -> bytes:
        """Build SCREEN_REQ."""

    def reader(self) -> Reader:
        """Make what cuts one stream."""

    def parse(self, payload: bytes) -> Message:
        """Read one message of the server. Raises WireError."""
