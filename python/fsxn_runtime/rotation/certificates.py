"""What a certificate says of itself: subject, validity, fingerprint. Pure: enough of DER to read these.

Python's `ssl` shows a certificate only after it was trusted, and here a person decides about that. Source:
RFC 5280, section 4.1 (structure), 4.1.2.5 (times); X.690, section 8.1 (tag, length, value).
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from fsxn_runtime.errors import RejectedError

_PEM: Final = re.compile(r"-----BEGIN CERTIFICATE-----([^-]+)-----END CERTIFICATE-----")
_SEQUENCE, _SET, _UTC_TIME, _GENERALIZED_TIME, _VERSION, _OID = 0x30, 0x31, 0x17, 0x18, 0xA0, 0x06
# Short names of RFC 4514, section 3, by the content of their object identifier.
_NAMES: Final = {
    b"\x55\x04\x03": "CN",
    b"\x55\x04\x06": "C",
    b"\x55\x04\x07": "L",
    b"\x55\x04\x08": "ST",
    b"\x55\x04\x0a": "O",
    b"\x55\x04\x0b": "OU",
}


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate in a person's words. Times are RFC 3339, the fingerprint is hex of the DER form."""

    subject: str
    not_before: str
    not_after: str
    sha256: str


def describe_certificate(pem: str) -> Certificate:
    """Read a PEM certificate. Raises RejectedError for what is none."""
    found = _PEM.search(pem)
    try:
        der = base64.b64decode(found[1], validate=False) if found else b""
        subject, not_before, not_after = _parts(der)
    except (ValueError, IndexError, UnicodeDecodeError):
        raise RejectedError("what is presented is no X.509 certificate", code="no_certificate") from None
    return Certificate(subject, not_before, not_after, hashlib.sha256(der).hexdigest())


def _parts(der: bytes) -> tuple[str, str, str]:
    ((tag, certificate),) = _values(der)
    if tag != _SEQUENCE:
        raise ValueError(tag)
    signed = list(_values(next(_values(certificate))[1]))
    if signed[0][0] == _VERSION:
        signed = signed[1:]
    # serial number, signature, issuer, validity, subject
    not_before, not_after = (_time(*one) for one in _values(signed[3][1]))
    return _name(signed[4][1]), not_before, not_after


def _values(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Cut a constructed value into tag and content. Raises ValueError and IndexError for wrong lengths."""
    place = 0
    while place < len(data):
        tag, length = data[place], data[place + 1]
        place += 2
        if length & 0x80:
            count = length & 0x7F
            length = int.from_bytes(data[place : place + count])
            place += count
        if place + length > len(data):
            raise ValueError(length)
        yield tag, data[place : place + length]
        place += length


def _time(tag: int, content: bytes) -> str:
    text = content.decode("ascii")
    if tag == _UTC_TIME:  # two digits of the year: below 50 is this century
        text = ("20" if int(text[:2]) < 50 else "19") + text
    elif tag != _GENERALIZED_TIME:
        raise ValueError(tag)
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC).isoformat()


def _name(content: bytes) -> str:
    parts = []
    for _, relative in _values(content):
        for _, attribute in _values(relative):
            (kind, oid), (text_tag, text) = _values(attribute)
            if kind != _OID:
                raise ValueError(kind)
            decoded = text.decode("utf-16-be" if text_tag == 0x1E else "utf-8", "replace")
            parts.append(f"{_NAMES.get(oid, oid.hex())}={decoded}")
    return ", ".join(parts)
