"""Reads the source tree for the structure tests: files, modules, imports."""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
# Where our Python lives: folder, and the prefix its modules have.
_PACKAGES = {
    "python/fsxn_runtime": "fsxn_runtime",
    "fpolicy-server/fpolicy_server": "fpolicy_server",
    "lab": "lab",
    "tools": "tools",
    "tests": "tests",
}
_NOT_OURS = re.compile(
    r"build|lab-volume|node_modules|__pycache__|\.venv.*|\.(git|hypothesis|terraform|\w+_cache)"
    # What an operator keeps beside the code, with real accounts in it; Git ignores it.
    r"|terraform\.tfvars|backend\.hcl|terraform\.tfstate.*|tfplan"
)


@dataclass(frozen=True)
class Module:
    """One Python file. `imports` are dotted names as far as a module or a name in it: `a.b.c`."""

    name: str
    path: Path
    imports: frozenset[str]
    has_relative_imports: bool

    def __str__(self) -> str:
        return self.name

    def imports_of(self, package: str) -> set[str]:
        """What it imports of the package or below it."""
        return {name for name in self.imports if name == package or name.startswith(f"{package}.")}


def files() -> Iterator[Path]:
    """Every file of ours, committed or about to be: no environments, caches and built things."""
    for folder, subfolders, names in os.walk(ROOT):
        subfolders[:] = sorted(name for name in subfolders if not _NOT_OURS.fullmatch(name))
        for name in sorted(names):
            if not _NOT_OURS.fullmatch(name):
                yield Path(folder, name)


@cache
def modules() -> tuple[Module, ...]:
    """Every Python module of ours."""
    return tuple(
        _module(path, package, ROOT / folder)
        for folder, package in _PACKAGES.items()
        for path in sorted((ROOT / folder).rglob("*.py"))
    )


@cache
def tree(path: Path) -> ast.Module:
    """Parse a file, once."""
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def _module(path: Path, package: str, folder: Path) -> Module:
    relative = path.relative_to(folder).with_suffix("")
    name = ".".join([package, *(part for part in relative.parts if part != "__init__")])
    imports: set[str] = set()
    relative_imports = False
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            imports.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            relative_imports |= node.level > 0
            imports.update(f"{node.module}.{alias.name}" for alias in node.names)
    return Module(name, path, frozenset(imports), relative_imports)
