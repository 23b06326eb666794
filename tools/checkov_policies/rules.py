"""What a block of Terraform must be. Each rule returns what is wrong, in words, or "".

A block comes as checkov renders it: every value in a list, references as text, and what it cannot evaluate
as the text of the expression. So a rule fails where it does not know: one that passes the unknown would never
fire here. Wildcards need reasons, which are comments, so that rule alone reads the source.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

Block = Mapping[str, Any]

FPOLICY_PORT: Final = 9898
# Settings that only exist to switch the verification of certificates off.
_SWITCH: Final = re.compile(r"VERIFY|INSECURE|REJECT_UNAUTHORIZED|SKIP_TLS|DISABLE_(TLS|SSL)|NO_(TLS|SSL)")
_DEAD_LETTERS: Final = re.compile(r"dead_?letter|redrive_policy|on_failure", re.IGNORECASE)
_EVERYTHING: Final = re.compile(r'\b(?:not_resources|resources|Resource|NotResource)\s*=\s*(?:\[[^\]]*)?"\*"')
_REASON: Final = re.compile(r"(^|\s)#\s*(?!checkov:)\S")
_ABSENT: Final = ("", "None", "null")


def tls_off(kind: str, block: Block) -> str:
    """Nothing may switch TLS off, or its verification: environments, endpoints, mounts, listeners."""
    switch = next((name for name in _names(block) if _SWITCH.search(name) and name.isupper()), None)
    if switch:
        return f"{switch} is a switch for the verification of certificates; there must be none"
    plain = next((text for text in _texts(block) if "http://" in text), None)
    if plain:
        return f"an endpoint without TLS: {plain[plain.index('http://') :][:80]}"
    if kind == "aws_ecs_task_definition":
        for volume in _blocks(block, "efs_volume_configuration"):
            if _only(volume.get("transit_encryption")) != "ENABLED":
                return "efs_volume_configuration needs transit_encryption = ENABLED"
    if kind == "aws_lb_listener" and _only(block.get("protocol")) not in ("HTTPS", "TLS"):
        return "a listener needs protocol HTTPS or TLS"
    if kind == "aws_sns_topic_subscription" and _only(block.get("protocol")) == "http":
        return "a subscription needs protocol https"
    return ""


def bucket_without_tls(label: str, neighbours: Iterable[tuple[str, Block]]) -> str:
    """A bucket needs a policy beside it that denies what comes without TLS.

    `neighbours` are type and block of everything in the same folder.
    """
    kept = list(neighbours)
    has_policy = any(
        kind == "aws_s3_bucket_policy" and _names_resource(block.get("bucket"), f"aws_s3_bucket.{label}")
        for kind, block in kept
    )
    denies = any(
        _only(statement.get("effect")) == "Deny"
        and "aws:SecureTransport" in set(_texts(statement.get("condition")))
        for kind, block in kept
        if kind == "aws_iam_policy_document"
        for statement in _statements(block)
    )
    return (
        "" if has_policy and denies else "no bucket policy that denies requests without aws:SecureTransport"
    )


def open_to_addresses(kind: str, block: Block) -> str:
    """Nothing but security groups may reach the FPolicy port: a range of addresses is no identity."""
    if kind == "aws_security_group_rule" and _only(block.get("type")) == "egress":
        return ""
    rules = _blocks(block, "ingress") if kind == "aws_security_group" else [block]
    for rule in rules:
        sources = (
            "cidr_ipv4",
            "cidr_ipv6",
            "prefix_list_id",
            "cidr_blocks",
            "ipv6_cidr_blocks",
            "prefix_list_ids",
        )
        source = next((name for name in sources if _is_given(rule.get(name))), None)
        if source and _may_cover(rule, FPOLICY_PORT):
            return f"{source} reaches port {FPOLICY_PORT}, or an unknown one: name a security group"
    return ""


def queue_not_named(block: Block) -> str:
    """A permission on queues names them: the role that may send to one must not be able to drain another."""
    for statement in _statements(block):
        actions = list(_texts(statement.get("actions") or statement.get("Action")))
        if not any(action == "*" or action.lower().startswith("sqs:") for action in actions):
            continue
        resources = list(_texts(statement.get("resources") or statement.get("Resource")))
        vague = next((resource for resource in resources if "*" in resource), None)
        if vague or not resources:
            return f"{', '.join(actions)} on {vague or 'nothing'}: name each queue by its ARN"
    return ""


def redrive_from_anywhere(block: Block) -> str:
    """A dead-letter queue says which queues it serves."""
    policy = _decoded(_only(block.get("redrive_allow_policy")))
    if policy.get("redrivePermission") != "byQueue" or not list(_texts(policy.get("sourceQueueArns"))):
        return "redrive_allow_policy needs redrivePermission byQueue and its sourceQueueArns"
    return ""


def queue_without_dead_letters(label: str, block: Block, neighbours: Iterable[tuple[str, Block]]) -> str:
    """A queue has a dead-letter queue, or is one. The quarantine is an end, too: people look there."""
    if label == "quarantine" or _is_given(block.get("redrive_policy")):
        return ""
    reference = f"aws_sqs_queue.{label}"
    if any(
        _names_resource(value, reference) for _, other in neighbours for value in _dead_letter_values(other)
    ):
        return ""
    return "no redrive_policy, and nothing here names it as a dead-letter queue"


def alarm_without_runbook(block: Block, pages: frozenset[str]) -> str:
    """An alarm ends with the page that a person opens at night, and the page is there.

    `pages` are the names in docs/runbooks without `.md`. Of an expression, the fixed beginning counts.
    """
    description = " ".join(_texts(block.get("alarm_description")))
    found = re.search(r"docs/runbooks/(.+)\.md$", description)
    if not found:
        return "alarm_description must end with docs/runbooks/<page>.md"
    name = found.group(1)
    if re.fullmatch(r"[a-z0-9-]+", name):
        return "" if name in pages else f"docs/runbooks/{name}.md does not exist"
    beginning = re.match(r"[a-z0-9-]*", name)
    known = beginning is not None and any(page.startswith(beginning.group()) for page in pages)
    return "" if known else f"no page in docs/runbooks begins as {name} does"


def wildcard_without_reason(source: str) -> str:
    """A statement on every resource says why, in a comment in it or right above. `source`: as written."""
    lines = source.splitlines()
    for found in _EVERYTHING.finditer(source):
        number = source.count("\n", 0, found.start())
        first, last = _statement_around(lines, number)
        if not any(_REASON.search(line) for line in lines[first : last + 1]):
            return f"{lines[number].strip()} without a comment that says why nothing narrower will do"
    return ""


def _statement_around(lines: list[str], number: int) -> tuple[int, int]:
    """First and last line of the block that holds a line, and of the comment right above; by indentation."""
    indent = len(lines[number]) - len(lines[number].lstrip())
    first = number
    while first > 0 and (not lines[first].strip() or _indent(lines[first]) >= indent):
        first -= 1
    last = number
    while last + 1 < len(lines) and (not lines[last].strip() or _indent(lines[last]) >= indent):
        last += 1
    while first > 0 and lines[first - 1].lstrip().startswith("#"):
        first -= 1
    return first, last


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _may_cover(rule: Block, port: int) -> bool:
    protocol = str(_only(rule.get("ip_protocol", rule.get("protocol"))))
    if protocol in ("udp", "icmp", "icmpv6"):
        return False
    if protocol in ("-1", "all"):  # ports mean nothing then
        return True
    low, high = (_only(rule.get(name)) for name in ("from_port", "to_port"))
    if isinstance(low, int) and isinstance(high, int):
        return low <= port <= high
    return True


def _statements(block: Block) -> Iterator[Block]:
    """Statements of a policy document, dynamic ones too, or of policies that are written as JSON."""
    yield from _blocks(block, "statement")
    for name in ("policy", "access_policy", "inline_policy"):
        yield from _dicts(_decoded(_only(block.get(name))).get("Statement"))


def _blocks(block: Any, name: str) -> list[Block]:
    """Every block of a name, at any depth, with the contents of dynamic ones."""
    found: list[Block] = []
    if isinstance(block, Mapping):
        for key, value in block.items():
            if key == name:
                for each in _dicts(value):
                    found += list(_dicts(each["content"])) if "content" in each else [each]
            else:
                found += _blocks(value, name)
    elif isinstance(block, list):
        for value in block:
            found += _blocks(value, name)
    return found


def _dead_letter_values(block: Any) -> Iterator[Any]:
    if isinstance(block, Mapping):
        for key, value in block.items():
            if _DEAD_LETTERS.search(str(key)):
                yield value
            else:
                yield from _dead_letter_values(value)
    elif isinstance(block, list):
        for value in block:
            yield from _dead_letter_values(value)


def _names_resource(value: Any, reference: str) -> bool:
    return any(re.search(rf"(^|[^\w.]){re.escape(reference)}(?![\w-])", text) for text in _texts(value))


def _dicts(value: Any) -> list[Block]:
    if isinstance(value, Mapping):
        return [value]
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []


def _only(value: Any) -> Any:
    """A value without the list that checkov puts around it."""
    while isinstance(value, list) and len(value) == 1:
        value = value[0]
    return value


def _is_given(value: Any) -> bool:
    return bool(list(_texts(value))) or isinstance(_only(value), Mapping)


def _decoded(value: Any) -> Block:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return {}
    return value if isinstance(value, Mapping) else {}


def _texts(value: Any) -> Iterator[str]:
    """Every string in a value, keys aside, that is not checkov's own or its word for null."""
    if isinstance(value, str):
        if value not in _ABSENT:
            yield value
    elif isinstance(value, Mapping):
        for key, each in value.items():
            if not str(key).startswith("__"):
                yield from _texts(each)
    elif isinstance(value, list | tuple):  # checkov splits some expressions into tuples
        for each in value:
            yield from _texts(each)


def _names(value: Any) -> Iterator[str]:
    """Every key in a value, and the names in text that checkov could not evaluate ({'NAME': ...})."""
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield str(key)
            yield from _names(each)
    elif isinstance(value, list):
        for each in value:
            yield from _names(each)
    elif isinstance(value, str):
        yield from re.findall(r"[\"']?\b([A-Z][A-Z0-9_]+)\b[\"']?\s*(?:=|:)", value)
        if value.isupper():
            yield value
