"""Our signatures beside those of botocore."""

from __future__ import annotations

from datetime import UTC, datetime
from unittest.mock import patch

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from fpolicy_server.delivery.signing import Identity, Signer
from hypothesis import given
from hypothesis import strategies as st

HEADERS = {
    "content-type": "application/x-amz-json-1.0",
    "host": "sqs.eu-central-1.amazonaws.com",
    "x-amz-target": "AmazonSQS.SendMessageBatch",
    "x-amzn-query-mode": "true",
}
texts = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=40)
moments = st.integers(1_700_000_000, 4_000_000_000)


def signer() -> Signer:
    return Signer(path="/", region="eu-central-1", service="sqs", headers=HEADERS)


def by_botocore(identity: Identity, body: bytes, seconds: float) -> dict[str, str]:
    headers = {name: value for name, value in HEADERS.items() if name != "host"}
    request = AWSRequest("POST", f"https://{HEADERS['host']}/", headers=headers, data=body)
    credentials = Credentials(identity.access_key, identity.secret_key, identity.token)
    moment = datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)
    with patch("botocore.auth.get_current_datetime", return_value=moment):
        SigV4Auth(credentials, "sqs", "eu-central-1").add_auth(request)
    return {name.lower(): value for name, value in request.headers.items()}


@given(st.builds(Identity, texts, texts, st.none() | texts), st.binary(max_size=200), moments)
def test_we_sign_as_botocore_does(identity: Identity, body: bytes, seconds: int) -> None:
    ours = signer().signed_headers(identity, body, seconds)
    assert {**by_botocore(identity, body, seconds), "host": HEADERS["host"]} == ours


@given(st.lists(st.tuples(st.sampled_from("ab"), moments), max_size=6))
def test_a_kept_key_is_never_used_for_another_secret_or_day(requests: list[tuple[str, int]]) -> None:
    kept = signer()
    for secret, seconds in requests:
        identity = Identity("key", secret)
        fresh = signer().signed_headers(identity, b"{}", seconds)
        assert kept.signed_headers(identity, b"{}", seconds) == fresh


def test_a_secret_is_not_shown() -> None:
    assert "swordfish" not in repr(Identity("key", "swordfish", "swordfish"))
