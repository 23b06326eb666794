"""How every ONTAP collection and object answers a GET: fields, filters, order, pages. Pure.

Source: ONTAP REST reference 3 (requests) and 5 (pagination). The page's next link is opaque to clients; here
it carries the number of the first record.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import quote, urlencode

from lab.ontap_sim.rest_errors import RestError, invalid

Record = Mapping[str, Any]

_DEFAULT_MAX_RECORDS = 10_000
_START = "start.record"
# accepted everywhere; those that time asynchronous work have nothing to wait for here
_CONTROLS = frozenset({"fields", "max_records", "order_by", "return_records", "return_timeout", _START})


@dataclass(frozen=True, slots=True)
class Resource:
    """A kind of record: every field there is, those shown unasked, and those shown only when named."""

    fields: frozenset[str]
    keys: tuple[str, ...]
    expensive: frozenset[str] = frozenset()

    def chosen(self, wanted: str | None) -> frozenset[str]:
        """Turn the value of `fields` into leaf names. One unknown name fails the request."""
        if wanted is None:
            return frozenset(self.keys)
        chosen = set(self.keys)
        for name in wanted.split(","):
            if name == "**":
                chosen |= self.fields
            elif name == "*":
                chosen |= self.fields - self.expensive
            else:
                named = {field for field in self.fields if field == name or field.startswith(f"{name}.")}
                if not named:
                    raise RestError(400, "262197", f'The value "{name}" is invalid for field "fields"', name)
                chosen |= named
        return frozenset(chosen)


def page(
    resource: Resource, records: Iterable[Record], path: str, query: Iterable[tuple[str, str]], *, links: bool
) -> dict[str, Any]:
    """Answer a GET on a collection."""
    parameters = dict(query)
    chosen = resource.chosen(parameters.get("fields"))
    for name, value in parameters.items():
        if name not in _CONTROLS:
            if name not in resource.fields:
                raise RestError(400, "262179", f'Unexpected argument "{name}".', name)
            records = [record for record in records if _passes(get(record, name), value)]
    found = list(records)
    if "order_by" in parameters:
        field, _, direction = parameters["order_by"].partition(" ")
        found.sort(key=lambda record: str(get(record, field)), reverse=direction == "desc")
    first = _count(parameters, _START, 0)
    limit = _count(parameters, "max_records", _DEFAULT_MAX_RECORDS)
    shown = found[first : first + limit]
    answer: dict[str, Any] = {"num_records": len(shown)}
    if parameters.get("return_records") != "false":
        answer["records"] = [trim(record, chosen) for record in shown]
    if links:
        answer["_links"] = {"self": {"href": _link(path, parameters)}}
    if first + limit < len(found):
        following = {**parameters, _START: str(first + limit)}
        answer.setdefault("_links", {})["next"] = {"href": _link(path, following)}
    return answer


def trim(record: Record, chosen: frozenset[str], prefix: str = "") -> dict[str, Any]:
    """Keep the chosen fields of a record; unset ones are absent."""
    kept: dict[str, Any] = {}
    for name, value in record.items():
        full = f"{prefix}{name}"
        if full in chosen:
            kept[name] = value
        elif isinstance(value, Mapping):
            inner = trim(value, chosen, f"{full}.")
            if inner:
                kept[name] = inner
    return kept


def get(record: Record, name: str) -> Any:
    """Read a dotted name; None when it is unset."""
    value: Any = record
    for part in name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _passes(value: Any, condition: str) -> bool:
    if condition in ("null", "!null"):
        return (value is None) == (condition == "null")
    if value is None:
        return False  # records whose filtered field is unset do not match
    if condition.startswith("!"):
        return not _passes(value, condition[1:])
    comparison = re.fullmatch(r"(<=|>=|<|>)(\d+)", condition)
    if comparison and isinstance(value, int):
        sign, number = comparison[1], int(comparison[2])
        outcomes = {"<": value < number, ">": value > number, "<=": value <= number, ">=": value >= number}
        return outcomes[sign]
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return any(fnmatchcase(text, pattern) for pattern in condition.split("|"))


def _count(parameters: Mapping[str, str], name: str, default: int) -> int:
    text = parameters.get(name, str(default))
    if not text.isdigit():
        raise invalid(name, text, "number")
    return int(text)


def _link(path: str, parameters: Mapping[str, str]) -> str:
    return f"{path}?{urlencode(parameters, quote_via=quote)}" if parameters else path
