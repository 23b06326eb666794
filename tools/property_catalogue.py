"""The list of properties in docs/reference/properties.md, made from the tests that draw their input.

`python tools/property_catalogue.py` writes it between the two marker lines; a test compares. A property is a
function under `@given` or a state machine; its name is the sentence, its docstring's first line says more.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Final

REPOSITORY: Final = Path(__file__).resolve().parents[1]
PAGE: Final = REPOSITORY / "docs" / "reference" / "properties.md"
BEGIN: Final = "<!-- properties: written by tools/property_catalogue.py -->"
END: Final = "<!-- end of properties -->"
_WORDS: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")


@dataclass(frozen=True, slots=True)
class Property:
    """One property. `test` is the file's path from tests/ on, `::` and the name of a function or a class."""

    area: str
    test: str
    sentence: str
    more: str


def properties(tests: Path = REPOSITORY / "tests") -> list[Property]:
    """Find every property below a folder, by file and in the order of the file."""
    found = []
    for path in sorted(tests.rglob("test_*.py")):
        place = path.relative_to(tests)
        for name, sentence, more in _in(_parsed(path)):
            found.append(Property(str(place.parent), f"{place}::{name}", sentence, more))
    return found


def names_in_suite(tests: Path = REPOSITORY / "tests") -> set[str]:
    """Give every test, as a property names it; classes of state machines too."""
    return {
        f"{path.relative_to(tests)}::{node.name}"
        for path in tests.rglob("test_*.py")
        for node in ast.walk(_parsed(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    }


def tables(found: list[Property]) -> str:
    """Markdown of all properties, a table for each folder of tests."""
    lines = []
    for area, members in groupby(found, lambda each: each.area):
        lines += [f"### {area}", "", "| property | test |", "|---|---|"]
        for each in members:
            text = f"{each.sentence}. {each.more}" if each.more else each.sentence
            text = text.replace("|", "\\|")
            lines.append(f"| {text} | `{each.test}` |")
        lines.append("")
    return "\n".join(lines).rstrip()


def written(page: str, found: list[Property]) -> str:
    """The page with its list as it must be. Raises ValueError without the marker lines."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{PAGE.name} lacks the lines {BEGIN!r} and {END!r}")
    return f"{before}{BEGIN}\n\n{tables(found)}\n\n{END}{after}"


@cache
def _parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _in(module: ast.Module) -> Iterator[tuple[str, str, str]]:
    for node in module.body:
        if isinstance(node, ast.ClassDef):
            if any("RuleBasedStateMachine" in ast.unparse(base) for base in node.bases):
                yield node.name, _WORDS.sub(" ", node.name) + " (a state machine)", _first_line(node)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and _draws(node):
            yield node.name, node.name.removeprefix("test_").replace("_", " "), _first_line(node)


def _draws(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether it, or a function within it, is under `@given`."""
    return any(
        isinstance(decorator, ast.Call) and ast.unparse(decorator.func).split(".")[-1] == "given"
        for node in ast.walk(function)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for decorator in node.decorator_list
    )


def _first_line(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> str:
    return (ast.get_docstring(node) or "").partition("\n")[0]


def main() -> int:
    """Write the page."""
    PAGE.write_text(written(PAGE.read_text(), properties()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
