"""Self-signed certificates like that of a management endpoint, and the one that is presented now.

They carry the extensions that strict verification asks for (CA:TRUE, key identifiers) and the loopback names,
so that clients verify them with the PEM file alone and nobody needs to switch verification off.
"""

from __future__ import annotations

import ipaddress
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_LIFETIME_DAYS = 7.0  # one laboratory run is far shorter


class Presented:
    """The management endpoints' certificate: made at start, and exchanged while they listen."""

    def __init__(self, directory: Path, common_name: str) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._directory = directory
        self._common_name = common_name
        self._count = 0
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2
        self.path = self.first = self.make(_LIFETIME_DAYS)
        self.present(self.first)

    def make(self, lifetime_days: float) -> Path:
        """Make a new key and certificate and return the path of the PEM file; below 0 it has expired."""
        self._count += 1
        name = "ontap" if self._count == 1 else f"ontap-{self._count}"
        path = self._directory / f"{name}.pem"
        _make(path, self._common_name, timedelta(days=lifetime_days))
        return path

    def present(self, path: Path) -> None:
        """Show this certificate from the next connection on."""
        self.context.load_cert_chain(path, path.with_suffix(".key"))
        self.path = path


def fingerprint(pem: str) -> str:
    """Give the SHA-256 of a certificate in hex."""
    return x509.load_pem_x509_certificate(pem.encode()).fingerprint(hashes.SHA256()).hex()


def _make(path: Path, common_name: str, lifetime: timedelta) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    end = datetime.now(UTC) + lifetime
    usage = x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=True,
        crl_sign=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(min(end, datetime.now(UTC)) - timedelta(minutes=5))
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(identifier, critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False
        )
        .add_extension(
            x509.SubjectAlternativeName(
                [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
            ),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_path = path.with_suffix(".key")
    key_path.touch(mode=0o600)
    key_path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
