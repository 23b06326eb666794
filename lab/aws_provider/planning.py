"""What a change will do: pure functions from configuration and prior state to the planned state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lab.aws_provider.schema import Attribute, Block
from lab.aws_provider.values import UNKNOWN, Object, Value, canonical_block, is_known, same


@dataclass(slots=True)
class Facts:
    """What the plan must know of a type beyond its schema. Names as in `records.Record`."""

    create_only: frozenset[str] = frozenset()
    volatile: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    documents: Mapping[str, str] = field(default_factory=dict)
    region: str = ""
    default_tags: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Plan:
    planned: Object
    replace: list[str]  # arguments whose change needs a new object


def plan(block: Block, facts: Facts, config: Object, prior: Object | None) -> Plan:
    """Planned state of one resource.

    Built from the configuration, not from Terraform's proposed state: an argument taken out of the
    configuration must go back to its default. If nothing differs, the result is the prior state itself.
    """
    planned = _object(block, config, prior)
    planned["region"] = config.get("region") or facts.region if "region" in block.attributes else None
    if "region" not in block.attributes:
        del planned["region"]
    if "tags_all" in block.attributes:
        planned["tags_all"] = merged_tags(facts.default_tags, planned.get("tags"))
    if prior is None:
        return Plan(planned, [])

    for name in planned:
        if same(name, planned[name], prior[name], block, facts.documents.get(name)):
            planned[name] = prior[name]
    changed = changes(block, planned, prior)
    for name, causes in facts.volatile.items():
        if changed & set(causes) and config.get(name) is None:
            planned[name] = UNKNOWN
    replaced = changed & (facts.create_only | {"region", "name_prefix"})
    return Plan(planned, sorted(replaced))


def changes(block: Block, planned: Object, prior: Object) -> set[str]:
    """Names whose planned value differs from the prior one."""
    return {name for name in planned if not same(name, planned[name], prior[name], block)}


def merged_tags(default_tags: Mapping[str, Any], tags: Value) -> Value:
    """`tags_all`: the provider's default tags and the resource's own. Keys of unknown tags are unknown."""
    if tags is UNKNOWN or not is_known(dict(default_tags)):
        return UNKNOWN
    return {**default_tags, **{key: value for key, value in (tags or {}).items() if value is not None}}


def _object(block: Block, config: Mapping[str, Value], prior: Mapping[str, Value] | None) -> Object:
    result: Object = {
        name: _attribute(attribute, config.get(name), prior.get(name) if prior is not None else UNKNOWN)
        for name, attribute in block.attributes.items()
    }
    for name, inner in block.blocks.items():
        result[name] = _blocks(inner, config.get(name), prior.get(name) if prior is not None else None)
    return result


def _attribute(attribute: Attribute, configured: Value, prior: Value) -> Value:
    """Configured value; else default; else what was there if the provider computes it; else null."""
    if attribute.write_only:
        return None
    if configured is not None:
        return configured
    if attribute.default is not None:
        return attribute.default
    return prior if attribute.computed else None


def _blocks(block: Block, config: Value, prior: Value) -> Value:
    """Nested blocks: as many as configured, each with its own prior to keep computed parts."""
    if config is None or config is UNKNOWN:
        return config
    if isinstance(config, Mapping):
        return _object(block, config, prior)
    return [
        _object(block, item, _matching(block, index, item, prior or [])) for index, item in enumerate(config)
    ]


def _matching(block: Block, index: int, item: Object, prior: list[Object]) -> Object | None:
    """Prior block that `item` continues: same place in a list, same configured values in a set."""
    if block.nesting == "list":
        return prior[index] if index < len(prior) else None
    for candidate in prior:
        if canonical_block(_object(block, item, candidate), block) == canonical_block(candidate, block):
            return candidate
    return None
