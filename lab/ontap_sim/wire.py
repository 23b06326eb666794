"""The storage node's side of the FPolicy wire, XML engine format: frames, its messages, the server's.

Source: the FPolicy wire reference, sections 2 (frame), 3 (header), 5 (messages) and 12 (examples).
Pure functions and one reader; nothing here knows sockets.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from xml.etree import ElementTree

from lab.ontap_sim.model import FileType, Operation
from lab.ontap_sim.requests import ATTRIBUTES

_DECLARATION = b'<?xml version="1.0"?>'
_QUOTE = 0x22
_PREFIX_BYTES = 6  # quote, four length bytes, quote
_MAX_PAYLOAD_BYTES = 1 << 20  # the server's messages are below 1 KiB; a node need not take more than this

_ESCAPES = str.maketrans({"<": "&lt;", ">": "&gt;", "&": "&amp;", '"': "&quot;", "'": "&apos;"})

# ReqType -> element in NotfInfo (section 5.3)
ELEMENTS: Mapping[str, str] = {
    "SMB_CREAT": "SmbCreatReq",
    "SMB_CREAT_DIR": "SmbCreatReq",
    "SMB_OPEN": "SmbOpenReq",
    "SMB_CLOSE": "SmbCloseReq",
    "SMB_REN": "SmbRenReq",
    "SMB_REN_DIR": "SmbRenReq",
    "SMB_WR": "SmbWrReq",
    "SMB_RD": "SmbRdReq",
    "SMB_SET_ATTR": "SmbSetAttrReq",
    "SMB_GET_ATTR": "SmbGetAttrReq",
    "SMB_DEL": "SmbDelReq",
    "SMB_DEL_DIR": "SmbDelReq",
    "NFS_CREAT": "NfsCreatReq",
    "NFS_CREAT_DIR": "NfsCreatReq",
    "NFS_OPEN": "NfsOpenReq",
    "NFS_CLOSE": "NfsCloseReq",
    "NFS_REN": "NfsRenReq",
    "NFS_REN_DIR": "NfsRenReq",
    "NFS_WR": "NfsWrReq",
    "NFS_RD": "NfsRdReq",
    "NFS_SET_ATTR": "NfsSetAttrReq",
    "NFS_GET_ATTR": "NfsGetAttrReq",
    "NFS_LOOKUP": "NfsLookupReq",
    "NFS_LNK": "NfsLnkReq",
    "NFS_DEL": "NfsDelReq",
    "NFS_DEL_DIR": "NfsDelReq",
}


class WireError(Exception):
    """The peer sent bytes that are no FPolicy frame or no message."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message of the server: its NotfType and the text of the leaf elements of its body."""

    kind: str
    fields: Mapping[str, str]


def frame(kind: str, body: str) -> bytes:
    """Build one frame: prefix, header document, two line feeds, body document, NUL.

    Names that are no UTF-8 (surrogate escapes) go out as the bytes they are, as section 2.2 leaves it open.
    """
    document = _DECLARATION + body.encode("utf-8", "surrogateescape") if body else b""
    header = (
        f"<Header><NotfType>{kind}</NotfType><ContentLen>{len(document)}</ContentLen>"
        "<DataFormat>XML</DataFormat></Header>"
    ).encode("ascii")
    payload = _DECLARATION + header + b"\n\n" + document + b"\0"
    return b'"' + len(payload).to_bytes(4, "big") + b'"' + payload


def handshake(svm_uuid: str, policy: str, session_id: str, versions: tuple[str, ...]) -> bytes:
    """Build NEGO_REQ (5.1)."""
    offered = "".join(f"<Vers>{version}</Vers>" for version in versions)
    return frame(
        "NEGO_REQ",
        f"<Handshake><VsUUID>{svm_uuid}</VsUUID><PolicyName>{_escape(policy)}</PolicyName>"
        f"<SessionId>{session_id}</SessionId><ProtVersion>{offered}</ProtVersion></Handshake>",
    )


def keep_alive() -> bytes:
    """Build KEEP_ALIVE: header only, no body (5.9)."""
    return frame("KEEP_ALIVE", "")


def alert(session_id: str, text: str) -> bytes:
    """Build a fatal ALERT_MSG (5.8)."""
    return frame(
        "ALERT_MSG",
        f"<Alert><SessionId>{session_id}</SessionId><Severity>FATAL</Severity>"
        f"<AlertMsg>{_escape(text)}</AlertMsg></Alert>",
    )


def cancel(request_id: int, code: str) -> bytes:
    """Build SCREEN_CANCEL (5.5)."""
    return frame(
        "SCREEN_CANCEL",
        f"<FscreenCancel><ReqId>{request_id}</ReqId><ReqType>{code}</ReqType>"
        "<CancelReason>Cancel Timedout</CancelReason></FscreenCancel>",
    )


def status_query(request_id: int, code: str) -> bytes:
    """Build STATUS_QUERY_REQ (5.6)."""
    return frame(
        "STATUS_QUERY_REQ",
        f"<FscreenQueryStatus><ReqId>{request_id}</ReqId><ReqType>{code}</ReqType></FscreenQueryStatus>",
    )


def screen(
    operation: Operation, request_id: int, *, time_us: int | None, version: str, namespace_paths: bool
) -> bytes:
    """Build SCREEN_REQ (5.3) for one operation.

    `time_us` is None when the agreed version carries no GenerationTime (below 1.2).
    `namespace_paths` puts the junction path before the names; where they start is an open question (6.1).
    """
    element = ELEMENTS[operation.code]
    is_smb = operation.protocol.name == "SMB"
    common = (
        f"<CommonInfo>{_protocol_common(operation, time_us, namespace_paths)}"
        f"{_smb_tail(operation) if is_smb else ''}"
        f"<ProtVer><MajorNum>{operation.protocol.major}</MajorNum>"
        f"<MinorNum>{operation.protocol.minor}</MinorNum></ProtVer>"
        f"{'' if is_smb else f'<UserGids>{operation.client.gid}</UserGids>'}</CommonInfo>"
    )
    return frame(
        "SCREEN_REQ",
        f"<FscreenReq><ReqId>{request_id}</ReqId><ReqType>{operation.code}</ReqType><NotfInfo><{element}>"
        f"{common}{_own_fields(operation, version, namespace_paths)}</{element}></NotfInfo></FscreenReq>",
    )


def _protocol_common(operation: Operation, time_us: int | None, namespace_paths: bool) -> str:
    client = operation.client
    if operation.protocol.name == "SMB":
        id_type = "MAPPED_ID"
        user = f"<MappedId><Uid>0</Uid><WinSid>{client.sid}</WinSid></MappedId>"
        owner = "<WinSid>S-1-5-32-544</WinSid>"  # BUILTIN\Administrators, as in the reference's examples
    else:
        id_type = "UNIX_ONLY"
        user = owner = f"<UnixUid>{client.uid}</UnixUid>"
    time = "" if time_us is None else f"<GenerationTime>{time_us}</GenerationTime>"
    size = 4096 if operation.file_type is FileType.DIR else operation.size_before  # directories: 5.3
    return (
        f"<ProtCommonInfo><ClientIp>{client.ip}</ClientIp>{time}<UsrIdType>{id_type}</UsrIdType>"
        f"<UsrContext>{user}</UsrContext><FileOwner>{owner}</FileOwner>"
        f"<AccessPath>{_paths(operation, operation.path, namespace_paths)}</AccessPath>"
        f"<VolMsid>{operation.volume.msid}</VolMsid><FileSize>{size}</FileSize><NumHardLnk>1</NumHardLnk>"
        f"<IsOfflineAttr>0</IsOfflineAttr><FileType>{operation.file_type}</FileType>"
        "<IsSparse>0</IsSparse><IsDense>0</IsDense></ProtCommonInfo>"
    )


def _smb_tail(operation: Operation) -> str:
    volume = operation.volume
    unc = f"\\\\{volume.svm.cifs_server}\\{volume.share}{_backslashes(operation.path)}"
    return f"<DisplayPath>{_escape(unc)}</DisplayPath>"


def _own_fields(operation: Operation, version: str, namespace_paths: bool) -> str:
    code = operation.code
    if code.startswith("SMB_CREAT"):  # the numbers are those of an Explorer copy, section 12.5
        return (
            "<CreatAccmode>1180063</CreatAccmode><CreatSharemode>7</CreatSharemode>"
            "<CreatDisposition>2</CreatDisposition><CreatOptions>64</CreatOptions>"
            "<CreatNewObject>1</CreatNewObject>"
        )
    if code == "SMB_OPEN":
        return (
            "<OpenAccmode>1179785</OpenAccmode><OpenSharemode>7</OpenSharemode><OpenOptions>64</OpenOptions>"
        )
    if code == "SMB_CLOSE" and version != "1.0" and version != "1.1":
        return f"<RdBytes>0</RdBytes><WrBytes>{operation.length or 0}</WrBytes>"
    if code in ("SMB_WR", "NFS_WR"):
        return f"<WrOffset>{operation.offset}</WrOffset><WrLength>{operation.length}</WrLength>"
    if code in ("SMB_RD", "NFS_RD"):
        return f"<RdOffset>{operation.offset}</RdOffset><RdLength>{operation.length}</RdLength>"
    if code == "NFS_SET_ATTR":  # that it has the bits of SMB's mask is likely, not said
        mask = ATTRIBUTES[operation.attribute]
        return f"<ChangeAttr>{mask}</ChangeAttr><SetAttrCommon>{_new_attribute(operation)}</SetAttrCommon>"
    if code == "SMB_SET_ATTR":
        mask = ATTRIBUTES[operation.attribute]
        return f"<SetAttrChangeAttr>{mask}</SetAttrChangeAttr>{_new_attribute(operation)}"
    if operation.target is not None:
        paths = _paths(operation, operation.target, namespace_paths)
        return f"<TargetAccessPath>{paths}</TargetAccessPath>"
    return ""


def _new_attribute(operation: Operation) -> str:
    """Build the optional element with the new value, for the attributes that both protocols send (5.3)."""
    names = {"modify_time": "SetAttrMtime", "access_time": "SetAttrAtime"}
    if operation.attribute in names:
        seconds, micros = divmod(operation.time_us, 1_000_000)
        name = names[operation.attribute]
        return f"<{name}><Secs>{seconds}</Secs><NanoSecs>{micros * 1000}</NanoSecs></{name}>"
    if operation.attribute == "mode" and operation.protocol.name == "NFS":
        return "<SetAttrMode>448</SetAttrMode>"
    return ""


def _paths(operation: Operation, path: str, namespace_paths: bool) -> str:
    name = operation.volume.namespace_path(path) if namespace_paths else path
    return (
        f"<Path><PathNameType>WIN_NAME</PathNameType><PathName>{_escape(_backslashes(name))}</PathName></Path>"
        f"<Path><PathNameType>UNIX_NAME</PathNameType><PathName>{_escape(name)}</PathName></Path>"
    )


def _backslashes(path: str) -> str:
    return path.replace("/", "\\")


def _escape(text: str) -> str:
    return text.translate(_ESCAPES)


class FrameReader:
    """Cut the server's byte stream into payloads. The six prefix bytes are not counted in the length (2)."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """Add received bytes and return the payloads that are complete now. Raises WireError."""
        self._buffer += data
        payloads = []
        while len(self._buffer) >= _PREFIX_BYTES:
            length = int.from_bytes(self._buffer[1:5], "big")
            if self._buffer[0] != _QUOTE or self._buffer[5] != _QUOTE:
                raise WireError(f"frame starts with {bytes(self._buffer[:6]).hex()}; expected 22 LLLLLLLL 22")
            if not 0 < length <= _MAX_PAYLOAD_BYTES:
                raise WireError(f"frame length is {length}; expected 1 to {_MAX_PAYLOAD_BYTES}")
            if len(self._buffer) < _PREFIX_BYTES + length:
                break
            payloads.append(bytes(self._buffer[_PREFIX_BYTES : _PREFIX_BYTES + length]))
            del self._buffer[: _PREFIX_BYTES + length]
        return payloads


def reader() -> FrameReader:
    """Make what cuts one stream."""
    return FrameReader()


def parse(payload: bytes) -> Message:
    """Read one message of the server. A final NUL is optional (2.1). Raises WireError."""
    header, _, body = payload.rstrip(b"\0").partition(b"\n\n")
    kind = _leaves(header).get("NotfType", "").strip()
    if not kind:
        raise WireError("header without NotfType")
    return Message(kind, _leaves(body) if body.strip() else {})


def _leaves(document: bytes) -> dict[str, str]:
    if b"<!" in document:
        raise WireError("document type declarations, comments and CDATA are not part of the protocol")
    try:
        root = ElementTree.fromstring(document.strip())  # noqa: S314 (no DOCTYPE, so no entities to expand)
    except ElementTree.ParseError as exc:
        raise WireError(f"not XML: {exc}") from exc
    return {node.tag: (node.text or "").strip() for node in root.iter() if not len(node)}
