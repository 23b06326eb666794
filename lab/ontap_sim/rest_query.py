"""How every ONTAP collection and object answers a GET: fields, filters, order, pages. Pure.

Source: ONTAP REST reference 3 (requests) and 5 (pagination). The page's next link is opaque to clients; here
it carries the number of the first record.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import quote, urlencode

from lab.ontap_sim.rest_errors import RestError, invalid

Record = Mapping[str, Any]

_DEFAULT_MAX_RECORDS = 10_000
_START = "start.record"
_COMPARISONS = {"<": operator.lt, ">": operator.gt, "<=": operator.le, ">=": operator.ge}
# accepted everywhere; `return_timeout` has an effect where there are jobs
CONTROLS = frozenset({"fields", "max_records", "order_by", "return_records", "return_timeout", _START})


@dataclass(frozen=True, slots=True)
class Resource:
    """A kind of record: every field there is, those shown unasked, and those shown only when named.

    `owner` is the field with the UUID of the SVM whose record it is; an SVM's endpoint shows only its own.
    """

    fields: frozenset[str]
    keys: tuple[str, ...]
    expensive: frozenset[str] = frozenset()
    owner: str = "svm.uuid"

    @classmethod
    def of(cls, names: str, keys: str, expensive: str = "", owner: str = "svm.uuid") -> Resource:
        """Build one from names separated by blanks; keys and expensive ones need not be repeated."""
        key_names, costly = tuple(keys.split()), frozenset(expensive.split())
        return cls(frozenset(names.split()) | {*key_names} | costly, key_names, costly, owner)

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


def select(resource: Resource, records: Iterable[Record], query: Mapping[str, str]) -> list[Record]:
    """Keep the records that pass every filter of a query."""
    for name, condition in query.items():
        if name not in CONTROLS:
            if name not in resource.fields:
                raise RestError(400, "262179", f'Unexpected argument "{name}".', name)
            records = [record for record in records if _passes(get(record, name), condition)]
    return list(records)


def page(
    resource: Resource,
    records: Iterable[Record],
    path: str,
    query: Mapping[str, str],
    *,
    link: Callable[[Record], str] | None,
    at_most: int | None = None,
) -> dict[str, Any]:
    """Answer a GET on a collection. `link` makes a record's self link; `at_most` shortens this one page."""
    chosen = resource.chosen(query.get("fields"))
    found = _ordered(resource, select(resource, records, query), query.get("order_by", ""))
    first = count(query, _START, 0)
    limit = count(query, "max_records", _DEFAULT_MAX_RECORDS)
    end = first + (limit if at_most is None else min(limit, at_most))
    shown = found[first:end]
    answer: dict[str, Any] = {"num_records": len(shown)}
    if query.get("return_records") != "false":
        answer["records"] = [_linked(trim(record, chosen), record, link) for record in shown]
    if link:
        answer["_links"] = {"self": {"href": _link(path, query)}}
    if end < len(found):
        following = {**query, _START: str(end)}
        answer.setdefault("_links", {})["next"] = {"href": _link(path, following)}
    return answer


def _linked(shown: dict[str, Any], record: Record, link: Callable[[Record], str] | None) -> dict[str, Any]:
    return shown | {"_links": {"self": {"href": link(record)}}} if link else shown


def _ordered(resource: Resource, records: list[Record], order: str) -> list[Record]:
    for item in reversed([part.strip() for part in order.split(",") if part.strip()]):
        name, _, direction = item.partition(" ")
        if name not in resource.fields or direction not in ("", "asc", "desc"):
            raise invalid("order_by", item, "field asc|desc")
        records.sort(key=lambda record: _rank(get(record, name)), reverse=direction == "desc")
    return records


def _rank(value: Any) -> tuple[bool, float, str]:
    is_number = isinstance(value, int | float)
    return value is not None, float(value) if is_number else 0.0, "" if is_number else str(value)


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
        elif isinstance(value, list):
            items = [trim(item, chosen, f"{full}.") for item in value if isinstance(item, Mapping)]
            if any(items):
                kept[name] = items
    return kept


def get(record: Record, name: str) -> Any:
    """Read a dotted name; None when it is unset, a list where a list is on the way."""
    value: Any = record
    for part in name.split("."):
        if isinstance(value, list):
            value = [item.get(part) for item in value if isinstance(item, Mapping)]
        else:
            value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _passes(value: Any, condition: str) -> bool:
    if condition in ("null", "!null"):
        return (value is None) == (condition == "null")
    if value is None:
        return False  # records whose filtered field is unset do not match
    if isinstance(value, list):
        return any(_passes(item, condition) for item in value)
    if condition.startswith("!"):
        return not _passes(value, condition[1:])
    return any(_passes_one(value, part) for part in condition.split("|"))


def _passes_one(value: Any, condition: str) -> bool:
    comparison = re.fullmatch(r"(<=|>=|<|>)(.+)", condition)
    if comparison is None:
        text = str(value).lower() if isinstance(value, bool) else str(value)
        return fnmatchcase(text, condition)
    sign, bound = comparison[1], _comparable(comparison[2])
    have = _comparable(str(value))
    if bound is None or have is None or type(have) is not type(bound):
        raise invalid("query", condition, "a number or a time")
    return bool(_COMPARISONS[sign](have, bound))


def _comparable(text: str) -> Any:
    """Read a number or a time with its zone."""
    if re.fullmatch(r"-?\d+", text):
        return int(text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else None


def count(query: Mapping[str, str], name: str, default: int) -> int:
    """Read a number of a query. Raises RestError."""
    text = query.get(name, str(default))
    if not text.isdigit():
        raise invalid(name, text, "number")
    return int(text)


def _link(path: str, parameters: Mapping[str, str]) -> str:
    return f"{path}?{urlencode(parameters, quote_via=quote)}" if parameters else path
