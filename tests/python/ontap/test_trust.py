"""Whom the client talks to: real TLS servers with certificates of every kind."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fsxn_runtime.ontap import OntapClient, OntapSecret, path, pin_of, presented_certificate
from fsxn_runtime.ontap import trust as trust_module
from fsxn_runtime.ontap.credentials import Versioned
from fsxn_runtime.ontap.errors import (
    OntapError,
    OntapMisconfiguredError,
    OntapPinMismatchError,
    OntapUnreachableError,
)

from tests.support.https_server import DAY, Certificate, HttpsServer, Reply, https_server, make_certificate

CLUSTER = path("cluster")


def secret_for(server: HttpsServer, *trusted: Certificate) -> OntapSecret:
    return OntapSecret("fsxadmin", "pw", server.address, "".join(item.pem for item in trusted))


def ask(server: HttpsServer, *trusted: Certificate) -> dict[str, Any]:
    with OntapClient(secret_for(server, *trusted), deadline_seconds=5) as client:
        return client.get(CLUSTER)


@pytest.fixture(params=["as this Python does", "strict X.509"])
def strictness(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python 3.13 and later add strict checks where nobody chose the flags; here any Python does."""
    if request.param == "strict X.509":
        make = trust_module.create_urllib3_context

        def as_newer_pythons(**options: Any) -> ssl.SSLContext:
            options.setdefault("verify_flags", ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN)
            return make(**options)

        monkeypatch.setattr(trust_module, "create_urllib3_context", as_newer_pythons)


@pytest.mark.usefixtures("strictness")
@pytest.mark.parametrize("extensions", [True, False])
def test_a_self_signed_certificate_in_the_secret_is_trusted(tmp_path: Path, extensions: bool) -> None:
    certificate = make_certificate(extensions=extensions)
    with https_server(tmp_path, certificate) as server:
        assert ask(server, certificate) == {"uuid": "u"}


@pytest.mark.usefixtures("strictness")
def test_a_leaf_of_an_authority_is_trusted_when_it_is_in_the_bundle(tmp_path: Path) -> None:
    authority = make_certificate("authority")
    leaf = make_certificate("leaf", issuer=authority)
    with https_server(tmp_path, leaf) as server:
        assert ask(server, leaf) == {"uuid": "u"}
        assert ask(server, authority, leaf) == {"uuid": "u"}
        assert ask(server, leaf, authority) == {"uuid": "u"}


def test_an_authority_alone_lets_nobody_in(tmp_path: Path) -> None:
    """It would let in whatever it signed, for there is no name to check."""
    authority = make_certificate("authority")
    leaf = make_certificate("leaf", issuer=authority)
    with https_server(tmp_path, leaf) as server:
        server.present(leaf, authority)
        with pytest.raises(OntapPinMismatchError) as caught:
            ask(server, authority)
        assert (caught.value.presented, caught.value.known) == (pin_of(leaf.pem), (pin_of(authority.pem),))
        assert server.asked == []


@pytest.mark.parametrize("extensions", [True, False])
def test_another_certificate_of_the_same_name_is_refused_before_anything_is_sent(
    tmp_path: Path, extensions: bool
) -> None:
    known, other = make_certificate(extensions=extensions), make_certificate(extensions=extensions)
    with https_server(tmp_path, other) as server:
        with pytest.raises(OntapPinMismatchError) as caught:
            ask(server, known)
        assert server.asked == []
    error = caught.value
    assert (error.presented, error.known) == (pin_of(other.pem), (pin_of(known.pem),))
    assert error.presented in str(error)
    assert "fsxn rotation trust" in str(error)
    assert not error.retryable


@pytest.mark.parametrize(
    ("times", "code"),
    [
        ({"begins": -2 * DAY, "ends": -DAY}, "ontap_certificate_expired"),
        ({"begins": DAY, "ends": 2 * DAY}, "ontap_certificate_not_yet_valid"),
    ],
)
def test_a_known_certificate_out_of_its_time_has_a_code_of_its_own(
    tmp_path: Path, times: dict[str, Any], code: str
) -> None:
    certificate = make_certificate(**times)
    with https_server(tmp_path, certificate) as server:
        with pytest.raises(OntapMisconfiguredError) as caught:
            ask(server, make_certificate(), certificate)
        assert server.asked == []
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("ends", "kind"), [(DAY, OntapPinMismatchError), (-DAY / 2, OntapMisconfiguredError)]
)
def test_a_certificate_that_cannot_be_looked_at_any_more_is_refused_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ends: timedelta, kind: type[OntapError]
) -> None:
    """The node goes away between the handshake and the look at what it presented."""

    def gone(*_: object) -> str:
        raise OSError("gone")

    monkeypatch.setattr(trust_module, "presented_certificate", gone)
    known, presented = make_certificate(ends=ends), make_certificate()
    with https_server(tmp_path, known if ends < DAY else presented) as server:
        with pytest.raises(kind):
            ask(server, make_certificate(), known)
        assert server.asked == []


def test_an_unknown_certificate_is_a_mismatch_even_when_it_has_expired(tmp_path: Path) -> None:
    past = {"begins": -2 * DAY, "ends": -DAY}
    with https_server(tmp_path, make_certificate(**past)) as server, pytest.raises(OntapPinMismatchError):
        ask(server, make_certificate(), make_certificate(**past))


def test_a_bundle_of_two_lets_the_node_change_its_certificate_at_run_time(tmp_path: Path) -> None:
    first, second = make_certificate(), make_certificate()
    last = Reply.json({"uuid": "u"}, connection="close")  # so each request begins a connection
    with https_server(tmp_path, first, lambda _: last) as server:
        client = OntapClient(secret_for(server, first, second), deadline_seconds=5)
        for certificate in (first, second, first):
            server.present(certificate)
            assert client.get(CLUSTER) == {"uuid": "u"}
        server.present(make_certificate())
        with pytest.raises(OntapPinMismatchError):
            client.get(CLUSTER)


class Stored:
    """A secret that a test replaces, as `fsxn rotation trust` does."""

    def __init__(self, secret: OntapSecret) -> None:
        self.versions = [secret]

    def current(self) -> Versioned:
        return Versioned(str(len(self.versions)), self.versions[-1])

    def pending(self) -> None:
        return None


def test_a_certificate_trusted_since_is_found_without_a_restart(tmp_path: Path) -> None:
    old, new = make_certificate(), make_certificate()
    last = Reply.json({"uuid": "u"}, connection="close")
    with https_server(tmp_path, old, lambda _: last) as server:
        stored = Stored(secret_for(server, old))
        with OntapClient(stored, deadline_seconds=5) as client:
            client.get(CLUSTER)
            server.present(new)
            stored.versions.append(secret_for(server, old, new))
            assert client.get(CLUSTER) == {"uuid": "u"}


def test_a_secret_without_a_certificate_trusts_nobody(tmp_path: Path) -> None:
    with https_server(tmp_path, make_certificate()) as server:
        with pytest.raises(OntapMisconfiguredError, match="fsxn rotation trust") as caught:
            ask(server)
        assert caught.value.code == "ontap_no_certificate"
        assert server.asked == []


def test_a_port_where_nobody_listens_is_out_of_reach(unused_port: Callable[[], int]) -> None:
    certificate = make_certificate()
    secret = OntapSecret("fsxadmin", "pw", f"127.0.0.1:{unused_port()}", certificate.pem)
    with OntapClient(secret, deadline_seconds=0.3) as client, pytest.raises(OntapUnreachableError):
        client.get(CLUSTER)


def test_looking_at_a_certificate_sends_nothing(tmp_path: Path) -> None:
    certificate = make_certificate()
    with https_server(tmp_path, certificate) as server:
        host, _, port = server.address.partition(":")
        assert pin_of(presented_certificate(host, int(port))) == pin_of(certificate.pem)
        assert server.asked == []
