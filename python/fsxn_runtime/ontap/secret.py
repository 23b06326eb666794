"""The secret with everything that a connection to ONTAP needs: account, address, trusted certificates."""

from __future__ import annotations

import hashlib
import ipaddress
import json
import re
import ssl
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn

from fsxn_runtime.errors import MisconfiguredError
from fsxn_runtime.ontap.answers import redact

DEFAULT_PORT: Final = 443
# What a node presents now, what it will present next, and what completes their chains. Each one may cost a
# handshake; a bundle of public authorities does not belong here.
_MAX_CERTIFICATES: Final = 8
_PEM: Final = re.compile(r"-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----")
_HOST_NAME: Final = re.compile(r"(?=.{1,253}\Z)[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9-]+)*\.?")
_BRACKETED: Final = re.compile(r"\[([^]]+)\](?::(.+))?")
_NAMES: Final = '"username", "password", "management_ip", "ca_certificate"'


@dataclass(frozen=True, slots=True)
class OntapSecret:
    """Account, management address with an optional port, and the PEM bundle of trusted certificates.

    An empty bundle can be read, so that it can be completed; a client refuses it.
    """

    username: str
    password: str = field(repr=False)
    management_ip: str
    ca_certificate: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        """Check the parts. Raises MisconfiguredError, which never holds the password."""
        if not self.username or ":" in self.username or not self.username.isprintable():
            _wrong(f"username is {self._shown(self.username)!r}; it must be a name without a colon")
        if not self.password:
            _wrong("password is empty; it must be the account's password")
        if not _is_encodable(self.username + self.password + self.ca_certificate):
            _wrong("a value holds half of a character; all must be Unicode text")
        _host_and_port(self.management_ip, self._shown(self.management_ip))
        pems = certificates(self.ca_certificate)
        if len(pems) > _MAX_CERTIFICATES:
            _wrong(
                f"ca_certificate holds {len(pems)} certificates; it must hold what the management endpoint "
                f"presents, at most {_MAX_CERTIFICATES}"
            )
        if self.ca_certificate.strip() and not pems:
            _wrong("ca_certificate holds no certificate; it must be PEM text (fsxn rotation trust stores it)")
        for pem in pems:
            try:
                ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=pem)
            except (ssl.SSLError, ValueError) as exc:
                _wrong(f"ca_certificate holds something that is no certificate ({type(exc).__name__})")

    def _shown(self, value: str) -> str:
        """Give a value for a message: who typed the password into a wrong member finds it in no log."""
        return redact(value, [self.password])[:100]

    @classmethod
    def from_json(cls, text: str) -> OntapSecret:
        """Read a secret's text. Raises MisconfiguredError, which shows names, user and address at most.

        Older secrets call the address `ontap_mgmt_ip`; more members than these are left alone.
        """
        try:
            data = json.loads(text)
        except (ValueError, RecursionError):
            data = None  # the original error keeps the whole text, and with it the password
        if not isinstance(data, dict):
            _wrong(f"the text is no JSON object; it must be one with {_NAMES}")
        return cls(
            username=_text(data, "username"),
            password=_text(data, "password"),
            management_ip=_text(data, "management_ip" if "management_ip" in data else "ontap_mgmt_ip"),
            ca_certificate=_text(data, "ca_certificate", ""),
        )

    def to_json(self) -> str:
        """Write the secret's text."""
        return json.dumps(
            {
                "username": self.username,
                "password": self.password,
                "management_ip": self.management_ip,
                "ca_certificate": self.ca_certificate,
            }
        )

    @property
    def host(self) -> str:
        """The management address without port and brackets."""
        return _host_and_port(self.management_ip)[0]

    @property
    def port(self) -> int:
        """The port, 443 unless the address says otherwise."""
        return _host_and_port(self.management_ip)[1]

    @property
    def pins(self) -> tuple[str, ...]:
        """SHA-256 of each certificate in the bundle, as hex, in the bundle's order."""
        return tuple(pin_of(pem) for pem in certificates(self.ca_certificate))


def certificates(bundle: str) -> tuple[str, ...]:
    """Cut a PEM bundle into its certificates, each once."""
    return tuple(dict.fromkeys(_PEM.findall(bundle)))


def pin_of(pem: str) -> str:
    """Give the SHA-256 of a certificate's DER form, as hex: what openssl calls its fingerprint."""
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()


def _host_and_port(address: str, shown: str = "") -> tuple[str, int]:
    """Split `198.19.255.10`, `127.0.0.1:8443`, `[fd00::1]:443`, `fd00::1`, or a name with or without port.

    `shown` stands for the address in errors.
    """
    host, port = address, str(DEFAULT_PORT)
    if address.startswith("["):
        parts = _BRACKETED.fullmatch(address)
        host, port = (parts[1], parts[2] or port) if parts else ("", port)
    elif address.count(":") == 1:
        host, _, port = address.partition(":")
    if not (_is_ip(host) or (":" not in host and _HOST_NAME.fullmatch(host))):
        _wrong(f"management_ip is {shown!r}; it must be an address or name, with or without :port")
    if not (port.isascii() and port.isdigit() and len(port) <= 5 and 0 < int(port) < 65536):
        _wrong(f"management_ip is {shown!r}; its port must be a number from 1 to 65535")
    return host, int(port)


def _is_ip(text: str) -> bool:
    try:
        return "%" not in str(ipaddress.ip_address(text))
    except ValueError:
        return False


def _is_encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _text(data: dict[str, Any], name: str, default: str | None = None) -> str:
    value = data.get(name, default)
    if not isinstance(value, str):
        known = "missing" if value is None else "not a text"
        _wrong(f"{name} is {known}; the secret must have {_NAMES}")
    return value


def _wrong(message: str) -> NoReturn:
    raise MisconfiguredError(f"ONTAP secret: {message}", code="wrong_secret")
