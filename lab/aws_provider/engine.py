"""One resource type at work: validate, plan, read, apply, import. `server.py` turns gRPC into these calls."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NoReturn

from lab.aws_provider import planning, preview
from lab.aws_provider.cloud import Cloud
from lab.aws_provider.errors import NotFoundError, ProviderError
from lab.aws_provider.records import Record
from lab.aws_provider.schema import Block
from lab.aws_provider.values import (
    UNKNOWN,
    Object,
    Value,
    conform,
    empty_object,
    is_known,
    known_or_none,
    same,
)


@dataclass(frozen=True, slots=True)
class Applied:
    """State after apply. With an error, the object exists but is not finished: Terraform marks it tainted."""

    state: Object | None
    error: ProviderError | None = None


class Resource:
    """A type with a record (applied to the local AWS) or without one (plan-only)."""

    def __init__(self, name: str, schema: Block, record: Record | None) -> None:
        self.name = name
        self.record = record
        self.block = schema.with_defaults(record.defaults if record else {})

    @cached_property
    def _documents(self) -> dict[str, str]:
        return dict(self.record.documents) if self.record else {}

    # configuration ---------------------------------------------------------------------------------------

    def validate(self, config: Object) -> None:
        """Raise ProviderError for what the schema does not catch and the local AWS accepts silently."""
        for argument, attribute in self.block.attributes.items():
            if attribute.write_only and config.get(argument) is not None:
                raise ProviderError(
                    f"{self.name}: {argument} is write-only, which the stand-in does not know",
                    attribute=argument,
                )
        if self.record is None:
            return
        for argument in self._documents:
            text = config.get(argument)
            if isinstance(text, str) and text:
                try:
                    json.loads(text)
                except ValueError as error:
                    raise ProviderError(
                        f"{self.name}: {argument} is not JSON: {error}", attribute=argument
                    ) from error
        for argument, pattern in self.record.patterns.items():
            value = config.get(argument)
            if isinstance(value, str) and not re.fullmatch(pattern, value):
                raise ProviderError(
                    f"{self.name}: {argument} is {value!r}; it must match {pattern}", attribute=argument
                )
        if self.record.check is not None:
            self.record.check(config)

    # plan ------------------------------------------------------------------------------------------------

    def plan(self, cloud: Cloud, config: Object, prior: Object | None) -> planning.Plan:
        record = self.record
        facts = planning.Facts(
            create_only=record.create_only if record else frozenset(),
            volatile=record.volatile if record else {},
            documents=self._documents,
            region=cloud.region,
            default_tags=cloud.default_tags,
        )
        result = planning.plan(self.block, facts, config, prior)
        if record is not None and record.plan is not None:
            record.plan(result.planned, prior)
        if prior is not None and not planning.changes(self.block, result.planned, prior):
            return planning.Plan(prior, [])
        return result

    # read ------------------------------------------------------------------------------------------------

    def read(self, cloud: Cloud, state: Object, *, imported: bool = False) -> Object | None:
        """The state with everything replaced that the local AWS reports differently; None when it is gone."""
        if self._is_previewed(cloud):
            return dict(state)
        record = self._applied()
        try:
            reported = record.read(cloud, known_or_none(state))
        except NotFoundError:
            return None
        except Exception as error:  # noqa: BLE001 - any failure of a call becomes a diagnostic
            self._fail("read", state, error)
        result = dict(state)
        tags = reported.pop("tags", None)
        for name, value in reported.items():
            value = self._conformed(name, value)
            if not self._absent(name, state, value, imported) and not same(
                name, value, state.get(name), self.block, self._documents.get(name)
            ):
                result[name] = value
        if tags is not None and "tags_all" in self.block.attributes:
            result.update(_read_tags(state, tags))
        if imported:
            self._complete_import(result, cloud)
        return result

    def _absent(self, name: str, state: Object, value: Value, imported: bool) -> bool:
        """Whether a reported value only spells out what the configuration leaves open."""
        if imported or state.get(name) is UNKNOWN:
            return False
        if name in self.block.blocks:
            return not state.get(name)
        if state.get(name) is None and name in self._applied().filled:
            return True
        return state.get(name) is None and value in ("", False, 0, [], {})

    def _complete_import(self, result: Object, cloud: Cloud) -> None:
        for name, attribute in self.block.attributes.items():
            if result[name] is None and attribute.default is not None:
                result[name] = attribute.default
        if "region" in self.block.attributes and result["region"] is None:
            result["region"] = cloud.region

    def import_state(self, identifier: str) -> Object:
        record = self._applied()
        state = empty_object(self.block)
        state["id"] = identifier
        if record.import_id:
            state[record.import_id] = identifier
        return state

    # apply -----------------------------------------------------------------------------------------------

    def create(self, cloud: Cloud, planned: Object) -> Applied:
        if cloud.preview or self._is_previewed(cloud):
            return Applied(preview.finished(self.name, self.block, planned))
        record = self._applied()
        wanted = known_or_none(planned)
        try:
            made = record.create(cloud, wanted)
        except Exception as error:  # noqa: BLE001 - any failure of a call becomes a diagnostic
            self._fail("create", planned, error)
        return self._finish(
            cloud, "create", planned, {**wanted, **made}, made, {n for n, v in wanted.items() if v}
        )

    def update(self, cloud: Cloud, planned: Object, prior: Object) -> Applied:
        if self._is_previewed(cloud):
            return Applied(preview.finished(self.name, self.block, planned))
        changed = planning.changes(self.block, planned, prior)
        state = {name: prior[name] if value is UNKNOWN else value for name, value in planned.items()}
        return self._finish(cloud, "update", planned, state, {}, changed)

    def delete(self, cloud: Cloud, state: Object) -> None:
        if self._is_previewed(cloud):
            return
        record = self._applied()
        try:
            record.delete(cloud, known_or_none(state))
        except NotFoundError:
            return
        except Exception as error:  # noqa: BLE001 - any failure of a call becomes a diagnostic
            self._fail("delete", state, error)

    def _finish(
        self, cloud: Cloud, verb: str, planned: Object, state: Object, made: Object, changed: set[str]
    ) -> Applied:
        """Set what needs further calls, read the object, fill in the unknowns of the plan."""
        record = self._applied()
        try:
            call = record.finish if verb == "create" else record.update
            if call is not None:
                call(cloud, state, changed)
            elif verb == "update" and changed - {"tags", "tags_all"}:
                raise ProviderError(f"{', '.join(sorted(changed))} cannot be changed in place")
            reported = {**record.read(cloud, {**state, **made}), **made}
            reported.pop("tags", None)
        except Exception as error:  # noqa: BLE001 - any failure of a call becomes a diagnostic
            half_done = {
                name: made.get(name) if value is UNKNOWN else value for name, value in planned.items()
            }
            half_done["id"] = state.get("id")
            return Applied(known_or_none(half_done), self._error(verb, planned, error))
        result = {name: self._filled(name, value, reported) for name, value in planned.items()}
        unknown = sorted(name for name, value in result.items() if not is_known(value))
        if unknown:
            left = ProviderError(f"{self.name}: apply left {', '.join(unknown)} unknown")
            return Applied(known_or_none(result), left)
        return Applied(result)

    def _filled(self, name: str, value: Value, reported: Object) -> Value:
        """The planned value with its unknowns taken from what is reported."""
        if is_known(value):
            return value
        if name in self.block.blocks:
            return _fill_blocks(self.block.blocks[name], value, reported.get(name) or [])
        record = self._applied()
        if name in reported:
            return self._conformed(name, reported[name])
        if name in record.blank or name == "name_prefix":
            return record.blank.get(name, "")
        return value

    # helpers ---------------------------------------------------------------------------------------------

    def _conformed(self, name: str, value: Value) -> Value:
        if name in self.block.blocks:
            return _shaped(self.block.blocks[name], value)
        try:
            return conform(value, self.block.attributes[name].type)
        except (ValueError, TypeError, AttributeError) as error:
            raise ProviderError(f"{self.name}: {name} was reported as {value!r}: {error}") from error

    def _is_previewed(self, cloud: Cloud) -> bool:
        """Whether this type exists in Terraform's state only, beside others that are applied."""
        return self.record is None and cloud.previews_plan_only

    def _applied(self) -> Record:
        if self.record is None:
            raise ProviderError(
                f"{self.name} is not available in the laboratory: validate and plan work, apply does not",
                detail="The local AWS has no such service. TF_AWS_PROVIDER=registry uses the real provider.",
            )
        return self.record

    def _error(self, verb: str, state: Object, error: Exception) -> ProviderError:
        """One line with verb, type and name before the cause."""
        name = state.get(self.record.name_of if self.record else "id")
        shown = name if isinstance(name, str) and name else state.get("id")
        subject = f"{self.name} {shown!r}" if isinstance(shown, str) else self.name
        if isinstance(error, ProviderError):
            return ProviderError(
                f"{verb} {subject}: {error.message}", attribute=error.attribute, detail=error.detail
            )
        return ProviderError(f"{verb} {subject}: {type(error).__name__}: {error}")

    def _fail(self, verb: str, state: Object, error: Exception) -> NoReturn:
        raise self._error(verb, state, error) from error


def _shaped(block: Block, value: Value) -> Value:
    """Reported nested blocks with every attribute and inner block present."""
    if value is None:
        return None if block.nesting == "single" else []
    if isinstance(value, list):
        return [_shaped(block, item) for item in value]
    result = empty_object(block)
    for name, item in value.items():
        inner = block.blocks.get(name)
        result[name] = _shaped(inner, item) if inner else conform(item, block.attributes[name].type)
    return result


def _fill_blocks(block: Block, planned: Any, reported: Any) -> Any:
    """Computed parts of nested blocks, matched by place in a list; in a set by the parts that are known."""
    if isinstance(planned, dict):
        source = reported if isinstance(reported, dict) else {}
        filled: Object = {}
        for name, value in planned.items():
            if is_known(value):
                filled[name] = value
            elif name in block.blocks:
                filled[name] = _fill_blocks(block.blocks[name], value, source.get(name) or [])
            else:
                filled[name] = source.get(name)
        return filled
    left = list(reported)
    result = []
    for index, item in enumerate(planned):
        if block.nesting == "list":
            match = left[index] if index < len(left) else {}
        else:
            known = {
                name: value for name, value in item.items() if is_known(value) and value not in (None, [])
            }
            match = next((other for other in left if all(other.get(k) == v for k, v in known.items())), {})
        result.append(_fill_blocks(block, item, match))
    return result


def _read_tags(state: Object, reported: dict[str, str]) -> Object:
    """`tags_all` as reported; in `tags` only what differs from the known `tags_all`.

    Subtracting today's default tags instead would make every resource drift when a default tag changes.
    """
    known_all: dict[str, str] = state.get("tags_all") or {}
    if reported == known_all:
        return {}
    tags = dict(state.get("tags") or {})
    for key in set(known_all) - set(reported):
        tags.pop(key, None)
    tags.update({key: value for key, value in reported.items() if known_all.get(key) != value})
    return {"tags_all": reported, "tags": tags or state.get("tags")}
