"""Whom we talk to: the presented certificate must be one of the secret's bundle, byte for byte.

The management endpoint of FSx for ONTAP has a self-signed certificate that no authority vouches for, and it
is reached by an address that need not stand in it (ONTAP REST reference 1.1). So the certificate itself is
the identity: it is verified by TLS with the bundle as the only trust, and its SHA-256 must be a pin, that is
the SHA-256 of a certificate in the bundle.

A pin holds for the certificate that the node presents, not for any other of its chain. An authority in the
bundle would otherwise let in every certificate it ever signed, for whatever name, because there is no name to
check. A bundle of an authority and a leaf works: the leaf is the pin. With the authority alone nobody is let
in.

Strict X.509 checks, which Python 3.13 adds, are left out in every version alike: they judge how a certificate
is written, and a certificate compared byte for byte is right as it is. Partial chains are allowed in every
version alike, so that a leaf in the bundle is enough (ONTAP REST reference 1.2).
"""

from __future__ import annotations

import ssl
from typing import Final

import urllib3
from urllib3.util.ssl_ import create_urllib3_context

from fsxn_runtime.ontap.errors import OntapError, OntapMisconfiguredError, OntapPinMismatchError
from fsxn_runtime.ontap.secret import OntapSecret, certificates, pin_of

# OpenSSL's numbers of the two errors that time heals or brings (x509_vfy.h).
_NOT_YET_VALID: Final = 9
_EXPIRED: Final = 10
_LOOK_SECONDS: Final = 5.0


def make_pool(secret: OntapSecret, pem: str, pool_size: int) -> urllib3.HTTPSConnectionPool:
    """Make the pool of connections to a node that presents exactly this certificate.

    One pool takes one pin (ONTAP REST reference 1.2), so a bundle needs as many as it has certificates.
    """
    context = create_urllib3_context(verify_flags=ssl.VERIFY_X509_PARTIAL_CHAIN)
    context.load_verify_locations(cadata=pem)
    return urllib3.HTTPSConnectionPool(
        secret.host,
        secret.port,
        maxsize=pool_size,
        retries=False,
        ssl_context=context,
        assert_fingerprint=pin_of(pem),
    )


def presented_certificate(host: str, port: int, timeout_seconds: float = _LOOK_SECONDS) -> str:
    """Look at the certificate that is presented, as PEM, whoever presents it. Nothing is sent there.

    For messages and for `fsxn rotation trust`, where a person decides. Raises OSError.
    """
    return ssl.get_server_certificate((host, port), timeout=timeout_seconds)


def is_about_the_certificate(error: urllib3.exceptions.SSLError) -> bool:
    """Say whether the certificate was not accepted; other TLS errors are about the connection."""
    return _verification(error) is not None or str(error).startswith("Fingerprints did not match")


def refusal(
    secret: OntapSecret, errors: dict[str, urllib3.exceptions.SSLError], seconds: float
) -> OntapError:
    """Say why no certificate of the bundle was accepted, taking at most these seconds to look at it.

    errors: what was raised, by pin.
    """
    place = f"{secret.host}:{secret.port}"
    presented = _presented_pin(secret, min(seconds, _LOOK_SECONDS))
    found = {pin: inner for pin, error in errors.items() if (inner := _verification(error))}
    if not presented:  # gone meanwhile: TLS says only of a certificate it knows that its time is wrong
        presented = next((pin for pin in found if found[pin].verify_code in (_EXPIRED, _NOT_YET_VALID)), "")
    if presented in found:
        return _unusable(place, presented, found[presented])
    known = ", ".join(secret.pins)
    return OntapPinMismatchError(
        f"{place} presents the certificate {presented or '(gone before it could be looked at)'}; "
        f"the secret knows {known}. If the change is yours, run: fsxn rotation trust",
        presented=presented,
        known=secret.pins,
    )


def pools(secret: OntapSecret, pool_size: int) -> dict[str, urllib3.HTTPSConnectionPool]:
    """Make the pools of a bundle, by pin. Raises OntapMisconfiguredError for an empty one."""
    made = {pin_of(pem): make_pool(secret, pem, pool_size) for pem in certificates(secret.ca_certificate)}
    if not made:
        raise OntapMisconfiguredError(
            "the ONTAP secret has no ca_certificate, so nobody can be trusted; run: fsxn rotation trust",
            code="ontap_no_certificate",
        )
    return made


def _unusable(place: str, pin: str, error: ssl.SSLCertVerificationError) -> OntapMisconfiguredError:
    message = f"the certificate {pin} of {place} is in the secret but cannot be used: {error.verify_message}"
    if error.verify_code == _EXPIRED:
        return OntapMisconfiguredError(
            f"{message}. Renew it in ONTAP, then run: fsxn rotation trust", code="ontap_certificate_expired"
        )
    if error.verify_code == _NOT_YET_VALID:
        return OntapMisconfiguredError(
            f"{message}. Compare the clocks of both sides", code="ontap_certificate_not_yet_valid"
        )
    return OntapMisconfiguredError(message, code="ontap_certificate_unusable")


def _verification(error: urllib3.exceptions.SSLError) -> ssl.SSLCertVerificationError | None:
    inner = error.args[0] if error.args else None
    return inner if isinstance(inner, ssl.SSLCertVerificationError) else None


def _presented_pin(secret: OntapSecret, seconds: float) -> str:
    if seconds <= 0:
        return ""
    try:
        return pin_of(presented_certificate(secret.host, secret.port, seconds))
    except OSError:
        return ""
