"""Which reason an access point's failed checks get, from all their outcomes and the evidence."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fsxn_runtime.canary.diagnosis import Evidence, is_disrupted, results_of, state_of
from fsxn_runtime.canary.model import Check, CheckName, FindingError, Outcome, Reason, S3RefusedError
from hypothesis import given
from hypothesis import strategies as st

PLAIN = (403, "AccessDenied", "Access Denied")
EXPLICIT = (
    403,
    "AccessDenied",
    "User: x ... with an explicit deny in a resource-based policy",
)
IMPLICIT = (403, "AccessDenied", "User: x ... because no identity-based policy allows it")
BUSY = (503, "ServiceUnavailable", "Service is unable to handle request.")
OPERATIONS = {
    CheckName.S3AP_LIST: "ListObjectsV2",
    CheckName.S3AP_GET: "GetObject",
    CheckName.S3AP_PROBE: "PutObject",
}


def outcome(name: CheckName, refusal: tuple[int, str, str] | None) -> Outcome:
    done = Outcome(Check(name, "ap", lambda: ""), 1.0)
    return replace(done, error=S3RefusedError(OPERATIONS[name], *refusal)) if refusal else done


def reasons(*refusals, joined: bool = False, **evidence) -> list[str]:
    """Reasons of list, get and probe, each refused so or (None) fine."""
    outcomes = [outcome(name, refusal) for name, refusal in zip(OPERATIONS, refusals, strict=False)]
    return [one.reason for one in results_of(outcomes, Evidence(**evidence), joined_to_directory=joined)]


def test_everything_denied_with_a_directory_is_its_outage_only_when_head_bucket_is_allowed():
    denied = (PLAIN, PLAIN)
    assert reasons(*denied, joined=True, head_bucket_allowed=True) == ["directory_outage"] * 2
    assert reasons(*denied, joined=True, head_bucket_allowed=False) == ["layer2_denied"] * 2
    assert reasons(*denied, joined=True) == ["layer2_denied"] * 2
    assert reasons(*denied, joined=False, head_bucket_allowed=True) == ["layer2_denied"] * 2


def test_one_call_that_is_served_shows_that_the_directory_is_there():
    assert reasons(None, PLAIN, joined=True, head_bucket_allowed=True) == ["", "layer2_denied"]


def test_a_throughput_change_explains_plain_denials_and_503_but_no_policy():
    changing = {"throughput_changing": True, "head_bucket_allowed": True}
    assert reasons(PLAIN, BUSY, joined=True, **changing) == ["service_disruption"] * 2
    assert reasons(EXPLICIT, IMPLICIT, **changing) == ["explicit_deny", "not_allowed"]
    assert reasons(BUSY, PLAIN, throughput_changing=False) == ["service_unavailable", "layer2_denied"]


def test_a_deny_is_the_networks_only_when_the_policy_is_known_to_have_none():
    assert reasons(EXPLICIT, is_vpc_origin=True, policy_denies=False) == ["network_origin"]
    assert reasons(EXPLICIT, is_vpc_origin=True, policy_denies=True) == ["explicit_deny"]
    assert reasons(EXPLICIT, is_vpc_origin=True) == ["explicit_deny"]
    assert reasons(EXPLICIT, is_vpc_origin=False, policy_denies=False) == ["explicit_deny"]


def test_a_missing_key_is_the_marker_only_for_the_check_that_reads_it():
    gone = (404, "NoSuchKey", "The specified key does not exist.")
    assert reasons(None, gone, gone) == ["", "marker_missing", "no_such_key"]


@pytest.mark.parametrize(
    ("made", "reason", "detail"),
    [
        ({"timed_out": True}, "timeout", "no answer in time"),
        ({"error": ZeroDivisionError("x")}, "unexpected", "x"),
        ({"error": FindingError(Reason.PROBE_MISMATCH, "other bytes")}, "probe_mismatch", "other bytes"),
        ({"said": "read 6 bytes"}, "", "read 6 bytes"),
    ],
)
def test_what_is_no_refusal_has_its_reason_too(made, reason, detail):
    done = replace(outcome(CheckName.S3AP_GET, None), **made)
    (result,) = results_of([done], Evidence(), joined_to_directory=False)
    assert (result.reason, result.detail, result.ok) == (reason, detail, not reason)


@given(
    refusals=st.lists(st.sampled_from([None, PLAIN, EXPLICIT, IMPLICIT, BUSY]), min_size=1, max_size=3),
    joined=st.booleans(),
    evidence=st.builds(Evidence, *[st.sampled_from([None, False, True])] * 4),
)
def test_a_failed_check_always_has_a_reason_and_a_good_one_never(refusals, joined, evidence):
    outcomes = [outcome(name, refusal) for name, refusal in zip(OPERATIONS, refusals, strict=False)]
    results = results_of(outcomes, evidence, joined_to_directory=joined)
    assert [result.ok for result in results] == [refusal is None for refusal in refusals]
    expected = "available" if not any(refusals) else "disrupted" if is_disrupted(results) else "failing"
    assert state_of(results) == expected
