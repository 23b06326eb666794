"""Evidence against verdict: one line a situation that an operator meets."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fsxn_runtime.diagnose import ACTIONS, Evidence, Layer, State, diagnose, parse_target
from fsxn_runtime.diagnose.core import ADVICE, DIRECTORY_ADVICE, LAYERS
from fsxn_runtime.diagnose.model import Attachment, Call, Target, Volume
from fsxn_runtime.edge.access_point_errors import AccessPointReason
from fsxn_runtime.errors import RejectedError
from hypothesis import given
from hypothesis import strategies as st

BY_RESOURCE = "User: x is not authorized with an explicit deny in a resource-based policy"
ALIAS = "legal-vol1-abcdefghijklmnop-ext-s3alias"
ARN = "arn:aws:s3:us-east-1:111122223333:accesspoint/legal-vol1"
ATTACHMENT = Attachment("legal-vol1", ALIAS, ARN, "AVAILABLE", "", "fsvol-1", "", "UNIX user reader")
VOLUME = Volume("CREATED", "/vol1", is_in_domain=False)
HEAD, LIST, GET, PUT = Call("HeadBucket"), Call("ListObjectsV2"), Call("GetObject"), Call("PutObject")
GOOD = Evidence(
    target=ALIAS,
    calls=(HEAD, LIST, GET),
    attachment=ATTACHMENT,
    volume=VOLUME,
    policy_denials=(),
    identity="arn:aws:iam::111122223333:role/reader",
    decisions={"s3:GetObject": "allowed", "s3:ListBucket": "allowed"},
)
IN_VPC = replace(ATTACHMENT, vpc_id="vpc-1")
IN_DOMAIN = replace(VOLUME, is_in_domain=True)


def denied(reason, *calls, said="said"):
    return tuple(replace(call, reason=reason, said=said) for call in calls)


def has(**changes):
    return replace(GOOD, **changes)


FAILED = replace(
    ATTACHMENT,
    lifecycle="FAILED",
    reason="Failed to lookup the provided user in ONTAP",
    identity="UNIX user x",
)
# name: (evidence, layer or None, state, what the advice must speak of)
SITUATIONS = {
    "all is well": (GOOD, None, None, ""),
    "the alias of a replaced one": (
        has(attachment=None, volume=None, calls=denied("no_such_access_point", HEAD, LIST)),
        Layer.NAME,
        State.REFUSES,
        "new alias",
    ),
    "no attachment and no answer": (
        has(attachment=None, volume=None, calls=denied("denied_unknown", LIST)),
        Layer.ATTACHMENT,
        State.REFUSES,
        "new alias",
    ),
    "an unknown user": (
        has(attachment=FAILED, calls=denied("no_such_access_point", HEAD, LIST)),
        Layer.ATTACHMENT,
        State.REFUSES,
        "fsxadmin",
    ),
    "misconfigured": (
        has(attachment=replace(ATTACHMENT, lifecycle="MISCONFIGURED", reason="r")),
        Layer.ATTACHMENT,
        State.REFUSES,
        "reason",
    ),
    "known to FSx and not to S3": (
        has(calls=denied("no_such_access_point", LIST)),
        Layer.ATTACHMENT,
        State.REFUSES,
        "new alias",
    ),
    "not mounted": (
        has(volume=replace(VOLUME, junction_path="")),
        Layer.VOLUME,
        State.REFUSES,
        "junction path",
    ),
    "a volume that failed": (
        has(volume=replace(VOLUME, lifecycle="FAILED")),
        Layer.VOLUME,
        State.REFUSES,
        "FSx",
    ),
    "called from outside": (
        has(attachment=IN_VPC, caller_vpc="outside", calls=denied("explicit_deny", LIST)),
        Layer.NETWORK,
        State.REFUSES,
        "own VPC",
    ),
    "called from another VPC": (
        has(attachment=IN_VPC, caller_vpc="vpc-2", calls=denied("explicit_deny", LIST)),
        Layer.NETWORK,
        State.REFUSES,
        "own VPC",
    ),
    "a deny although no policy denies": (
        has(attachment=IN_VPC, calls=denied("network_origin", LIST)),
        Layer.NETWORK,
        State.REFUSES,
        "own VPC",
    ),
    "a gateway endpoint in the way": (
        has(caller_vpc="vpc-2", calls=denied("timeout", HEAD, LIST)),
        Layer.NETWORK,
        State.REFUSES,
        "gateway endpoint",
    ),
    "no answer at an unknown place": (
        has(calls=denied("timeout", HEAD, LIST)),
        Layer.NETWORK,
        State.UNREACHABLE,
        "gateway endpoint",
    ),
    "a restriction": (
        has(policy_denials=("OnlyTheInventory",), calls=denied("explicit_deny", LIST, said=BY_RESOURCE)),
        Layer.ACCESS_POINT_POLICY,
        State.REFUSES,
        "OnlyTheInventory",
    ),
    "a deny of the organization": (
        has(
            policy_denials=("A",), calls=denied("explicit_deny", LIST, said="... in a service control policy")
        ),
        Layer.IDENTITY_POLICY,
        State.REFUSES,
        "organization",
    ),
    "a caller of another account": (
        has(decisions={}, calls=denied("not_allowed", LIST, said="because no resource-based policy allows")),
        Layer.ACCESS_POINT_POLICY,
        State.REFUSES,
        "grants",
    ),
    "a role without permission": (
        has(decisions={}, calls=denied("not_allowed", LIST)),
        Layer.IDENTITY_POLICY,
        State.REFUSES,
        "reader_policy",
    ),
    "a function's role without permission": (
        has(is_caller=False, decisions={"s3:ListBucket": "implicitDeny"}),
        Layer.IDENTITY_POLICY,
        State.REFUSES,
        "reader_policy",
    ),
    "a grant that the simulation cannot know": (
        has(decisions={"s3:ListBucket": "implicitDeny"}),
        None,
        None,
        "",
    ),
    "an endpoint policy": (
        has(calls=denied("endpoint_policy", LIST)),
        Layer.ENDPOINT_POLICY,
        State.REFUSES,
        "endpoint_policy",
    ),
    "mode bits": (
        has(calls=(HEAD, LIST, *denied("layer2_denied", GET))),
        Layer.FILE_SYSTEM,
        State.REFUSES,
        "mode bits",
    ),
    "no right at all, without a domain": (
        has(calls=(HEAD, *denied("layer2_denied", LIST, GET))),
        Layer.FILE_SYSTEM,
        State.REFUSES,
        "mode bits",
    ),
    "the domain controllers are away": (
        has(volume=IN_DOMAIN, calls=(HEAD, *denied("layer2_denied", LIST, GET))),
        Layer.FILE_SYSTEM,
        State.REFUSES,
        "domain controllers",
    ),
    "one denial in a domain": (
        has(volume=IN_DOMAIN, calls=(HEAD, LIST, *denied("layer2_denied", GET))),
        Layer.FILE_SYSTEM,
        State.REFUSES,
        "as the access point's user",
    ),
    "no such object": (
        has(calls=(LIST, *denied("no_such_key", GET))),
        Layer.FILE_SYSTEM,
        State.REFUSES,
        "key",
    ),
    "a throughput change": (
        has(calls=denied("service_unavailable", LIST)),
        Layer.SERVICE,
        State.REFUSES,
        "administrative actions",
    ),
    "no credentials": (
        has(calls=denied("credentials", LIST)),
        Layer.SERVICE,
        State.UNREACHABLE,
        "credentials",
    ),
    "no network": (
        has(calls=denied("unreachable", LIST)),
        Layer.SERVICE,
        State.UNREACHABLE,
        "name resolution",
    ),
    "the earlier of two layers": (
        has(volume=replace(VOLUME, junction_path=""), calls=denied("layer2_denied", LIST)),
        Layer.VOLUME,
        State.REFUSES,
        "junction path",
    ),
}


@pytest.mark.parametrize("situation", SITUATIONS)
def test_a_situation_has_its_verdict(situation):
    evidence, layer, state, word = SITUATIONS[situation]
    verdict = diagnose(evidence).verdict
    if layer is None:
        assert verdict is None
        return
    assert (verdict.layer, verdict.state) == (layer, state)
    assert word in verdict.advice


def test_every_reason_has_a_layer_and_an_advice():
    assert set(LAYERS) == set(ADVICE) == {reason.value for reason in AccessPointReason}


def test_a_head_is_no_health_check():
    """It succeeds during a directory outage, and its denial names no layer: neither counts."""
    outage = diagnose(has(volume=IN_DOMAIN, calls=(HEAD, *denied("layer2_denied", LIST, GET)))).verdict
    assert outage.advice == DIRECTORY_ADVICE
    assert diagnose(has(calls=(*denied("denied_unknown", HEAD), LIST, GET))).verdict is None


def test_what_the_file_system_refused_has_passed_aws():
    found = diagnose(has(policy_denials=None, decisions={}, calls=denied("layer2_denied", LIST)))
    states = {step.layer: step.state for step in found.steps}
    assert states[Layer.IDENTITY_POLICY] is states[Layer.ACCESS_POINT_POLICY] is State.OK
    assert states[Layer.SERVICE] is State.UNKNOWN


def test_what_was_not_read_is_unknown_and_says_why():
    found = diagnose(
        has(attachment=None, volume=None, unread={"fsx:DescribeS3AccessPointAttachments": "not authorized"})
    )
    step = found.steps[list(Layer).index(Layer.ATTACHMENT)]
    assert (step.state, found.verdict) == (State.UNKNOWN, None)
    assert "not authorized" in step.text


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("legal-vol1", Target(name="legal-vol1")),
        (ALIAS, Target(alias=ALIAS)),
        (ARN, Target(arn=ARN)),
    ],
)
def test_a_name_an_alias_and_an_arn_are_told_apart(text, target):
    assert parse_target(text) == target
    assert target.text == text


@pytest.mark.parametrize(
    "text", ["", "ab", "Legal", "arn:aws:s3:::bucket", f"s3://{ALIAS}", f"{ARN}/object/a"]
)
def test_anything_else_is_refused(text):
    with pytest.raises(RejectedError, match="accesspoint/NAME"):
        parse_target(text)


def test_an_alias_in_an_arn_is_named_as_the_mistake():
    with pytest.raises(RejectedError, match="an alias is never part of an ARN"):
        parse_target(f"arn:aws:s3:::{ALIAS}")


CALLS = st.builds(
    Call,
    operation=st.sampled_from(["HeadBucket", *ACTIONS]),
    reason=st.sampled_from(["", *(reason.value for reason in AccessPointReason)]),
)


@given(
    calls=st.lists(CALLS, max_size=5).map(tuple),
    attachment=st.sampled_from([None, ATTACHMENT, IN_VPC, FAILED]),
    volume=st.sampled_from([None, VOLUME, IN_DOMAIN]),
    caller_vpc=st.sampled_from(["", "outside", "vpc-1", "vpc-2"]),
    denials=st.sampled_from([None, (), ("A",)]),
)
def test_a_failed_data_call_always_has_a_verdict(calls, attachment, volume, caller_vpc, denials):
    found = diagnose(
        has(calls=calls, attachment=attachment, volume=volume, caller_vpc=caller_vpc, policy_denials=denials)
    )
    assert [step.layer for step in found.steps] == list(Layer)
    if any(call.reason and call.operation != "HeadBucket" for call in calls):
        assert found.verdict is not None
    if found.verdict:
        assert found.verdict.advice
