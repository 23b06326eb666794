"""Signatures checked by us and made by somebody else's implementation."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from fsxn_runtime.errors import RejectedError
from fsxn_runtime.lineage_export import public_key
from hypothesis import given
from hypothesis import strategies as st

from tests.support.export_world import private_key, public_half

SPKI = serialization.PublicFormat.SubjectPublicKeyInfo
DER, PEM = serialization.Encoding.DER, serialization.Encoding.PEM


def sign(message, number=0):
    return private_key(number).sign(message, padding.PKCS1v15(), hashes.SHA256())


@given(message=st.binary(max_size=200))
def test_a_signature_verifies_for_its_message_and_its_key_only(message):
    signature = sign(message)
    assert public_half().verifies(message, signature)
    assert not public_half().verifies(message + b"x", signature)
    assert not public_half(1).verifies(message, signature)


@given(place=st.integers(0, 255), flip=st.integers(1, 255))
def test_a_changed_signature_does_not_verify(place, flip):
    signature = bytearray(sign(b"m"))
    signature[place] ^= flip
    assert not public_half().verifies(b"m", bytes(signature))


@given(signature=st.binary(max_size=300))
def test_any_bytes_are_an_answer_and_no_crash(signature):
    assert not public_half().verifies(b"m", signature)


def test_another_padding_or_hash_does_not_verify():
    key = private_key()
    pss = key.sign(b"m", padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())
    sha512 = key.sign(b"m", padding.PKCS1v15(), hashes.SHA512())
    assert not any(public_half().verifies(b"m", signature) for signature in (pss, sha512))
    assert not public_half().verifies(b"m", sign(b"m")[1:])
    assert not public_half().verifies(b"m", b"\x00" + sign(b"m"))


@pytest.mark.parametrize("encoding", [DER, PEM])
@pytest.mark.parametrize("size", [2048, 3072])
def test_keys_are_read_as_kms_and_openssl_write_them(encoding, size):
    key = rsa.generate_private_key(public_exponent=65537, key_size=size)
    read = public_key(key.public_key().public_bytes(encoding, SPKI))
    numbers = key.public_key().public_numbers()
    assert (read.modulus, read.exponent) == (numbers.n, numbers.e)


def test_another_kind_of_key_is_refused_with_words():
    curve = ec.generate_private_key(ec.SECP256R1()).public_key().public_bytes(DER, SPKI)
    small = rsa.generate_private_key(public_exponent=65537, key_size=1024).public_key()
    for data in (b"", b"x", b"-----BEGIN PUBLIC KEY-----\n!\n", curve, small.public_bytes(DER, SPKI)):
        with pytest.raises(
            RejectedError, match=r"the public key cannot be used: .*give a PEM or DER of an RSA"
        ):
            public_key(data)


@given(data=st.binary(max_size=80))
def test_any_bytes_as_a_key_are_refused(data):
    with pytest.raises(RejectedError):
        public_key(data)


@given(cut=st.integers(0, 293), flip=st.integers(0, 255), place=st.integers(0, 40))
def test_a_cut_or_changed_key_is_refused_or_is_another_key(cut, flip, place):
    data = bytearray(private_key().public_key().public_bytes(DER, SPKI))
    data[place] ^= flip
    for broken in (bytes(data), bytes(data[:cut])):
        try:
            key = public_key(broken)
        except RejectedError:
            continue
        assert (key == public_half()) == key.verifies(b"m", sign(b"m"))
