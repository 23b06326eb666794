"""What one resource type declares: facts for the plan, functions for the calls.

Functions get plain values (null instead of unknown) and the `Cloud`. They return attributes by name; the
engine puts them into the state, compares them, and reports what is missing.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from lab.aws_provider.values import Object

if TYPE_CHECKING:
    from lab.aws_provider.cloud import Cloud


@dataclass(frozen=True, slots=True)
class Record:
    """One resource type.

    create: makes the object; returns at least `id`. Attributes that need further calls belong in `configure`.
    configure: sets what `changed` names, after create (everything set) and on update.
    read: what the local AWS reports; raises NotFoundError when the object is gone. `tags` means all tags.
    delete: removes it; NotFoundError counts as done.
    check: looks at the configuration with unknown values; raises ProviderError.
    plan: may fill in or mark values of the plan (the second argument is the prior state or None).
    """

    type: str
    create: Callable[[Cloud, Object], Object]
    read: Callable[[Cloud, Object], Object]
    delete: Callable[[Cloud, Object], None]
    configure: Callable[[Cloud, Object, set[str]], Object | None] | None = None
    check: Callable[[Object], None] | None = None
    plan: Callable[[Object, Object | None], None] | None = None
    create_only: frozenset[str] = frozenset()
    defaults: Mapping[str, Any] = field(default_factory=dict)
    blank: Mapping[str, Any] = field(
        default_factory=dict
    )  # computed values that the local AWS does not report
    volatile: Mapping[str, tuple[str, ...]] = field(
        default_factory=dict
    )  # computed -> arguments that move it
    documents: Mapping[str, str] = field(default_factory=dict)  # argument -> "json" or "policy"
    patterns: Mapping[str, str] = field(
        default_factory=dict
    )  # argument -> regular expression of the whole value
    name_of: str = "name"  # what errors call the object
    import_id: str = ""  # argument that the import id is written to, besides id


SERVICES: dict[str, tuple[str, ...]] = {}
"""Module of `services/` -> its types without `aws_`: a module is imported when one of its types is used."""


@cache
def record_of(type_name: str) -> Record | None:
    """The record of a full type name; None for a plan-only type."""
    short = type_name.removeprefix("aws_")
    for module, types in SERVICES.items():
        if short in types:
            found: tuple[Record, ...] = importlib.import_module(f"lab.aws_provider.services.{module}").RECORDS
            return next(record for record in found if record.type == type_name)
    return None
