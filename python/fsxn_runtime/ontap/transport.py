"""One request to ONTAP and its answer, over verified TLS, with every wait and size bounded."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import Final

import urllib3
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError, SSLError

from fsxn_runtime.ontap import trust
from fsxn_runtime.ontap.errors import (
    OntapError,
    OntapOutcomeUnknownError,
    OntapTransientError,
    OntapUnreachableError,
)
from fsxn_runtime.ontap.model import Answer, Request
from fsxn_runtime.ontap.secret import OntapSecret

# The vendor's client waits six seconds for a connection (ONTAP REST reference 6).
_CONNECT_SECONDS: Final = 6.0
# ONTAP ends a page after 15 s by itself (5), so a GET that is silent for longer will stay so: ask again.
_READ_SECONDS: Final = 20.0
# 10 000 records, the most in a page, have about 10 MiB with every field that we ask for.
_MAX_BODY_BYTES: Final = 32 << 20
_CHUNK_BYTES: Final = 1 << 16
# A client does one thing at a time (client.py), over one connection (ONTAP REST reference 7).
_CONNECTIONS: Final = 1


class Transport:
    """The connection to one node, kept open between requests. Not for several threads at once."""

    def __init__(self, secret: OntapSecret, app: str) -> None:
        self._secret = secret
        self._place = f"{secret.host}:{secret.port}"
        self._pools = trust.pools(secret, _CONNECTIONS)
        self._headers: Mapping[str, str] = {
            # no links but the next page's (ONTAP REST reference 3)
            "accept": "application/json",
            "content-type": "application/json",
            "x-dot-client-app": app,  # stands in ONTAP's audit log
            "authorization": _basic(secret),
        }

    def close(self) -> None:
        """Close the connection."""
        for pool in self._pools.values():
            pool.close()

    def send(self, request: Request, left: Callable[[], float]) -> Answer:
        """Send a request once. `left` gives the seconds that there are.

        Raises OntapPinMismatchError and OntapMisconfiguredError before anything is sent,
        OntapUnreachableError when nothing was sent or it was a GET, OntapOutcomeUnknownError when a change
        may have arrived.
        """
        refused: dict[str, SSLError] = {}
        for pin, pool in list(self._pools.items()):
            seconds = left()
            if seconds <= 0:
                raise OntapUnreachableError(f"{request}: no time left to ask {self._place}")
            try:
                answer = self._send(pool, request, seconds, left)
            except SSLError as exc:
                if not trust.is_about_the_certificate(exc):
                    raise self._lost(request, exc) from exc
                refused[pin] = exc
                continue
            except (NewConnectionError, ConnectTimeoutError) as exc:
                raise OntapUnreachableError(f"{request}: cannot connect to {self._place}: {exc}") from exc
            except (HTTPError, OSError) as exc:
                raise self._lost(request, exc) from exc
            self._pools = {pin: pool, **self._pools}  # the one that is accepted is asked first
            return answer
        raise trust.refusal(self._secret, refused, left())

    def _send(
        self,
        pool: urllib3.HTTPSConnectionPool,
        request: Request,
        seconds: float,
        left: Callable[[], float],
    ) -> Answer:
        read_seconds = seconds if request.is_change else min(seconds, _READ_SECONDS)
        response = pool.urlopen(
            request.method,
            request.target,
            body=request.body,
            headers=self._headers,
            redirect=False,
            timeout=urllib3.Timeout(connect=min(seconds, _CONNECT_SECONDS), read=read_seconds),
            preload_content=False,
            decode_content=False,
        )
        try:
            body = bytearray()
            while chunk := response.read1(_CHUNK_BYTES):
                body += chunk
                if len(body) > _MAX_BODY_BYTES:
                    raise self._useless(request, f"is longer than {_MAX_BODY_BYTES} bytes")
                if left() <= 0:
                    raise self._useless(request, "did not end in time")
        except BaseException:
            response.close()  # what is still to come would be taken for the next answer
            raise
        response.release_conn()
        headers = response.headers
        return Answer(response.status, bytes(body), headers.get("retry-after", ""), headers.get("date", ""))

    def _useless(self, request: Request, why: str) -> OntapError:
        if request.is_change:
            return OntapOutcomeUnknownError(f"{request}: the answer of {self._place} {why}")
        return OntapTransientError(f"{request}: the answer of {self._place} {why}", code="ontap_bad_answer")

    def _lost(self, request: Request, error: Exception) -> OntapError:
        if request.is_change:
            return OntapOutcomeUnknownError(
                f"{request}: no answer of {self._place} ({error}); it may have happened, look before asking "
                "again"
            )
        return OntapUnreachableError(f"{request}: no answer of {self._place}: {error}")


def _basic(secret: OntapSecret) -> str:
    """Give the header of HTTP Basic, which goes with every request: there is no session (reference 2)."""
    return "Basic " + base64.b64encode(f"{secret.username}:{secret.password}".encode()).decode("ascii")
