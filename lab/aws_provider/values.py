"""Terraform values as Python values, and when two of them mean the same.

None is null, `UNKNOWN` is "known after apply"; lists stand for lists, sets and blocks, dicts for maps,
objects and single blocks.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import msgpack

from lab.aws_provider.schema import Block, TfType

Value = Any  # any Terraform value
Object = dict[str, Value]  # a whole resource, or one nested block


class Unknown:
    """A value that apply will fill in. Its members and parts are unknown, so checks can walk it."""

    def __iter__(self) -> Iterator[Unknown]:
        return iter((self,))

    def get(self, _name: str) -> Unknown:
        return self

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN = Unknown()
_UNKNOWN_EXTENSION = msgpack.ExtType(0, b"\0")


def decode(data: bytes) -> Value:
    """Value of a DynamicValue's msgpack. Refined unknowns (extension 12) are plain unknowns here."""
    return msgpack.unpackb(data, ext_hook=lambda _code, _data: UNKNOWN, strict_map_key=False)


def encode(value: Value) -> bytes:
    packed = msgpack.packb(value, default=_pack_unknown)
    assert isinstance(packed, bytes)
    return packed


def _pack_unknown(value: Value) -> msgpack.ExtType:
    if value is UNKNOWN:
        return _UNKNOWN_EXTENSION
    raise TypeError(f"{type(value).__name__} is not a Terraform value")


def is_known(value: Value) -> bool:
    """Whether nothing in the value waits for apply."""
    if value is UNKNOWN:
        return False
    if isinstance(value, list):
        return all(is_known(item) for item in value)
    if isinstance(value, Mapping):
        return all(is_known(item) for item in value.values())
    return True


def known_or_none(value: Value) -> Value:
    """The value with every unknown turned to null: what functions of the services get."""
    if value is UNKNOWN:
        return None
    if isinstance(value, list):
        return [known_or_none(item) for item in value]
    if isinstance(value, Mapping):
        return {key: known_or_none(item) for key, item in value.items()}
    return value


def empty_object(block: Block) -> Object:
    """An object of the block's shape with nothing set."""
    blocks: Object = {name: None if inner.nesting == "single" else [] for name, inner in block.blocks.items()}
    return {**dict.fromkeys(block.attributes), **blocks}


def conform(value: Value, kind: TfType) -> Value:
    """A reported value in the attribute's type: numbers from text, missing object fields as null.

    Raises ValueError when it cannot be that type.
    """
    if value is None or value is UNKNOWN:
        return value
    if kind == "string":
        return json.dumps(value) if isinstance(value, (dict, list)) else _text(value)
    if kind == "bool":
        if isinstance(value, str) and value.lower() in ("true", "false"):
            return value.lower() == "true"
        if isinstance(value, bool):
            return value
        raise ValueError(f"{value!r} is not a bool")
    if kind == "number":
        return _number(value)
    outer, inner = kind
    if outer in ("list", "set"):
        return [conform(item, inner) for item in value]
    if outer == "map":
        return {str(key): conform(item, inner) for key, item in value.items()}
    return {name: conform(value.get(name), field) for name, field in inner.items()}


def _text(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _number(value: Value) -> int | float:
    number = float(value)
    return int(number) if number.is_integer() else number


def canonical(value: Value, kind: TfType, text: str | None = None) -> Value:
    """A form in which equal values compare equal: sets sorted, JSON parsed.

    `text` says what a string holds: "json" compares parsed, "policy" also ignores the order of lists and
    drops empty members (only for policies: the order of other documents means something).
    """
    if value is None or value is UNKNOWN:
        return value
    if text and isinstance(value, str):
        return canonical_json(value, text)
    if isinstance(kind, list):
        outer, inner = kind
        if outer in ("list", "set"):
            items = [canonical(item, inner) for item in value]
            return sorted(items, key=repr) if outer == "set" else items
        if outer == "map":
            return {key: canonical(item, inner) for key, item in sorted(value.items())}
        return {name: canonical(value.get(name), field) for name, field in inner.items()}
    # A number that binary fractions do not hold exactly, such as 92.8, comes as its decimal text.
    return _number(value) if kind == "number" else value


def canonical_json(value: str, text: str) -> Value:
    try:
        parsed = json.loads(value)
    except ValueError:
        return value
    return _policy_form(parsed) if text == "policy" else parsed


def _policy_form(value: Value) -> Value:
    """Single values and lists of one mean the same in a policy; order means nothing."""
    if isinstance(value, dict):
        items = {key: _policy_form(item) for key, item in sorted(value.items())}
        return {key: item for key, item in items.items() if item not in ("", [], {}, None)}
    if isinstance(value, list):
        items_list = sorted((_policy_form(item) for item in value), key=repr)
        return items_list[0] if len(items_list) == 1 else items_list
    return value


def canonical_block(value: Value, block: Block) -> Value:
    """Canonical form of a nested block's value, whatever its nesting."""
    if value is None or value is UNKNOWN:
        return value
    if isinstance(value, Mapping):
        result: Object = {
            name: canonical(value.get(name), attribute.type) for name, attribute in block.attributes.items()
        }
        result.update({name: canonical_block(value.get(name), inner) for name, inner in block.blocks.items()})
        return result
    items = [canonical_block(item, block) for item in value]
    return sorted(items, key=repr) if block.nesting == "set" else items


def same(name: str, left: Value, right: Value, block: Block, text: str | None = None) -> bool:
    """Whether two values of the attribute or block `name` mean the same."""
    if name in block.blocks:
        inner = block.blocks[name]
        return bool(canonical_block(left, inner) == canonical_block(right, inner))
    kind = block.attributes[name].type
    return bool(canonical(left, kind, text) == canonical(right, kind, text))
