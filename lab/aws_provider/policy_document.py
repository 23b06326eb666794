"""`aws_iam_policy_document`: the JSON text of a policy, in the form the real provider writes.

Form, from the provider's documentation and observed results: keys in the order Version, Id, Statement and
Sid, Effect, Action, NotAction, Resource, NotResource, Principal, NotPrincipal, Condition; empty ones left
out; one value as a string, several sorted downwards (condition values keep their order); `&{` becomes `${`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from lab.aws_provider.errors import ProviderError

DEFAULT_VERSION = "2012-10-17"
Document = dict[str, Any]


def render(config: Mapping[str, Any]) -> tuple[str, str]:
    """Indented and minified JSON for the data source's configuration. Raises ProviderError."""
    merged: Document = {}
    seen: set[str] = set()
    for index, text in enumerate(config.get("source_policy_documents") or []):
        source = _parse(text, "source_policy_documents", index)
        for statement in source.get("Statement", []):
            sid = statement.get("Sid", "")
            if sid and sid in seen:
                raise ProviderError(
                    f"source document {index}: duplicate Sid {sid!r}", attribute="source_policy_documents"
                )
            seen.add(sid)
        merge(merged, source)
    merge(merged, _own(config))
    for index, text in enumerate(config.get("override_policy_documents") or []):
        merge(merged, _parse(text, "override_policy_documents", index))
    ordered = {key: merged[key] for key in ("Version", "Id", "Statement") if merged.get(key)}
    return _dump(ordered, indent=2), _dump(ordered)


def merge(target: Document, other: Document) -> None:
    """Add the other's statements; one with the Sid of an existing statement takes its place."""
    if other.get("Id"):
        target["Id"] = other["Id"]
    target["Version"] = max(target.get("Version", ""), other.get("Version", ""))
    statements = target.setdefault("Statement", [])
    for statement in other.get("Statement", []):
        sid = statement.get("Sid", "")
        place = next((i for i, old in enumerate(statements) if sid and old.get("Sid") == sid), None)
        if place is None:
            statements.append(statement)
        else:
            statements[place] = statement


def _own(config: Mapping[str, Any]) -> Document:
    version = config.get("version") or DEFAULT_VERSION
    statements: list[Document] = []
    sids: set[str] = set()
    for block in config.get("statement") or []:
        sid = block.get("sid") or ""
        if sid in sids:
            raise ProviderError(f"duplicate Sid {sid!r} in aws_iam_policy_document", attribute="statement")
        sids |= {sid} if sid else set()
        statements.append(_statement(block, sid, version))
    return {"Version": version, "Id": config.get("policy_id") or "", "Statement": statements}


def _statement(block: Mapping[str, Any], sid: str, version: str) -> Document:
    conditions: dict[str, dict[str, list[str]]] = {}
    for condition in block.get("condition") or []:
        values = conditions.setdefault(condition["test"], {}).setdefault(condition["variable"], [])
        values += [_variables(value or "", version) for value in condition["values"]]
    statement = {
        "Sid": sid,
        "Effect": block.get("effect") or "Allow",
        "Action": _one_or_many(block.get("actions"), version),
        "NotAction": _one_or_many(block.get("not_actions"), version),
        "Resource": _one_or_many(block.get("resources"), version),
        "NotResource": _one_or_many(block.get("not_resources"), version),
        "Principal": _principals(block.get("principals"), version),
        "NotPrincipal": _principals(block.get("not_principals"), version),
        "Condition": {
            test: {key: values[0] if len(values) == 1 else values for key, values in sorted(keys.items())}
            for test, keys in sorted(conditions.items())
        },
    }
    return {key: value for key, value in statement.items() if value}


def _principals(blocks: Iterable[Mapping[str, Any]] | None, version: str) -> Any:
    """Identifiers by kind. Kind "*" with identifier "*" is the bare "*"; {"AWS": "*"} means another."""
    by_kind: dict[str, list[str]] = {}
    for block in blocks or []:
        identifiers = sorted((_variables(item, version) for item in block["identifiers"]), reverse=True)
        by_kind.setdefault(block["type"], []).extend(identifiers)
    if by_kind == {"*": ["*"]}:
        return "*"
    return {kind: items[0] if len(items) == 1 else items for kind, items in sorted(by_kind.items())}


def _one_or_many(values: list[str] | None, version: str) -> Any:
    items = sorted((_variables(value, version) for value in values or []), reverse=True)
    return items[0] if len(items) == 1 else items


def _variables(value: str, version: str) -> str:
    if "&{" in value and version == "2008-10-17":
        raise ProviderError(
            f"{value!r}: policy variables need version {DEFAULT_VERSION}", attribute="version"
        )
    return value.replace("&{", "${")


def _parse(text: str | None, attribute: str, index: int) -> Document:
    if not text:
        return {}
    try:
        document = json.loads(text)
    except ValueError as error:
        raise ProviderError(f"{attribute}[{index}] is not JSON: {error}", attribute=attribute) from error
    statements = document.get("Statement", [])
    document["Statement"] = [statements] if isinstance(statements, dict) else statements
    return dict(document)


def _dump(document: Document, indent: int | None = None) -> str:
    separators = (",", ": ") if indent else (",", ":")
    text = json.dumps(document, indent=indent, separators=separators, ensure_ascii=False)
    # The real provider's JSON encoder escapes these three, also inside strings.
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
