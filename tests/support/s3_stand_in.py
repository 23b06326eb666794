"""A server that answers S3, S3 Control and DescribeFileSystems with what a test prescribes, or never.

The local AWS has no file system behind its access points and no network origins, so what these answer in
trouble is prescribed here: texts and codes as docs/reference/s3-access-points.md records them. Nothing is
checked, least of all signatures: what is proven with it is how an answer is read, not that S3 gives it.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

LAYER_2 = (403, "AccessDenied", "Access Denied")
EXPLICIT_DENY = (
    403,
    "AccessDenied",
    (
        "User: arn:aws:sts::000000000000:assumed-role/monitor/x is not authorized to perform: s3:ListBucket "
        "with an explicit deny in a resource-based policy"
    ),
)
UNAVAILABLE = (503, "ServiceUnavailable", "Service is unable to handle request.")
SLOW_DOWN = (503, "SlowDown", "Please reduce your request rate.")
HANG = (0, "", "")
_DATA_CALLS = ("ListObjectsV2", "GetObject", "PutObject", "DeleteObject")
_LIST = "<ListBucketResult><Name>ap</Name><KeyCount>1</KeyCount></ListBucketResult>"

Refusal = tuple[int, str, str]


@dataclass
class S3StandIn:
    """Enter it and it listens on `endpoint`. `refusals` by operation; what is not named there is served."""

    refusals: dict[str, Refusal] = field(default_factory=dict)
    is_vpc_origin: bool = False
    policy: Mapping[str, Any] | None = None
    updates: list[Mapping[str, Any]] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)

    def refuse_data_calls(self, refusal: Refusal) -> None:
        """Refuse every call that needs the file system; HeadBucket is served."""
        self.refusals = dict.fromkeys(_DATA_CALLS, refusal)

    def __enter__(self) -> Self:
        self._released = threading.Event()
        stand_in = self

        class Handler(_Handler):
            owner = stand_in

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.endpoint = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._released.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def hang(self) -> None:
        """Keep the caller waiting until the test is over."""
        self._released.wait(60)


class _Handler(BaseHTTPRequestHandler):
    owner: S3StandIn
    protocol_version = "HTTP/1.1"
    stored = b"probe"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the base class's name)
        """Keep the test's output clean."""

    def _handle(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        operation = self._operation()
        owner = self.owner
        owner.seen.append(operation)
        refusal = owner.refusals.get(operation)
        if refusal == HANG:
            owner.hang()
            self.close_connection = True
        elif refusal:
            status, code, message = refusal
            self._answer(status, f"<Error><Code>{code}</Code><Message>{message}</Message></Error>")
        elif operation == "DescribeFileSystems":
            system = {"FileSystemId": "fs-0123456789abcdef0", "AdministrativeActions": owner.updates}
            self._answer(200, json.dumps({"FileSystems": [system]}), "application/x-amz-json-1.1")
        elif operation == "GetAccessPoint":
            origin = "VPC" if owner.is_vpc_origin else "Internet"
            self._answer(
                200, f"<GetAccessPointResult><NetworkOrigin>{origin}</NetworkOrigin></GetAccessPointResult>"
            )
        elif operation == "GetAccessPointPolicy" and owner.policy is None:
            self._answer(404, "<Error><Code>NoSuchAccessPointPolicy</Code><Message>none</Message></Error>")
        elif operation == "GetAccessPointPolicy":
            text = json.dumps(owner.policy)
            self._answer(
                200, f"<GetAccessPointPolicyResult><Policy>{text}</Policy></GetAccessPointPolicyResult>"
            )
        elif operation == "PutObject":
            type(self).stored = body
            self._answer(200, "")
        else:
            self._answer(200, {"ListObjectsV2": _LIST, "GetObject": self.stored.decode()}.get(operation, ""))

    def _operation(self) -> str:
        path, _, query = self.path.partition("?")
        if target := self.headers.get("x-amz-target"):
            return target.rpartition(".")[2]
        if "/accesspoint/" in path:
            return "GetAccessPointPolicy" if path.endswith("/policy") else "GetAccessPoint"
        if self.command == "HEAD":
            return "HeadBucket"
        if self.command == "GET":
            return "ListObjectsV2" if "list-type" in query else "GetObject"
        return {"PUT": "PutObject", "DELETE": "DeleteObject"}[self.command]

    def _answer(self, status: int, text: str, content_type: str = "application/xml") -> None:
        data = text.encode()
        self.send_response(status)
        self.send_header("content-type", content_type)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    do_GET = do_HEAD = do_PUT = do_DELETE = do_POST = _handle  # noqa: N815 (the base class's names)
