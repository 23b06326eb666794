"""A very small FPolicy server, written from the wire reference for these tests only.

It answers the handshake, keeps every payload that it reads, and can be told to stop reading, to speak, to
break its connections and to come back on the same port.
"""

from __future__ import annotations

import os
import re
import socket
import ssl
import struct
import threading
from dataclasses import dataclass, field


def frame(payload: bytes) -> bytes:
    """Put the six prefix bytes before a payload (section 2)."""
    return b'"' + struct.pack(">I", len(payload)) + b'"' + payload


def message(kind: str, body: str) -> bytes:
    """Build one message of the server."""
    document = f'<?xml version="1.0"?>{body}'
    header = (
        f'<?xml version="1.0"?><Header><NotfType>{kind}</NotfType><ContentLen>{len(document)}</ContentLen>'
        "<DataFormat>XML</DataFormat></Header>"
    )
    return frame(f"{header}\n\n{document}\0".encode())


def text(payload: bytes, element: str) -> str:
    """Read the first element of a name."""
    found = re.search(rf"<{element}>([^<]*)</{element}>".encode(), payload)
    return found[1].decode() if found else ""


@dataclass
class Peer:
    """One connection of a node."""

    sock: socket.socket
    session_id: str = ""
    policy: str = ""
    payloads: list[bytes] = field(default_factory=list)
    ended: bool = False  # the node closed in order
    broken: bool = False  # the node broke the connection

    @property
    def notifications(self) -> list[bytes]:
        """What was reported over this connection."""
        return [payload for payload in self.payloads if b"<NotfType>SCREEN_REQ<" in payload]

    def answer(self, request_id: str, code: int) -> None:
        """Answer a request (5.4)."""
        body = f"<ReqId>{request_id}</ReqId><ReqType>NFS_CREAT</ReqType><NotfResp>{code}</NotfResp>"
        self.sock.sendall(message("SCREEN_RESP", f"<FscreenResp>{body}</FscreenResp>"))

    def tell_status(self, request_id: str, status: int) -> None:
        """Say what became of a request (5.6): 1 being worked on, 2 lost."""
        body = f"<ReqId>{request_id}</ReqId><ReqType>NFS_CREAT</ReqType><Resp>{status}</Resp>"
        self.sock.sendall(message("STATUS_QUERY_RESP", f"<FscreenStatusResp>{body}</FscreenStatusResp>"))

    def of(self, kind: str) -> list[bytes]:
        """List the messages of a type that the node sent."""
        return [payload for payload in self.payloads if f"<NotfType>{kind}<".encode() in payload]

    def back_pressure(self, *, apply: bool) -> None:
        """Ask the node to stop, or to go on (5.7)."""
        kind = "BACK_PRESSURE_APPLY" if apply else "BACK_PRESSURE_REM"
        body = f"<SessionId>{self.session_id}</SessionId><Apply>{int(apply)}</Apply>"
        self.sock.sendall(message(kind, f"<BackPressure>{body}</BackPressure>"))


class FakeServer:
    """Listen on a free port of one loopback address."""

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        version: str = "1.2",
        receive_buffer_bytes: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.host, self.version = host, version
        self._reserved = socket.socket()  # keeps the port ours while nothing listens; it never listens itself
        self._reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._reserved.bind((host, port))
        self.port: int = self._reserved.getsockname()[1]
        self._receive_buffer_bytes = receive_buffer_bytes
        self.tls = tls
        self.reading = threading.Event()
        self.reading.set()
        self.peers: list[Peer] = []
        self.refused = 0  # connections without a TLS handshake
        self.start()

    def start(self) -> None:
        """Listen, on the port that was used before."""
        self._listener = socket.create_server((self.host, self.port))  # reuses the reserved address
        if self._receive_buffer_bytes:
            size = self._receive_buffer_bytes
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size)
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def stop(self) -> None:
        """Stop listening and close every connection; `start` brings the server back on its port."""
        if self._listener.fileno() < 0:
            return  # stopped already
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.reading.set()
        for peer in self.peers:
            try:
                peer.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # the node was faster
        for peer in self.peers:
            peer.sock.close()

    def reset(self) -> None:
        """Reset every connection: what lies unread in the kernel is gone. `reading` must be off."""
        for peer in self.peers:
            peer.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            os.close(peer.sock.detach())
        self.reading.set()

    def close(self) -> None:
        """Stop for good."""
        self.stop()
        self._reserved.close()

    @property
    def notifications(self) -> list[bytes]:
        """Everything reported so far, by connection and in the order read."""
        return [payload for peer in self.peers for payload in peer.notifications]

    def paths(self) -> list[tuple[str, str]]:
        """Give (ReqType, first UNIX path) of everything reported so far."""
        return [(text(item, "ReqType"), unix_path(item)) for item in self.notifications]

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return  # stopped
            if self.tls is not None:
                threading.Thread(target=self._greet, args=(sock, self.tls), daemon=True).start()
                continue
            peer = Peer(sock)
            self.peers.append(peer)
            threading.Thread(target=self._serve, args=(peer,), daemon=True).start()

    def _greet(self, sock: socket.socket, tls: ssl.SSLContext) -> None:
        try:
            peer = Peer(tls.wrap_socket(sock, server_side=True))
        except OSError:  # a node that does not trust us, or that we do not trust
            sock.close()
            self.refused += 1
            return
        self.peers.append(peer)
        self._serve(peer)

    def _serve(self, peer: Peer) -> None:
        with peer.sock.makefile("rb") as stream:
            try:
                while prefix := stream.read(6):
                    self._take(peer, stream.read(struct.unpack(">I", prefix[1:5])[0]))
                    self.reading.wait()
                peer.ended = True
            except ConnectionResetError:
                peer.broken = True
            except (OSError, ValueError, struct.error):
                return  # stopped

    def _take(self, peer: Peer, payload: bytes) -> None:
        peer.payloads.append(payload)
        if text(payload, "NotfType") == "NEGO_REQ":
            peer.session_id, peer.policy = text(payload, "SessionId"), text(payload, "PolicyName")
            echo = "".join(
                f"<{name}>{text(payload, name)}</{name}>" for name in ("VsUUID", "PolicyName", "SessionId")
            )
            answer = f"<HandshakeResp>{echo}<ProtVersion>{self.version}</ProtVersion></HandshakeResp>"
            peer.sock.sendall(message("NEGO_RESP", answer))


def unix_path(payload: bytes, index: int = 0) -> str:
    """Read a UNIX_NAME of a notification: 0 is the path, 1 the target."""
    found = re.findall(rb"UNIX_NAME</PathNameType><PathName>([^<]*)<", payload)
    return found[index].decode() if len(found) > index else ""
