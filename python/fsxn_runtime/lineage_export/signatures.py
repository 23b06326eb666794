"""Checking an RSA signature (RSASSA-PKCS1-v1_5 with SHA-256, RFC 8017 section 8.2.2) without any library.

An auditor's machine needs the public key and Python, nothing else. Only checking is here; keys and signing
stay in KMS. The expected message is built whole and compared, nothing of the signature is parsed.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass
from typing import Final

from fsxn_runtime.errors import RejectedError

# DigestInfo of SHA-256 (RFC 8017 section 9.2, note 1), before the 32 bytes of the digest.
_DIGEST_INFO: Final = bytes.fromhex("3031300d060960864801650304020105000420")
# rsaEncryption, 1.2.840.113549.1.1.1
_RSA: Final = bytes.fromhex("2a864886f70d010101")
_SEQUENCE: Final = 0x30
_INTEGER: Final = 0x02
_BIT_STRING: Final = 0x03
_OBJECT: Final = 0x06
_MIN_BITS: Final = 2048


@dataclass(frozen=True, slots=True)
class PublicKey:
    """An RSA key."""

    modulus: int
    exponent: int

    def verifies(self, message: bytes, signature: bytes) -> bool:
        """Say whether the signature is this key's for the message."""
        size = (self.modulus.bit_length() + 7) // 8
        number = int.from_bytes(signature)
        if len(signature) != size or number >= self.modulus:
            return False
        found = pow(number, self.exponent, self.modulus).to_bytes(size)
        tail = b"\x00" + _DIGEST_INFO + hashlib.sha256(message).digest()
        expected = b"\x00\x01" + b"\xff" * (size - len(tail) - 2) + tail
        return hmac.compare_digest(found, expected)


def public_key(data: bytes) -> PublicKey:
    """Read a SubjectPublicKeyInfo, as DER (as KMS gives it) or PEM. Raises RejectedError for another."""
    try:
        if data.lstrip().startswith(b"-----BEGIN PUBLIC KEY-----"):
            data = base64.b64decode(_pem_body(data), validate=True)
        info, rest = _take(data, _SEQUENCE)
        algorithm, bits = _take(info, _SEQUENCE)
        identifier, _ = _take(algorithm, _OBJECT)
        key, _ = _take(bits, _BIT_STRING)
        numbers, _ = _take(key[1:], _SEQUENCE)
        modulus, numbers = _take(numbers, _INTEGER)
        exponent, _ = _take(numbers, _INTEGER)
        found = PublicKey(int.from_bytes(modulus), int.from_bytes(exponent))
        if rest or identifier != _RSA or key[0] != 0 or found.modulus.bit_length() < _MIN_BITS:
            raise ValueError("not an RSA key of at least 2048 bits")
    except (ValueError, IndexError) as exc:
        raise RejectedError(
            f"the public key cannot be used: {exc}; give a PEM or DER of an RSA key", code="wrong_public_key"
        ) from exc
    return found


def _pem_body(data: bytes) -> bytes:
    lines = [line.strip() for line in data.strip().splitlines()]
    return b"".join(line for line in lines if not line.startswith(b"-----"))


def _take(data: bytes, tag: int) -> tuple[bytes, bytes]:
    """Take one DER element off; give its content and what follows."""
    if not data or data[0] != tag:
        raise ValueError(f"element {tag:#x} is missing")
    length, start = data[1], 2
    if length & 0x80:
        start += length & 0x7F
        length = int.from_bytes(data[2:start])
    if len(data) < start + length:
        raise ValueError("it is cut off")
    return data[start : start + length], data[start + length :]
