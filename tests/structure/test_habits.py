"""Habits that a reader must be able to rely on everywhere in shipped code."""

from __future__ import annotations

import ast

from tests.structure.source_tree import Module, modules, tree

ERRORS = {"RejectedError", "ConflictError", "TransientError", "MisconfiguredError"}


def shipped() -> list[Module]:
    return [m for m in modules() if m.name.split(".")[0] in ("fsxn_runtime", "fpolicy_server")]


def dotted(node: ast.AST) -> str:
    """`os.environ` for the node of os.environ; "" for what is no name."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return ""


def reads_of_the_environment(module: Module) -> list[int]:
    return [
        node.lineno
        for node in ast.walk(tree(module.path))
        if isinstance(node, ast.Attribute) and dotted(node) in ("os.environ", "os.getenv")
    ]


def passed_to_settings(module: Module) -> list[int]:
    """Lines where os.environ is the argument of a call that makes settings."""
    return [
        argument.lineno
        for node in ast.walk(tree(module.path))
        if isinstance(node, ast.Call)
        for argument in node.args
        if dotted(argument) == "os.environ"
    ]


def test_the_environment_is_read_only_to_make_settings() -> None:
    wrong = {
        module.name: lines
        for module in shipped()
        if (lines := set(reads_of_the_environment(module)) - set(passed_to_settings(module)))
    }
    # The one exception: AWS_ENDPOINT_URL is boto3's own setting, and so has no Settings of ours.
    assert wrong.keys() == {"fsxn_runtime.edge.clients"}


def built_codes(module: Module) -> list[int]:
    """Lines where an error gets a code that is neither a literal nor a member of an enumeration."""
    return [
        node.lineno
        for node in ast.walk(tree(module.path))
        if isinstance(node, ast.Call) and dotted(node.func).split(".")[-1] in ERRORS
        for keyword in node.keywords
        if keyword.arg == "code" and not isinstance(keyword.value, ast.Constant | ast.Attribute)
    ]


def test_error_codes_come_from_a_bounded_set() -> None:
    """A code becomes a metric dimension, so it is never built from what was seen."""
    assert {module.name: lines for module in shipped() if (lines := built_codes(module))} == {}


def test_every_module_says_what_it_is() -> None:
    code = [m for m in modules() if m.name.split(".")[0] != "tests" and tree(m.path).body]
    assert [m.name for m in code if not ast.get_docstring(tree(m.path))] == []


def test_annotations_are_not_evaluated() -> None:
    """What stands only in an annotation costs no import at run time."""
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.AnnAssign
    annotated = [m for m in modules() if any(isinstance(node, kinds) for node in tree(m.path).body)]
    assert [m.name for m in annotated if "__future__.annotations" not in m.imports] == []
