"""A JSON Schema of OpenLineage run events, read from the classes that the project publishes.

See tests/data/openlineage/SOURCES.md. The classes are read as text and never run.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jsonschema import Draft202012Validator, FormatChecker

_FOLDER = Path(__file__).parents[1] / "data" / "openlineage"
_SIMPLE = {"str": {"type": "string"}, "int": {"type": "integer"}, "bool": {"type": "boolean"}}
# What a class's own check of a field calls, and the format that it checks by that.
_FORMATS = {"isoparse": "date-time", "UUID": "uuid", "urlparse": "uri"}
# Facets stand in the base classes as RunFacet, DatasetFacet ...; the parts that are open to all facets.
_FACETS = ("RunFacet", "JobFacet", "DatasetFacet", "InputDatasetFacet", "OutputDatasetFacet")


def run_event_schema() -> dict[str, Any]:
    """Give the schema; each facet is held to the class that its `_schemaURL` names."""
    classes = {node.name: node for path in sorted(_FOLDER.glob("*.py.txt")) for node in _classes(path)}
    definitions = {
        name: _enum(node) if _bases(node) == ["Enum"] else _object(name, classes)
        for name, node in classes.items()
    }
    for kind in _FACETS:
        derived = [name for name, node in classes.items() if kind in _bases(node)]
        if derived:
            definitions[kind] = {"anyOf": [{"$ref": f"#/$defs/{name}"} for name in derived]}
    return {"$ref": "#/$defs/RunEvent", "$defs": definitions}


def validator() -> Draft202012Validator:
    """Check events with their formats, of which `jsonschema` by itself knows only some."""
    formats = FormatChecker(formats=["uuid"])
    formats.checks("date-time", raises=ValueError)(_is_date_time)
    formats.checks("uri", raises=ValueError)(_is_uri)
    schema = run_event_schema()
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema, format_checker=formats)


def _is_date_time(text: object) -> bool:
    return isinstance(text, str) and "T" in text and datetime.fromisoformat(text).tzinfo is not None


def _is_uri(text: object) -> bool:
    return isinstance(text, str) and text.isascii() and " " not in text and bool(urlsplit(text).scheme)


def _classes(path: Path) -> Iterator[ast.ClassDef]:
    return (node for node in ast.parse(path.read_text()).body if isinstance(node, ast.ClassDef))


def _bases(node: ast.ClassDef) -> list[str]:
    return [ast.unparse(base) for base in node.bases]


def _enum(node: ast.ClassDef) -> dict[str, Any]:
    return {"enum": [ast.literal_eval(each.value) for each in node.body if isinstance(each, ast.Assign)]}


def _object(name: str, classes: dict[str, ast.ClassDef]) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    required: list[str] = []
    for node in _line_of(name, classes):
        formats = _formats(node)
        for field in node.body:
            if not isinstance(field, ast.AnnAssign) or "ClassVar" in ast.unparse(field.annotation):
                continue
            field_name = ast.unparse(field.target)
            properties[field_name] = _type(field.annotation) | formats.get(field_name, {})
            if not _has_default(field):
                required.append(field_name)
    # Classes fill these in by themselves; in JSON the specification asks for them.
    required += [each for each in ("producer", "schemaURL", "_producer", "_schemaURL") if each in properties]
    schema_url = _schema_url(classes[name])
    for each in ("schemaURL", "_schemaURL"):
        if each in properties and schema_url:
            properties[each] = {"const": schema_url}
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


def _line_of(name: str, classes: dict[str, ast.ClassDef]) -> list[ast.ClassDef]:
    """The class and those that it is derived from, those first."""
    node = classes.get(name)
    if node is None:
        return []
    return [each for base in _bases(node) for each in _line_of(base, classes)] + [node]


def _has_default(field: ast.AnnAssign) -> bool:
    if not isinstance(field.value, ast.Call):
        return field.value is not None
    return any(keyword.arg in ("default", "factory") for keyword in field.value.keywords)


def _formats(node: ast.ClassDef) -> dict[str, dict[str, str]]:
    """Formats by field: what the methods decorated with `@field.validator` call."""
    found = {}
    for method in node.body:
        if not isinstance(method, ast.FunctionDef):
            continue
        for decorator in map(ast.unparse, method.decorator_list):
            field, _, what = decorator.partition(".")
            if what == "validator":
                called = ast.unparse(method)
                [found[field]] = [{"format": form} for call, form in _FORMATS.items() if f"{call}(" in called]
    return found


def _schema_url(node: ast.ClassDef) -> str:
    for method in node.body:
        if isinstance(method, ast.FunctionDef) and method.name == "_get_schema":
            [given] = [each for each in method.body if isinstance(each, ast.Return)]
            return str(ast.literal_eval(given.value)) if given.value else ""
    return ""


def _type(annotation: ast.expr) -> dict[str, Any]:
    """`str`, `Run`, `list[Run] | None`, `dict[str, RunFacet] | None`.

    None is how the classes say that a field may be absent; in JSON it is absent then.
    """
    if isinstance(annotation, ast.BinOp):
        return _type(annotation.left)
    if isinstance(annotation, ast.Subscript):
        inner = annotation.slice
        if ast.unparse(annotation.value) == "list":
            return {"type": "array", "items": _type(inner)}
        assert isinstance(inner, ast.Tuple)
        return {"type": "object", "additionalProperties": _type(inner.elts[1])}
    name = ast.unparse(annotation)
    return dict(_SIMPLE[name]) if name in _SIMPLE else {"$ref": f"#/$defs/{name}"}
