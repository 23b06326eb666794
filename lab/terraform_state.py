"""Terraform's state in one file, behind its `http` backend.

Why not its `local` backend: that one writes the whole state after every resource. For envs/production (1.5 MB
of state) an apply took 12.8 s so, and 16.3 s of processor time; with a backend that is told at the end, 4.1 s
and 5.4 s. What an apply has made is lost when it is killed; interrupted, it is written.
Source of the protocol: Terraform documentation, "Backend type: http" (GET, POST; 404 is no state yet).
"""

from __future__ import annotations

import os
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Self

OVERRIDE = "zz_lab_override.tf"  # Terraform merges *_override.tf into the rest of a configuration
ADDRESS_VARIABLE = "TF_HTTP_ADDRESS"


def select(root: Path) -> None:
    """Make a root keep its state here, whatever backend it names. Only for copies: it writes a file there."""
    (root / OVERRIDE).write_text('terraform {\n  backend "http" {}\n}\n')


def is_selected(root: Path) -> bool:
    """Whether the root keeps its state here."""
    return (root / OVERRIDE).exists()


class StateServer:
    """Serve one state file while in the context; `environment` is what tells Terraform of it."""

    def __init__(self, state_file: Path) -> None:
        class Handler(_Handler):
            file = state_file

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def environment(self) -> dict[str, str]:
        return {ADDRESS_VARIABLE: f"http://127.0.0.1:{self._server.server_address[1]}/state"}


class _Handler(BaseHTTPRequestHandler):
    file: Path

    def do_GET(self) -> None:
        self._answer(self.file.read_bytes() if self.file.exists() else None)

    def do_POST(self) -> None:
        fresh = self.file.with_name(f".{self.file.name}.{os.getpid()}")
        fresh.write_bytes(self.rfile.read(int(self.headers["Content-Length"])))
        fresh.replace(self.file)
        self._answer(b"")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base class's name)
        """Say nothing: Terraform's own output tells what goes wrong."""

    def _answer(self, body: bytes | None) -> None:
        self.send_response(HTTPStatus.NOT_FOUND if body is None else HTTPStatus.OK)
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        self.wfile.write(body or b"")
