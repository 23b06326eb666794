"""What a refusal of S3 means behind an access point on FSx for ONTAP: one reason out of a bounded set.

Two layers must both allow (docs/reference/s3-access-points.md): AWS's policies, then the file system with the
one identity of the access point. Which of them said no is in the text of the error only:

    "Access Denied" and nothing more                            the file system (measured in the field)
    "... with an explicit deny in a resource-based policy"      a Deny in the access point policy (measured in
                                                                the field); also a VPC-origin access point
                                                                reached from another VPC, although no policy
                                                                denies (AWS re:Post)
    "... because no identity-based policy allows the ... action"  nothing allows it (measured in the field)
    "... VPC endpoint policy ..."                               the endpoint policy (IAM user guide,
                                                                "Troubleshoot access denied error messages";
                                                                unmeasured behind an access point)
    501 NotImplemented                                          for example a conditional write (measured)

What the text cannot tell:

- The answer to a HEAD request has no body, so its denial has no layer (`DENIED_UNKNOWN`). HeadBucket
  succeeds while the file system's directory (Active Directory) cannot be reached: it is no health check.
- A directory outage and missing mode bits read alike (`LAYER2_DENIED`). With an outage every data call fails
  at once, those that worked before too.
- A caller of another account or organization may get the short text from AWS's layer as well (IAM user
  guide).
- A call that never ends where there is no way to S3 looks like a slow service (`TIMEOUT`).

Pure: no AWS library, no network. `edge.aws_errors.failure_parts` takes a boto3 error apart for it.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class AccessPointReason(StrEnum):
    """Why a call through an access point failed. A member's value may be a metric's dimension."""

    CREDENTIALS = "credentials"  # who calls is not known: no, wrong or old credentials, a clock that is off
    DENIED_UNKNOWN = "denied_unknown"  # a denial whose text names no layer
    ENDPOINT_POLICY = "endpoint_policy"  # the policy of the VPC endpoint on the way
    EXPLICIT_DENY = "explicit_deny"  # a Deny in a policy of AWS
    LAYER2_DENIED = "layer2_denied"  # the file system: permission of the identity, or its directory is away
    NETWORK_ORIGIN = "network_origin"  # a VPC-origin access point, called from another place
    NOT_ALLOWED = "not_allowed"  # no policy of AWS allows it
    NOT_IMPLEMENTED = "not_implemented"  # this kind of access point has no such operation
    NO_SUCH_ACCESS_POINT = "no_such_access_point"
    NO_SUCH_KEY = "no_such_key"
    REFUSED = "refused"  # another 4xx: the request itself is wrong
    SERVICE_UNAVAILABLE = "service_unavailable"  # 5xx; seen in bursts while throughput capacity changes
    THROTTLED = "throttled"
    TIMEOUT = "timeout"
    UNKNOWN = "unknown"  # no answer of S3 that this table knows
    UNREACHABLE = "unreachable"  # no connection: name, route, TLS


# Names of botocore's exceptions, which come without HTTP status.
_CLIENT_SIDE: Final = {
    "ConnectTimeoutError": AccessPointReason.TIMEOUT,
    "ConnectionClosedError": AccessPointReason.UNREACHABLE,
    "ConnectionError": AccessPointReason.UNREACHABLE,
    "CredentialRetrievalError": AccessPointReason.CREDENTIALS,
    "EndpointConnectionError": AccessPointReason.UNREACHABLE,
    "HTTPClientError": AccessPointReason.UNREACHABLE,
    "NoCredentialsError": AccessPointReason.CREDENTIALS,
    "PartialCredentialsError": AccessPointReason.CREDENTIALS,
    "ProxyConnectionError": AccessPointReason.UNREACHABLE,
    "ReadTimeoutError": AccessPointReason.TIMEOUT,
    "ResponseStreamingError": AccessPointReason.UNREACHABLE,
    "SSLError": AccessPointReason.UNREACHABLE,
}
# Codes of S3's list of error codes (S3 API reference, "Error responses").
_BY_CODE: Final = {
    "ExpiredToken": AccessPointReason.CREDENTIALS,
    "InvalidAccessKeyId": AccessPointReason.CREDENTIALS,
    "InvalidAccessPoint": AccessPointReason.NO_SUCH_ACCESS_POINT,
    "InvalidAccessPointAliasError": AccessPointReason.NO_SUCH_ACCESS_POINT,
    "InvalidToken": AccessPointReason.CREDENTIALS,
    "NoSuchAccessPoint": AccessPointReason.NO_SUCH_ACCESS_POINT,
    "NoSuchBucket": AccessPointReason.NO_SUCH_ACCESS_POINT,  # what an alias that is gone gets
    "NoSuchKey": AccessPointReason.NO_SUCH_KEY,
    "RequestLimitExceeded": AccessPointReason.THROTTLED,
    "RequestTimeTooSkewed": AccessPointReason.CREDENTIALS,
    "RequestTimeout": AccessPointReason.TIMEOUT,
    "SignatureDoesNotMatch": AccessPointReason.CREDENTIALS,
    "SlowDown": AccessPointReason.THROTTLED,
    "Throttling": AccessPointReason.THROTTLED,
    "ThrottlingException": AccessPointReason.THROTTLED,
    "TooManyRequests": AccessPointReason.THROTTLED,
}
# Operations on one object: their 404 without a body can only be the object's.
_OF_AN_OBJECT: Final = frozenset({"GetObject", "GetObjectAttributes", "GetObjectTagging", "HeadObject"})


def reason_of(
    operation: str,
    http_status: int,
    error_code: str,
    message: str,
    *,
    is_vpc_origin: bool = False,
    policy_denies: bool | None = None,
) -> AccessPointReason:
    """Name the reason of a failed call.

    `operation` is S3's name, for example "GetObject". Without an answer, `http_status` is 0 and `error_code`
    the name of botocore's exception. `is_vpc_origin` and `policy_denies` (None: not known) are what the
    caller knows of the access point: only when its policy is known to deny nothing is the text of an explicit
    deny the network origin's.
    """
    if http_status == 0:
        return _CLIENT_SIDE.get(error_code, AccessPointReason.UNKNOWN)
    if error_code in _BY_CODE:
        return _BY_CODE[error_code]
    if http_status == 403:
        return _denial(operation, message, is_vpc_origin and policy_denies is False)
    if http_status == 404:
        return (
            AccessPointReason.NO_SUCH_KEY
            if operation in _OF_AN_OBJECT
            else AccessPointReason.NO_SUCH_ACCESS_POINT
        )
    if http_status == 429:
        return AccessPointReason.THROTTLED
    if http_status == 501:
        return AccessPointReason.NOT_IMPLEMENTED
    if http_status >= 500:
        return AccessPointReason.SERVICE_UNAVAILABLE
    return AccessPointReason.REFUSED if http_status >= 400 else AccessPointReason.UNKNOWN


def _denial(operation: str, message: str, is_origin: bool) -> AccessPointReason:
    text = message.lower()
    if "vpc endpoint policy" in text:
        return AccessPointReason.ENDPOINT_POLICY
    if "explicit deny" in text:
        is_of_resource = "resource-based policy" in text
        return (
            AccessPointReason.NETWORK_ORIGIN
            if is_origin and is_of_resource
            else AccessPointReason.EXPLICIT_DENY
        )
    if "because no " in text:
        return AccessPointReason.NOT_ALLOWED
    if text.strip().rstrip(".") == "access denied" and not operation.startswith("Head"):
        return AccessPointReason.LAYER2_DENIED
    return AccessPointReason.DENIED_UNKNOWN
