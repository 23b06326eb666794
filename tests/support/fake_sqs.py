"""An SQS endpoint for tests that need a real process and real HTTP: it keeps what it accepted.

Speaks only SendMessageBatch in the JSON protocol, as boto3 does. `failure` decides each call's fate.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class _QuietServer(ThreadingHTTPServer):
    """Clients that are killed while they wait for an answer are part of the tests."""

    def handle_error(self, *_: object) -> None:
        """Say nothing."""


class FakeSqs:
    """A queue service on a free loopback port. Any queue name exists. Use it as a context manager."""

    def __init__(self) -> None:
        self.bodies: dict[str, list[str]] = {}
        self.calls = 0
        self.failure: Callable[[], str | None] = lambda: None  # an error code for this call, or None
        self.delay: Callable[[], None] = lambda: None  # called before each answer
        self._lock = threading.Lock()
        self._server = _QuietServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        """The endpoint's URL."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def queue_url(self, name: str) -> str:
        """The URL of a queue."""
        return f"{self.url}/000000000000/{name}"

    def messages(self, name: str) -> list[dict[str, Any]]:
        """What a queue accepted, in order, as JSON."""
        with self._lock:
            return [json.loads(body) for body in self.bodies.get(name, [])]

    def count(self, name: str) -> int:
        """How many messages a queue accepted."""
        with self._lock:
            return len(self.bodies.get(name, []))

    def __enter__(self) -> FakeSqs:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _answer(self, request: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        self.delay()
        code = self.failure()
        with self._lock:
            self.calls += 1
            if code is not None:
                return 400, {"__type": f"com.amazonaws.sqs#{code}", "message": "scripted"}
            accepted = self.bodies.setdefault(request["QueueUrl"].rpartition("/")[2], [])
            accepted.extend(entry["MessageBody"] for entry in request["Entries"])
            return 200, {"Successful": [_accepted(entry) for entry in request["Entries"]], "Failed": []}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                status, answer = service._answer(request)
                body = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/x-amz-json-1.0")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: object) -> None:
                """Say nothing."""

        return Handler


def _accepted(entry: dict[str, Any]) -> dict[str, Any]:
    encoded = bytearray()
    for name, attribute in sorted(entry.get("MessageAttributes", {}).items()):
        for text in (name, attribute["DataType"]):
            encoded += len(text).to_bytes(4, "big") + text.encode()
        value = attribute["StringValue"].encode()
        encoded += b"\x01" + len(value).to_bytes(4, "big") + value
    return {
        "Id": entry["Id"],
        "MessageId": entry["Id"],
        "MD5OfMessageBody": hashlib.md5(entry["MessageBody"].encode()).hexdigest(),
        "MD5OfMessageAttributes": hashlib.md5(encoded).hexdigest(),
    }
