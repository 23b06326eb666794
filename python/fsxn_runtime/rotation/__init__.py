"""Rotation: the password of an ONTAP account, changed by Secrets Manager's four steps."""

from fsxn_runtime.rotation.certificates import Certificate, describe_certificate
from fsxn_runtime.rotation.clients import Ontap, secret_of
from fsxn_runtime.rotation.core import status_of
from fsxn_runtime.rotation.model import Status
from fsxn_runtime.rotation.store import SecretStore

__all__ = [
    "Certificate",
    "Ontap",
    "SecretStore",
    "Status",
    "describe_certificate",
    "secret_of",
    "status_of",
]
