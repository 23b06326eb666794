"""Which layer refuses: from evidence to a verdict. The first layer that stands in the way is the verdict.

Source: docs/reference/s3-access-points.md, which says of each fact how it is known.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from fsxn_runtime.diagnose.model import Attachment, Call, Diagnosis, Evidence, Layer, State, Step, Target
from fsxn_runtime.errors import RejectedError

# The layer that a failed call was refused at, by reason of edge.access_point_errors; and what to do then.
LAYERS: Final[Mapping[str, Layer]] = {
    "credentials": Layer.SERVICE,
    "denied_unknown": Layer.SERVICE,
    "endpoint_policy": Layer.ENDPOINT_POLICY,
    "explicit_deny": Layer.ACCESS_POINT_POLICY,
    "layer2_denied": Layer.FILE_SYSTEM,
    "network_origin": Layer.NETWORK,
    "no_such_access_point": Layer.NAME,
    "no_such_key": Layer.FILE_SYSTEM,
    "not_allowed": Layer.IDENTITY_POLICY,
    "not_implemented": Layer.SERVICE,
    "refused": Layer.SERVICE,
    "service_unavailable": Layer.SERVICE,
    "throttled": Layer.SERVICE,
    "timeout": Layer.NETWORK,
    "unknown": Layer.SERVICE,
    "unreachable": Layer.SERVICE,
}
ADVICE: Final[Mapping[str, str]] = {
    "credentials": "AWS does not know who calls. Check the credentials and the clock of this machine.",
    "denied_unknown": "A denial whose text names no layer. Compare the layers above.",
    "endpoint_policy": (
        "The policy of the VPC endpoint on the way does not admit it. Add the statements of the output "
        "endpoint_policy of module s3-access-point: they name the access point's ARN."
    ),
    "explicit_deny": (
        "A Deny matches this caller. Add the caller's role to the restriction, or use another role. If "
        "the access point belongs to a VPC, a call from another one gets the same text although no policy"
        " denies."
    ),
    "layer2_denied": (
        "Every policy of AWS allows it. Look at owner and mode bits, or the ACL, of the volume's root and"
        " of the path, as the access point's user sees them; the user itself can never be changed."
    ),
    "network_origin": (
        "The access point admits calls from its own VPC only, through an S3 endpoint there. Call from "
        "that VPC, or create an access point with Internet origin."
    ),
    "no_such_access_point": (
        "S3 knows no such access point in this Region. A replaced access point has a new alias: take it "
        "from `aws fsx describe-s3-access-point-attachments`."
    ),
    "no_such_key": (
        "The object is not there. A key is the file's path below the volume's junction path, without a "
        "slash at the start."
    ),
    "not_allowed": (
        "No policy allows it. Give the role the output reader_policy or writer_policy of module "
        "s3-access-point: s3:ListBucket on the ARN, the rest on ARN/object/*; the alias matches nothing."
    ),
    "not_implemented": "Access points on FSx for ONTAP have no such operation; conditional writes are one.",
    "refused": "S3 refuses the request itself; its text says why.",
    "service_unavailable": (
        "The service is disturbed. Such answers come in bursts while the file system's throughput "
        "capacity changes: look at its administrative actions, and try again after them."
    ),
    "throttled": "Too many requests. Try again later, with fewer at once.",
    "timeout": (
        "No answer in time. A subnet without NAT gateway reaches no access point with Internet origin, "
        "and an S3 gateway endpoint may take the way: call from outside the VPC to compare."
    ),
    "unknown": "An answer that is not in the table; its text is above.",
    "unreachable": "No connection to S3. Check name resolution, route and proxy of this machine.",
}
DIRECTORY_ADVICE: Final = (
    "Every data call is denied, and the SVM is joined to an Active Directory: first see that it reaches its "
    "domain controllers (DNS, routes, security groups, are they running), because without them every data "
    "call is denied although nothing changed. Then look at owner and mode bits, or the ACL."
)
OTHER_DENY_ADVICE: Final = (
    "A Deny of another policy than the access point's; the text names its kind: the role's own, its "
    "boundary, a session's, or the organization's (service or resource control policy)."
)
OTHER_ACCOUNT_ADVICE: Final = (
    "The caller is of another account: there the access point's policy must allow it too. Add a grant "
    "(variable grants of module s3-access-point)."
)
_BY_POLICY: Final = frozenset({"explicit_deny", "not_allowed"})
_RESOURCE_POLICY: Final = "resource-based policy"
# No answer came from S3, or none that looked at the request.
_UNREACHABLE: Final = frozenset({"credentials", "timeout", "unreachable"})
# Calls on data, and the action of IAM that each takes.
ACTIONS: Final[Mapping[str, str]] = {
    "DeleteObject": "s3:DeleteObject",
    "GetObject": "s3:GetObject",
    "ListObjectsV2": "s3:ListBucket",
    "PutObject": "s3:PutObject",
}
# Forms: AWS API model of service fsx (S3AccessPointAttachmentName, S3AccessPointAlias) and S3's ARN.
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{1,48}[a-z0-9]")
_ALIAS: Final = re.compile(r"[a-z0-9][a-z0-9-]{1,54}s3alias")
_ARN: Final = re.compile(r"arn:[a-z-]+:s3:[a-z0-9-]+:[0-9]{12}:accesspoint/[a-z0-9][a-z0-9-]{1,48}[a-z0-9]")
_LIFECYCLES: Final[Mapping[str, str]] = {
    "CREATING": "Wait until it is AVAILABLE; that takes minutes.",
    "DELETING": "It is going away. A new access point will have a new alias.",
    "FAILED": "It still holds its name: DetachAndDeleteS3AccessPoint, mend the cause, create it again.",
    "MISCONFIGURED": "Mend what the reason says; ask AWS Support when it stays.",
}
_AFTER_AWS: Final = frozenset({Layer.FILE_SYSTEM, Layer.SERVICE})
_LOOKUP_FAILED: Final = "failed to lookup the provided user"


def parse_target(text: str) -> Target:
    """Tell name, alias and ARN of an access point apart. Raises RejectedError for anything else."""
    if _ARN.fullmatch(text):
        return Target(arn=text)
    if _ALIAS.fullmatch(text):
        return Target(alias=text)
    if _NAME.fullmatch(text):
        return Target(name=text)
    wrong = "an alias is never part of an ARN; " if "s3alias" in text and text.startswith("arn:") else ""
    raise RejectedError(
        f"access point is {text!r}; {wrong}give its name, its alias (ends with s3alias) or its ARN "
        "(arn:aws:s3:REGION:ACCOUNT:accesspoint/NAME)"
    )


def diagnose(evidence: Evidence) -> Diagnosis:
    """Go through the layers in order."""
    steps = tuple(_step(layer, evidence) for layer in Layer)
    standing = (step for step in steps if step.state in (State.REFUSES, State.UNREACHABLE))
    return Diagnosis(evidence.target, steps, next(standing, None))


def _step(layer: Layer, evidence: Evidence) -> Step:
    """Look at one layer: first what is known of it, then which calls it refused."""
    known = _OWN_LOOK[layer](evidence) if layer in _OWN_LOOK else None
    if known is not None and known.state is State.REFUSES:
        return known
    refused = [call for call in evidence.calls if _counts(call) and _refused_at(call, evidence) is layer]
    if refused:
        return _refusal(layer, refused, evidence)
    if known is not None:
        return known
    passed = _passed(layer, evidence)
    return Step(layer, State.OK if passed else State.UNKNOWN, passed or "no call came this far")


def _counts(call: Call) -> bool:
    """HeadBucket is no health check: it succeeds while data calls are denied, and its denial has no text."""
    return call.operation != "HeadBucket"


def _refused_at(call: Call, evidence: Evidence) -> Layer | None:
    """Give the layer that refused the call; None for one that succeeded.

    S3 does not know an access point whose attachment failed: the name is right then, the attachment is not.
    What kind of policy denied, or does not allow, is in the text.
    """
    if call.reason == "no_such_access_point" and evidence.attachment is not None:
        return Layer.ATTACHMENT
    if call.reason in _BY_POLICY:
        is_of_resource = _RESOURCE_POLICY in call.said.lower()
        return Layer.ACCESS_POINT_POLICY if is_of_resource else Layer.IDENTITY_POLICY
    return LAYERS[call.reason] if call.reason else None


def _refusal(layer: Layer, refused: list[Call], evidence: Evidence) -> Step:
    first = refused[0]
    text = "; ".join(f"{call.operation}: {call.reason} ({call.said})" for call in refused)
    state = State.REFUSES
    if first.reason in _UNREACHABLE and not _is_in_vpc(evidence):
        state = State.UNREACHABLE
    advice = ADVICE[first.reason]
    if first.reason == "layer2_denied" and _is_directory_suspect(evidence):
        advice = DIRECTORY_ADVICE
    if first.reason == "explicit_deny" and layer is Layer.IDENTITY_POLICY:
        advice = OTHER_DENY_ADVICE
    elif first.reason == "explicit_deny" and evidence.policy_denials:
        advice = f"Deny statements: {', '.join(evidence.policy_denials)}. {advice}"
    elif first.reason == "not_allowed" and layer is Layer.ACCESS_POINT_POLICY:
        advice = OTHER_ACCOUNT_ADVICE
    return Step(layer, state, text, advice)


def _is_in_vpc(evidence: Evidence) -> bool:
    return evidence.caller_vpc not in ("", "outside")


def _is_directory_suspect(evidence: Evidence) -> bool:
    """An outage denies every data call at once; a missing permission usually not. HeadBucket goes on."""
    data = [call for call in evidence.calls if call.operation in ACTIONS]
    in_domain = evidence.volume is not None and evidence.volume.is_in_domain is True
    return in_domain and all(call.reason == "layer2_denied" for call in data)


def _passed(layer: Layer, evidence: Evidence) -> str:
    """Say what shows that the layer lets calls pass; "" when nothing does.

    What the file system refused has passed every layer of AWS.
    """
    through = [
        call.operation
        for call in evidence.calls
        if _counts(call)
        and (
            not call.reason or (_refused_at(call, evidence) is Layer.FILE_SYSTEM and layer not in _AFTER_AWS)
        )
    ]
    return f"{', '.join(dict.fromkeys(through))} passed" if through else ""


def _attachment(evidence: Evidence) -> Step | None:
    found = evidence.attachment
    if found is None:
        why = evidence.unread.get("fsx:DescribeS3AccessPointAttachments", "")
        if why:
            return Step(Layer.ATTACHMENT, State.UNKNOWN, f"not read: {why}")
        said = "FSx has no such attachment in this account and Region"
        if any(_counts(call) and not call.reason for call in evidence.calls):
            return Step(Layer.ATTACHMENT, State.UNKNOWN, f"{said}; calls pass all the same")
        return Step(Layer.ATTACHMENT, State.REFUSES, said, ADVICE["no_such_access_point"])
    said = f"{found.lifecycle}{f' ({found.reason})' if found.reason else ''}, acts as {found.identity}"
    if found.lifecycle not in _LIFECYCLES:
        return Step(Layer.ATTACHMENT, State.OK, said)
    advice = _LIFECYCLES[found.lifecycle]
    if _LOOKUP_FAILED in found.reason.lower():
        advice = (
            f"The SVM cannot look up {found.identity}: a UNIX user must be in its name service (fsxadmin is "
            f"not), a Windows user local, or in a domain whose controllers it reaches. {advice}"
        )
    return Step(Layer.ATTACHMENT, State.REFUSES, said, advice)


def _volume(evidence: Evidence) -> Step | None:
    found = evidence.volume
    if found is None:
        return Step(
            Layer.VOLUME, State.UNKNOWN, f"not read: {evidence.unread.get('fsx:DescribeVolumes', 'no id')}"
        )
    if not found.junction_path:
        return Step(
            Layer.VOLUME,
            State.REFUSES,
            f"{found.lifecycle}, not mounted",
            "Give the volume a junction path: an access point needs a mounted volume.",
        )
    if found.lifecycle not in ("AVAILABLE", "CREATED"):
        return Step(
            Layer.VOLUME, State.REFUSES, found.lifecycle, "Look at the volume's lifecycle reason in FSx."
        )
    return Step(Layer.VOLUME, State.OK, f"{found.lifecycle}, mounted at {found.junction_path}")


def _network(evidence: Evidence) -> Step | None:
    found, caller = evidence.attachment, evidence.caller_vpc
    if found is None:
        return None
    origin = _origin(found)
    if found.vpc_id and caller and caller != found.vpc_id:
        return Step(
            Layer.NETWORK,
            State.REFUSES,
            f"{origin}, the caller is {'in ' if caller != 'outside' else ''}{caller}",
            ADVICE["network_origin"],
        )
    passed = _passed(Layer.NETWORK, evidence)
    return Step(
        Layer.NETWORK, State.OK if passed else State.UNKNOWN, f"{origin}; {passed or 'no call passed'}"
    )


def _origin(found: Attachment) -> str:
    return f"only {found.vpc_id}" if found.vpc_id else "Internet"


def _access_point_policy(evidence: Evidence) -> Step | None:
    denials = evidence.policy_denials
    if denials is None:
        return None
    return Step(
        Layer.ACCESS_POINT_POLICY,
        State.OK,
        f"denies in {', '.join(denials)}, none met"
        if denials
        else "no Deny; in the same account that is enough",
    )


def _identity_policy(evidence: Evidence) -> Step | None:
    passed = {ACTIONS[c.operation] for c in evidence.calls if c.operation in ACTIONS and not c.reason}
    # A simulation knows nothing of the access point's policy, which may allow as well: a call knows better.
    proven = passed if evidence.is_caller else frozenset()
    refused = sorted(
        a for a, decision in evidence.decisions.items() if decision != "allowed" and a not in proven
    )
    if refused:
        said = ", ".join(f"{action} {evidence.decisions[action]}" for action in refused)
        return Step(
            Layer.IDENTITY_POLICY,
            State.REFUSES,
            f"simulated for {evidence.identity}: {said}",
            ADVICE["not_allowed"],
        )
    if evidence.decisions:
        return Step(
            Layer.IDENTITY_POLICY,
            State.OK,
            f"simulated for {evidence.identity}: {', '.join(sorted(evidence.decisions))} allowed",
        )
    return None


_OWN_LOOK: Final = {
    Layer.ATTACHMENT: _attachment,
    Layer.VOLUME: _volume,
    Layer.NETWORK: _network,
    Layer.ACCESS_POINT_POLICY: _access_point_policy,
    Layer.IDENTITY_POLICY: _identity_policy,
}
