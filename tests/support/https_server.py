"""Certificates of every kind, and a small HTTPS server whose answers and certificate a test may change."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Certificate:
    """A certificate with its key, each as PEM."""

    pem: str
    key: str
    x509: x509.Certificate
    private_key: ec.EllipticCurvePrivateKey


def make_certificate(
    name: str = "FsxIdlab",
    *,
    extensions: bool = True,
    begins: timedelta = -DAY,
    ends: timedelta = DAY,
    issuer: Certificate | None = None,
) -> Certificate:
    """Make a certificate; self-signed without an issuer. Times are distances from now."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.x509.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + begins)
        .not_valid_after(now + ends)
    )
    if extensions:
        identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        signer = issuer.private_key if issuer else key
        builder = (
            builder.add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
            .add_extension(identifier, critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
            )
        )
    signed = builder.sign(issuer.private_key if issuer else key, hashes.SHA256())
    encoding = serialization.Encoding.PEM
    pkcs8, clear = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return Certificate(
        signed.public_bytes(encoding).decode(),
        key.private_bytes(encoding, pkcs8, clear).decode(),
        signed,
        key,
    )


@dataclass(frozen=True)
class Reply:
    """What the server says. Without `body` the connection is broken after the request was read.

    raw: these bytes instead of HTTP, and then the connection's end.
    """

    status: int = 200
    body: bytes | None = b"{}"
    headers: Mapping[str, str] = field(default_factory=dict)
    raw: bytes | None = None

    @classmethod
    def json(cls, value: object, status: int = 200, **headers: str) -> Reply:
        """Answer with JSON; underscores in header names become dashes."""
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        return cls(status, json.dumps(value).encode(), named)


@dataclass(frozen=True)
class Asked:
    """One request as it arrived."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


Answering = Callable[[Asked], Reply]


class HttpsServer:
    """Answers with `answering`, and keeps what was asked. Each handshake presents `certificate`'s chain."""

    def __init__(self, directory: Path, certificate: Certificate, answering: Answering) -> None:
        self.answering = answering
        self.asked: list[Asked] = []
        self._directory = directory
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_all(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                asked = Asked(self.command, self.path, dict(self.headers.items()), body)
                outer.asked.append(asked)
                reply = outer.answering(asked)
                if reply.raw is not None or reply.body is None:
                    self.wfile.write(reply.raw or b"")
                    self.close_connection = True
                    return
                self.send_response(reply.status)
                for name, value in {"content-length": str(len(reply.body)), **reply.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(reply.body)

            do_GET = do_POST = do_PATCH = do_DELETE = handle_all  # noqa: N815 (names of the base class)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def finish_request(self, request: object, client_address: object) -> None:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(outer._chain, outer._key)
                try:
                    with context.wrap_socket(request, server_side=True) as secure:  # type: ignore[arg-type]
                        super().finish_request(secure, client_address)  # type: ignore[arg-type]
                except (OSError, ssl.SSLError):
                    pass  # the client did not want this certificate, or is gone

        self.present(certificate)
        self._server = Server(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def present(self, certificate: Certificate, *chain: Certificate) -> None:
        """Present this certificate to connections that begin from now on."""
        self._chain, self._key = self._directory / "chain.pem", self._directory / "key.pem"
        self._chain.write_text("".join(item.pem for item in (certificate, *chain)))
        self._key.write_text(certificate.key)

    @property
    def bundle(self) -> str:
        """What is presented now, as PEM."""
        return self._chain.read_text()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@contextmanager
def https_server(
    directory: Path, certificate: Certificate, answering: Answering = lambda _: Reply.json({"uuid": "u"})
) -> Iterator[HttpsServer]:
    """Run a server for a while."""
    server = HttpsServer(directory, certificate, answering)
    try:
        yield server
    finally:
        server.close()
