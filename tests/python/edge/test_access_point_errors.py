"""The table of refusals: which text means which layer."""

from __future__ import annotations

import pytest
from fsxn_runtime.edge.access_point_errors import AccessPointReason, reason_of
from hypothesis import given
from hypothesis import strategies as st

# The three texts of a denial, as measured through one access point (docs/reference/s3-access-points.md).
LAYER_2 = "Access Denied"
_USER = "User: arn:aws:sts::111122223333:assumed-role/reader/x is not authorized to perform: s3:GetObject "
EXPLICIT = _USER + "with an explicit deny in a resource-based policy"
IMPLICIT = _USER + "because no identity-based policy allows the s3:GetObject action"
ENDPOINT = _USER + "because no VPC endpoint policy allows the s3:GetObject action"
ENDPOINT_DENY = _USER + "with an explicit deny in a VPC endpoint policy"


@pytest.mark.parametrize(
    ("operation", "status", "code", "message", "reason"),
    [
        ("ListObjectsV2", 403, "AccessDenied", LAYER_2, "layer2_denied"),
        ("GetObject", 403, "AccessDenied", "Access Denied.", "layer2_denied"),
        ("GetObject", 403, "AccessDenied", EXPLICIT, "explicit_deny"),
        ("GetObject", 403, "AccessDenied", IMPLICIT, "not_allowed"),
        ("GetObject", 403, "AccessDenied", ENDPOINT, "endpoint_policy"),
        ("GetObject", 403, "AccessDenied", ENDPOINT_DENY, "endpoint_policy"),
        ("GetObject", 403, "AccessDenied", "", "denied_unknown"),
        # The SDK makes a text of the status when the answer has no body.
        ("HeadObject", 403, "403", "Forbidden", "denied_unknown"),
        ("HeadBucket", 403, "403", "Access Denied", "denied_unknown"),
        ("HeadObject", 404, "404", "Not Found", "no_such_key"),
        ("HeadBucket", 404, "404", "Not Found", "no_such_access_point"),
        ("GetObject", 404, "NoSuchKey", "m", "no_such_key"),
        ("GetObject", 404, "NoSuchBucket", "m", "no_such_access_point"),
        ("GetObject", 404, "NoSuchAccessPoint", "m", "no_such_access_point"),
        ("ListObjectsV2", 400, "InvalidAccessPointAliasError", "m", "no_such_access_point"),
        ("GetObject", 403, "InvalidAccessKeyId", "m", "credentials"),
        ("GetObject", 403, "RequestTimeTooSkewed", "m", "credentials"),
        ("GetObject", 503, "SlowDown", "m", "throttled"),
        ("GetObject", 429, "Anything", "m", "throttled"),
        ("GetObject", 503, "ServiceUnavailable", "m", "service_unavailable"),
        ("GetObject", 500, "InternalError", "m", "service_unavailable"),
        ("PutObject", 501, "NotImplemented", "m", "not_implemented"),
        ("PutObject", 400, "RequestTimeout", "m", "timeout"),
        ("PutObject", 400, "EntityTooLarge", "m", "refused"),
        ("GetObject", 307, "TemporaryRedirect", "m", "unknown"),
        ("GetObject", 0, "ReadTimeoutError", "m", "timeout"),
        ("GetObject", 0, "ConnectTimeoutError", "m", "timeout"),
        ("GetObject", 0, "EndpointConnectionError", "m", "unreachable"),
        ("GetObject", 0, "SSLError", "m", "unreachable"),
        ("GetObject", 0, "NoCredentialsError", "m", "credentials"),
        ("GetObject", 0, "SomethingElse", "m", "unknown"),
    ],
)
def test_a_refusal_has_one_reason(operation, status, code, message, reason):
    assert reason_of(operation, status, code, message) == reason


@pytest.mark.parametrize(
    ("is_vpc_origin", "policy_denies", "reason"),
    [
        (True, False, "network_origin"),
        (True, None, "explicit_deny"),
        (True, True, "explicit_deny"),
        (False, False, "explicit_deny"),
    ],
)
def test_only_a_policy_known_to_deny_nothing_makes_a_deny_the_networks(is_vpc_origin, policy_denies, reason):
    """The same text is said for both (AWS re:Post): what is not known is not guessed."""
    seen = reason_of(
        "GetObject", 403, "AccessDenied", EXPLICIT, is_vpc_origin=is_vpc_origin, policy_denies=policy_denies
    )
    assert seen == reason


def test_a_deny_of_another_kind_of_policy_is_never_the_networks():
    message = _USER + "with an explicit deny in a service control policy"
    seen = reason_of("GetObject", 403, "AccessDenied", message, is_vpc_origin=True, policy_denies=False)
    assert seen == "explicit_deny"


@given(
    operation=st.sampled_from(["GetObject", "HeadObject", "HeadBucket", "PutObject", "other"]),
    status=st.integers(0, 599),
    code=st.text(max_size=30),
    message=st.text(max_size=80),
)
def test_any_answer_has_a_reason_of_the_set(operation, status, code, message):
    assert reason_of(operation, status, code, message) in AccessPointReason
