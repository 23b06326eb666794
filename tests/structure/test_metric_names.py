"""The metric catalogue and the code name the same metrics."""

from __future__ import annotations

import ast
import re

from fsxn_runtime.metric_catalogue import METRICS

from tests.structure.source_tree import modules, tree

_NAME = re.compile(r"[A-Z][A-Za-z0-9]+_(?:count|ms|sec|pct|bytes)")


def names_in_code() -> set[str]:
    return {
        node.value
        for module in modules()
        if module.name.split(".")[0] in ("fsxn_runtime", "fpolicy_server")
        for node in ast.walk(tree(module.path))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and (node.value in METRICS or _NAME.fullmatch(node.value))
    }


def test_every_metric_of_the_code_is_in_the_catalogue() -> None:
    assert names_in_code() - METRICS.keys() == set()


def test_every_metric_of_the_catalogue_is_in_the_code() -> None:
    assert METRICS.keys() - names_in_code() == set()
