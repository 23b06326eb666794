"""The examples stay small: what is long about a workload is the frame's, and written once."""

from __future__ import annotations

import ast
import io
import tokenize
from pathlib import Path

import pytest

from tests.structure.source_tree import ROOT

MOST_LINES = 200
NOT_CODE = {
    tokenize.COMMENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
    tokenize.INDENT,
    tokenize.NEWLINE,
    tokenize.NL,
}


def own_lines(path: Path) -> int:
    """Lines with code of its own: no blank lines, comments, docstrings, imports."""
    source = path.read_text(encoding="utf-8")
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in NOT_CODE:
            lines |= set(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(source)):
        is_docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if is_docstring or isinstance(node, ast.Import | ast.ImportFrom):
            lines -= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return len(lines)


@pytest.mark.parametrize("example", ["content_inventory", "rename_watcher"])
def test_an_example_has_fewer_than_200_lines_of_its_own(example: str) -> None:
    files = sorted((ROOT / "python/fsxn_runtime/workloads" / example).glob("*.py"))
    counted = {file.name: own_lines(file) for file in files}
    assert sum(counted.values()) < MOST_LINES, counted
