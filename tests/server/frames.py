"""Frames for the server's tests: the golden ones from files, and others built by hand.

Nothing here uses the server's own encoder.
"""

from __future__ import annotations

from pathlib import Path
from xml.sax.saxutils import escape

GOLDEN = Path(__file__).resolve().parent.parent / "data" / "wire" / "server"
SVM_UUID = "5d1f0c1e-4b7a-11ee-9b2a-0242ac120001"
SESSION_ID = "a3c2b1d0-4b7a-11ee-9b2a-0242ac120002"
MSID = 2147484674


def golden(name: str) -> bytes:
    """One frame of the examples."""
    return (GOLDEN / f"{name}.bin").read_bytes()


def frame(payload: bytes) -> bytes:
    """Quote, length, quote, payload."""
    return b'"' + len(payload).to_bytes(4, "big") + b'"' + payload


def message(kind: str, body: bytes, content_length: int | str | None = None) -> bytes:
    """A frame with a header and the body document (without declaration)."""
    document = b'<?xml version="1.0"?>' + body if body else b""
    length = len(document) if content_length is None else content_length
    header = (
        f'<?xml version="1.0"?><Header><NotfType>{kind}</NotfType><ContentLen>{length}</ContentLen>'
        "<DataFormat>XML</DataFormat></Header>"
    )
    return frame(header.encode() + b"\n\n" + document + b"\0")


def handshake(
    *versions: str, policy: str = "pol0", session_id: str = SESSION_ID, svm_uuid: str = SVM_UUID
) -> bytes:
    """A NEGO_REQ."""
    offered = "".join(f"<Vers>{version}</Vers>" for version in versions or ("1.0", "1.1", "1.2"))
    body = (
        f"<Handshake><VsUUID>{svm_uuid}</VsUUID><PolicyName>{policy}</PolicyName>"
        f"<SessionId>{session_id}</SessionId><ProtVersion>{offered}</ProtVersion></Handshake>"
    )
    return message("NEGO_REQ", body.encode())


def notification(
    request_id: int = 1,
    *,
    path: bytes | str = b"/a.txt",
    kind: str = "NFS_CREAT",
    element: str = "NfsCreatReq",
    time: int | str | None = 1763900000123456,
    msid: int | str = MSID,
    own: str = "",
    paths: bytes | None = None,
    name_type: str = "UNIX_NAME",
    raw: bool = False,
) -> bytes:
    """A SCREEN_REQ with one path. A path given as bytes and `raw` goes onto the wire as it is."""
    if isinstance(path, bytes):
        name = path if raw else escape(path.decode()).encode()
    else:
        name = escape(path).encode()
    generation = "" if time is None else f"<GenerationTime>{time}</GenerationTime>"
    if paths is None:
        paths = f"<Path><PathNameType>{name_type}</PathNameType><PathName>".encode() + name
        paths += b"</PathName></Path>"
    body = (
        f"<FscreenReq><ReqId>{request_id}</ReqId><ReqType>{kind}</ReqType><NotfInfo><{element}><CommonInfo>"
        f"<ProtCommonInfo><ClientIp>192.0.2.10</ClientIp>{generation}<UsrIdType>UNIX_ONLY</UsrIdType>"
        "<UsrContext><UnixUid>1001</UnixUid></UsrContext><FileOwner><UnixUid>1001</UnixUid></FileOwner>"
        "<AccessPath>"
    ).encode()
    body += paths
    body += (
        f"</AccessPath><VolMsid>{msid}</VolMsid><FileSize>0</FileSize><NumHardLnk>1</NumHardLnk>"
        "<IsOfflineAttr>0</IsOfflineAttr><FileType>FILE</FileType><IsSparse>0</IsSparse><IsDense>0</IsDense>"
        "</ProtCommonInfo><ProtVer><MajorNum>3</MajorNum><MinorNum>0</MinorNum></ProtVer>"
        f"<UserGids>1001</UserGids></CommonInfo>{own}</{element}></NotfInfo></FscreenReq>"
    ).encode()
    return message("SCREEN_REQ", body)
