"""The secret's text: what is a secret, what is not, and that neither shows the password."""

from __future__ import annotations

import json

import pytest
from fsxn_runtime.errors import MisconfiguredError
from fsxn_runtime.ontap import OntapSecret, pin_of
from hypothesis import example, given
from hypothesis import strategies as st

from tests.support.https_server import make_certificate

FIRST, SECOND = make_certificate().pem, make_certificate().pem
PASSWORD = "hush-Passw0rd"


def secret(**parts: str) -> OntapSecret:
    given_parts = {"username": "fsxadmin", "password": PASSWORD, "management_ip": "198.19.255.10"}
    return OntapSecret(**{**given_parts, **parts})


@given(
    username=st.text(st.characters(categories=["L", "N"]), min_size=1),
    password=st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
    address=st.sampled_from(["198.19.255.10", "127.0.0.1:8443", "[fd00::1]:443", "fd00::1", "ontap.example"]),
    bundle=st.sampled_from(["", FIRST, FIRST + SECOND]),
)
def test_writing_and_reading_a_secret_gives_the_same(
    username: str, password: str, address: str, bundle: str
) -> None:
    written = OntapSecret(username, password, address, bundle)
    assert OntapSecret.from_json(written.to_json()) == written


# What a person or a half-written tool may store, valid in part.
values = st.one_of(st.none(), st.integers(), st.text(), st.just(FIRST), st.just("127.0.0.1:8443"))
objects = st.dictionaries(
    st.sampled_from(["username", "management_ip", "ontap_mgmt_ip", "ca_certificate", "password", "more"]),
    values,
)


@given(text=st.one_of(st.text(), objects.map(json.dumps), st.recursive(values, st.lists).map(json.dumps)))
@example("[" * 100_000)
@example('{"username": "\\ud800", "password": "x", "management_ip": "127.0.0.1"}')
@example('{"username": "u", "password": "x", "management_ip": "127.0.0.1:99999999999999999999"}')
def test_any_text_is_a_secret_or_misconfigured(text: str) -> None:
    try:
        found = OntapSecret.from_json(text)
    except MisconfiguredError as exc:
        assert exc.code == "wrong_secret"
    else:
        assert found.username and found.password and found.host and 0 < found.port < 65536


@given(
    cut=st.integers(min_value=0),
    junk=st.text(max_size=5),
    drop=st.sampled_from(["", "username", "management_ip"]),
)
def test_neither_error_nor_repr_has_the_password(cut: int, junk: str, drop: str) -> None:
    """A text with a password in it, damaged in some way."""
    whole = json.loads(secret().to_json())
    whole.pop(drop, None)
    text = json.dumps(whole)
    place = cut % (len(text) + 1)
    try:
        shown = repr(OntapSecret.from_json(text[:place] + junk + text[place:]))
    except MisconfiguredError as exc:
        shown = f"{exc}{exc!r}{exc.__cause__!r}{exc.__context__!r}"
    assert PASSWORD not in shown


@pytest.mark.parametrize("member", ["username", "management_ip"])
@pytest.mark.parametrize("around", ["{}:", "192.0.2.1:4{}", "x" * 90 + "{} {}:"])
def test_a_password_in_a_wrong_member_is_not_shown(member: str, around: str) -> None:
    """Found by `make fuzz TARGET=secret`, seed 11, input 31379; also where a long value is cut."""
    with pytest.raises(MisconfiguredError, match=f"{member} is .*") as caught:
        secret(**{member: around.replace("{}", PASSWORD)})
    assert PASSWORD[:4] not in str(caught.value)


def test_older_secrets_have_another_name_for_the_address() -> None:
    text = json.dumps({"username": "u", "password": "p", "ontap_mgmt_ip": "198.19.255.10"})
    assert OntapSecret.from_json(text).management_ip == "198.19.255.10"


@pytest.mark.parametrize(
    ("address", "host", "port"),
    [
        ("198.19.255.10", "198.19.255.10", 443),
        ("127.0.0.1:8443", "127.0.0.1", 8443),
        ("[fd00::1]:8443", "fd00::1", 8443),
        ("[fd00::1]", "fd00::1", 443),
        ("fd00::1", "fd00::1", 443),
        ("management.fs-1.fsx.us-east-1.amazonaws.com", "management.fs-1.fsx.us-east-1.amazonaws.com", 443),
    ],
)
def test_an_address_may_have_a_port(address: str, host: str, port: int) -> None:
    made = secret(management_ip=address)
    assert (made.host, made.port) == (host, port)


@pytest.mark.parametrize(
    "address",
    [
        "", " ", "https://198.19.255.10", "198.19.255.10/api", "u:p@host", "host:0", "host:65536", "host:",
        "host:x", "[fd00::1", "[fd00::1]x", "[fd00::1]:", "[host]x", "fe80::1%eth0", "a b", "-host", "h\nost",
        "host:\uff14\uff14\uff13", "[]", "[]:443",
    ],
)  # fmt: skip
def test_other_addresses_are_refused(address: str) -> None:
    with pytest.raises(MisconfiguredError, match="management_ip"):
        secret(management_ip=address)


@pytest.mark.parametrize("username", ["", "a:b", "a\nb"])
def test_a_user_name_that_basic_authentication_cannot_carry_is_refused(username: str) -> None:
    with pytest.raises(MisconfiguredError, match="username"):
        secret(username=username)


def test_pins_are_those_of_the_bundle_in_its_order() -> None:
    bundle = f"Bag Attributes\n{FIRST}\n# the next one\n{SECOND}{FIRST}"
    assert secret(ca_certificate=bundle).pins == (pin_of(FIRST), pin_of(SECOND))
    assert secret().pins == ()


@pytest.mark.parametrize(
    "bundle",
    [
        "no PEM",
        "-----BEGIN CERTIFICATE-----\nno base64!\n-----END CERTIFICATE-----",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
        FIRST.replace("CERTIFICATE", "PRIVATE KEY"),
    ],
    ids=["text", "no-base64", "no-certificate", "key"],  # the key is another in each process
)
def test_what_is_no_certificate_is_refused(bundle: str) -> None:
    with pytest.raises(MisconfiguredError, match="ca_certificate"):
        secret(ca_certificate=bundle)


def test_a_bundle_of_public_authorities_is_refused() -> None:
    with pytest.raises(MisconfiguredError, match="at most 8"):
        secret(ca_certificate="".join(make_certificate().pem for _ in range(9)))
