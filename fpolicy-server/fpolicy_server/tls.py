"""TLS for one connection without any input or output, and the certificate that new connections get.

TLS begins with the first byte of a connection; there is no upgrade (FPolicy protocol, docs/wire/tls.md).
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from fsxn_runtime.errors import MisconfiguredError

from fpolicy_server.logs import Log
from fpolicy_server.wire import PeerError

READ_BYTES: Final = 64 * 1024


class Layer(Protocol):
    """What stands between a socket and the protocol."""

    is_ended: bool  # the peer has said that nothing more comes

    def received(self, data: bytes) -> bytes:
        """Take what the socket gave, b"" at its end; give what the protocol reads.

        Raises PeerError (tls_failed).
        """

    def sent(self, data: bytes) -> bytes:
        """Take what the protocol writes; give what goes to the socket, now also what TLS itself says."""

    def ending(self) -> bytes:
        """Give what tells the peer that nothing more comes from us."""


class Plain:
    """No TLS: bytes as they are."""

    is_ended = False

    def received(self, data: bytes) -> bytes:
        """Give them back."""
        return data

    def sent(self, data: bytes) -> bytes:
        """Give them back."""
        return data

    def ending(self) -> bytes:
        """Nothing: the end of the stream says it."""
        return b""


class Tls:
    """The server's side of TLS, over memory."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self.is_ended = False
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._is_ready = False
        self._has_begun = False

    def received(self, data: bytes) -> bytes:
        """Decrypt. During the handshake nothing comes out; `sent(b"")` has the answers."""
        if not data and self._has_begun and not self._is_ready:
            # A node that does not trust our certificate goes away in the middle, often without a word.
            raise PeerError(
                "the peer left within the TLS handshake: does it trust our CA?", code="tls_failed"
            )
        self._incoming.write(data)
        self._has_begun = True
        plain = bytearray()
        try:
            if not self._is_ready:
                self._tls.do_handshake()
                self._is_ready = True
            while chunk := self._tls.read(READ_BYTES):
                plain += chunk
            self.is_ended = True
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            self.is_ended = True
        except ssl.SSLError as exc:
            raise PeerError(f"TLS: {exc.reason or exc}", code="tls_failed") from exc
        return bytes(plain)

    def sent(self, data: bytes) -> bytes:
        """Encrypt."""
        if data:
            try:
                self._tls.write(data)
            except ssl.SSLError:
                pass  # TLS has ended; the reading side learns it from the peer
        return self._outgoing.read()

    def ending(self) -> bytes:
        """Give the close_notify alert."""
        try:
            self._tls.unwrap()
        except (ssl.SSLWantReadError, ssl.SSLError):
            pass  # the peer's own close_notify is not waited for
        return self._outgoing.read()


@dataclass(frozen=True, slots=True)
class TlsSettings:
    """Certificate chain, key, and the CA whose clients may connect (empty: no client certificate is asked).

    Each is the path of a PEM file or the PEM text itself, so that a secret of ECS can feed it.
    """

    certificate: str
    key: str
    client_ca: str

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files among them: what can change while the server runs."""
        return tuple(Path(v) for v in (self.certificate, self.key, self.client_ca) if v and not is_pem(v))


def is_pem(value: str) -> bool:
    """Whether a setting is PEM text and not a path."""
    return value.lstrip().startswith("-----BEGIN ")


def make_context(settings: TlsSettings) -> ssl.SSLContext:
    """Make what new connections use: TLS 1.2 or 1.3. Raises MisconfiguredError; never shows the key."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        with _file(settings.certificate) as certificate, _file(settings.key) as key:
            context.load_cert_chain(certificate, key, password=_no_password)
    except (OSError, ValueError) as exc:
        raise _wrong("FPOLICY_TLS_CERT and FPOLICY_TLS_KEY", exc) from exc
    if settings.client_ca:
        context.verify_mode = ssl.CERT_REQUIRED
        try:
            with _file(settings.client_ca) as client_ca:
                context.load_verify_locations(client_ca)
        except (OSError, ValueError) as exc:
            raise _wrong("FPOLICY_TLS_CLIENT_CA", exc) from exc
    return context


def _no_password() -> str:
    """A key with a password would make OpenSSL ask at a terminal that is not there."""
    raise ValueError("the key is encrypted; it must be a key without a password")


def _wrong(names: str, exc: Exception) -> MisconfiguredError:
    reason = getattr(exc, "reason", None) or getattr(exc, "strerror", None) or exc
    return MisconfiguredError(
        f"{names} cannot be used: {reason}; they must be PEM files or PEM texts that belong together",
        code="wrong_setting",
    )


@contextmanager
def _file(value: str) -> Iterator[str]:
    """Give a path to the PEM. A text goes into memory only: OpenSSL reads keys from paths alone."""
    if not is_pem(value):
        yield value
        return
    descriptor = os.memfd_create("pem")
    try:
        os.write(descriptor, value.encode())
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)


class TlsKeeper:
    """Gives each new connection its layer, with the newest certificate on disk."""

    def __init__(self, settings: TlsSettings | None, on_failure: Callable[[], None], log: Log) -> None:
        """Read the certificate once. Raises MisconfiguredError: a server must not start without it."""
        self._settings = settings
        self._on_failure = on_failure
        self._log = log
        self._seen = self._state()
        self._context = None if settings is None else make_context(settings)

    def layer(self) -> Layer:
        """Make the layer of a new connection."""
        return Plain() if self._context is None else Tls(self._context)

    def refresh(self) -> None:
        """Read the files again when one of them changed; what cannot be used leaves the former in use."""
        state = self._state()
        if self._settings is None or state == self._seen:
            return
        self._seen = state
        try:
            self._context = make_context(self._settings)
        except MisconfiguredError as exc:
            self._on_failure()
            self._log.error("certificate.unusable", error=exc)
        else:
            self._log.info("certificate.reloaded")

    def _state(self) -> list[tuple[int, int]]:
        """What changes when a file is written or replaced; a missing file is a state of its own."""
        states = []
        for path in self._settings.paths if self._settings else ():
            try:
                status = path.stat()
                states.append((status.st_mtime_ns, status.st_ino))
            except OSError:
                states.append((0, 0))
        return states
