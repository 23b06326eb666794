"""How a node dials an FPolicy server over TLS. Source: ONTAP REST reference 13.1."""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from tempfile import NamedTemporaryFile


def node_context(ca_certificates: Iterable[str], own: str) -> ssl.SSLContext:
    """Trust these CA certificates and nothing else; `own` is the SVM's certificate with its key, or "".

    A guess: names are not checked, for engines know addresses only.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = False
    if trusted := "\n".join(ca_certificates):
        context.load_verify_locations(cadata=trusted)
    if own:
        with NamedTemporaryFile("w", suffix=".pem") as file:  # the ssl module reads keys from files only
            file.write(own)
            file.flush()
            context.load_cert_chain(file.name)
    return context
