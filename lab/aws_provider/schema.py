"""The provider's schema as data: loaded from `schema.json`, served to Terraform, used by codec and plan."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tf.gen import tfplugin_pb2 as pb

TfType = Any  # Terraform's type notation: "string", ["list", "string"], ["object", {...}]

_NESTING = {
    "list": pb.Schema.NestedBlock.LIST,
    "set": pb.Schema.NestedBlock.SET,
    "single": pb.Schema.NestedBlock.SINGLE,
}


@dataclass(frozen=True, slots=True)
class Attribute:
    type: TfType
    required: bool = False
    optional: bool = False
    computed: bool = False
    sensitive: bool = False
    write_only: bool = False
    default: Any = None

    @staticmethod
    def parse(row: list[Any]) -> Attribute:
        kind, flags = row[0], row[1]
        return Attribute(
            type=kind,
            required="r" in flags,
            optional="o" in flags,
            computed="c" in flags,
            sensitive="s" in flags,
            write_only="w" in flags,
            default=row[2] if len(row) > 2 else None,
        )


@dataclass(frozen=True, slots=True)
class Block:
    attributes: Mapping[str, Attribute]
    blocks: Mapping[str, Block] = field(default_factory=dict)
    nesting: str = "single"
    min_items: int = 0
    max_items: int = 0

    @staticmethod
    def parse(raw: Mapping[str, Any]) -> Block:
        return Block(
            attributes={name: Attribute.parse(row) for name, row in raw["attributes"].items()},
            blocks={name: Block.parse(inner) for name, inner in raw.get("blocks", {}).items()},
            nesting=raw.get("nesting", "single"),
            min_items=raw.get("min", 0),
            max_items=raw.get("max", 0),
        )

    def with_defaults(self, defaults: Mapping[str, Any]) -> Block:
        """The block with planned defaults. Terraform accepts a planned value that the configuration does not
        give only for computed attributes, so an attribute with a default becomes one."""
        attributes = dict(self.attributes)
        for name, attribute in self.attributes.items():
            default = defaults.get(name, attribute.default)
            computed = attribute.computed or default is not None
            attributes[name] = replace(attribute, default=default, computed=computed)
        return replace(self, attributes=attributes)

    def message(self) -> pb.Schema.Block:
        """The form that Terraform asks for."""
        return pb.Schema.Block(
            attributes=[
                pb.Schema.Attribute(
                    name=name,
                    type=json.dumps(attribute.type).encode(),
                    required=attribute.required,
                    optional=attribute.optional,
                    computed=attribute.computed,
                    sensitive=attribute.sensitive,
                )
                for name, attribute in self.attributes.items()
            ],
            block_types=[
                pb.Schema.NestedBlock(
                    type_name=name,
                    block=block.message(),
                    nesting=_NESTING[block.nesting],
                    min_items=block.min_items if block.nesting != "single" else 0,
                    max_items=block.max_items if block.nesting != "single" else 0,
                )
                for name, block in self.blocks.items()
            ],
        )


@dataclass(frozen=True, slots=True)
class ProviderSchema:
    provider: Block
    resources: Mapping[str, Block]
    data_sources: Mapping[str, Block]
    sources: Mapping[str, str]


def load() -> ProviderSchema:
    """The committed schema."""
    raw = json.loads(Path(__file__).with_name("schema.json").read_text())
    return ProviderSchema(
        provider=Block.parse(raw["provider"]),
        resources={name: Block.parse(block) for name, block in raw["resources"].items()},
        data_sources={name: Block.parse(block) for name, block in raw["data_sources"].items()},
        sources=raw["sources"],
    )
