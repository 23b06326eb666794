"""A fast SQS in a process of its own: accepts, counts, notes when events arrived. For the router a fast bus.

Speaks SendMessageBatch and PutEvents in the JSON protocol, one answer per request. `GET /` gives what arrived
since the last `DELETE /`; `PUT /refuse` and `PUT /accept` say what becomes of calls. Prints its port.
"""

from __future__ import annotations

import asyncio
import re
import time
from typing import Any, Final, cast

import orjson
import uvloop

LENGTH: Final = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
SENT: Final = re.compile(r"/sent-(\d+)")  # nanoseconds of the monotonic clock, in the name of a file


class Arrived:
    """What was accepted."""

    def __init__(self) -> None:
        self.is_refusing = False
        self.forget()

    def forget(self) -> None:
        """Start anew."""
        self.events = self.messages = self.calls = 0
        self.last_ns = 0
        self.delays_ms: list[float] = []

    def take(self, entries: list[dict[str, Any]]) -> None:
        """Note one batch."""
        now = time.monotonic_ns()
        self.calls += 1
        self.last_ns = now
        for entry in entries:
            self.messages += 1
            text = entry.get("MessageBody") or entry["Detail"]
            self.events += text.count('"event_id"')
            for sent in SENT.findall(text):
                self.delays_ms.append((now - int(sent)) / 1e6)

    def report(self) -> bytes:
        """Write it down."""
        return orjson.dumps(
            {name: getattr(self, name) for name in ("events", "messages", "calls", "last_ns", "delays_ms")}
        )


class Connection(asyncio.Protocol):
    """One HTTP connection."""

    def __init__(self, arrived: Arrived) -> None:
        self._arrived = arrived
        self._data = bytearray()
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep it for answers."""
        self._transport = cast(asyncio.WriteTransport, transport)  # uvloop's does not inherit from it

    def data_received(self, data: bytes) -> None:
        """Answer every whole request."""
        assert self._transport is not None
        self._data += data
        while (head_end := self._data.find(b"\r\n\r\n")) >= 0:
            head = bytes(self._data[:head_end])
            found = LENGTH.search(head)
            end = head_end + 4 + (int(found[1]) if found else 0)
            if len(self._data) < end:
                if b"100-continue" in head.lower():
                    self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                return
            body = bytes(self._data[head_end + 4 : end])
            del self._data[:end]
            status, answer = self._answer(head.split(b" ", 2), body)
            self._transport.write(
                b"HTTP/1.1 %d OK\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: %d\r\n\r\n%s"
                % (status, len(answer), answer)
            )

    def _answer(self, request: list[bytes], body: bytes) -> tuple[int, bytes]:
        arrived = self._arrived
        if request[0] == b"GET":
            return 200, arrived.report()
        if request[0] == b"DELETE":
            arrived.forget()
            return 200, b"{}"
        if request[0] == b"PUT":
            arrived.is_refusing = request[1] == b"/refuse"
            return 200, b"{}"
        if arrived.is_refusing:
            return 500, b'{"__type":"com.amazonaws.sqs#InternalError","message":"away"}'
        entries = orjson.loads(body)["Entries"]
        arrived.take(entries)
        if "Detail" in entries[0]:
            return 200, orjson.dumps({"FailedEntryCount": 0, "Entries": [{"EventId": "0"}] * len(entries)})
        accepted = [{"Id": e["Id"], "MessageId": e["Id"], "MD5OfMessageBody": ""} for e in entries]
        return 200, orjson.dumps({"Successful": accepted, "Failed": []})


async def serve() -> None:
    """Serve until killed."""
    arrived = Arrived()
    listener = await asyncio.get_running_loop().create_server(lambda: Connection(arrived), "127.0.0.1", 0)
    print(listener.sockets[0].getsockname()[1], flush=True)
    await listener.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve())
