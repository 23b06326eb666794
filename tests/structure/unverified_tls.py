"""Finds every way of leaving TLS unverified in a syntax tree.

By name where the name is enough (`ssl.CERT_NONE`), by value where a setting decides (`verify=False`), however
the setting is given: keyword, position, attribute, item, pair, `setattr`. A variable counts as each constant
that its module assigns to it. Contexts for servers are left alone: they verify clients, not servers.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping

# Names that only ever stand for less than full verification, as identifiers or as text.
UNSAFE_NAMES = frozenset(
    {
        "CERT_NONE",
        "CERT_OPTIONAL",
        "NODE_TLS_REJECT_UNAUTHORIZED",
        "PYTHONHTTPSVERIFY",
        "VERIFY_NONE",
        "_create_default_https_context",
        "_create_stdlib_context",
        "_create_unverified_context",
        "_https_verify_certificates",
        "disable_ssl_certificate_validation",
        "disable_warnings",
        "get_server_certificate",
    }
)
# Settings that a falsy value switches off.
_SWITCH = re.compile(
    r"(\w+_)?(verify|verify_ssl|ssl_verify|verify_certs?|validate_certs?|check_hostname|assert_hostname|use_ssl)"
)
# Settings that must say "required", as a number, a name or a text.
_MODE = re.compile(r"(\w+_)?(cert_reqs|verify_mode)")
_REQUIRED = frozenset({2, "CERT_REQUIRED", "REQUIRED", None})
_SAFE_PROTOCOLS = frozenset({"PROTOCOL_TLS_CLIENT", "PROTOCOL_TLS_SERVER"})
# Where a function takes such a setting by position: its last name, the place, the setting.
_POSITIONS: Mapping[str, tuple[tuple[int, str], ...]] = {
    "client": ((3, "use_ssl"), (4, "verify")),  # boto3
    "create_client": ((3, "use_ssl"), (4, "verify")),  # botocore
    "create_urllib3_context": ((1, "cert_reqs"),),
    "resource": ((3, "use_ssl"), (4, "verify")),  # boto3
    "ssl_wrap_socket": ((3, "cert_reqs"),),  # urllib3
}

Constants = Mapping[str, list[ast.expr]]


def unverified_tls(source: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield line and finding, each once."""
    constants = _constants(source)
    found = {finding for node in ast.walk(source) for finding in _findings(node, constants)}
    yield from sorted(found)


def _findings(node: ast.AST, constants: Constants) -> Iterator[tuple[int, str]]:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name) if name in UNSAFE_NAMES:
            yield node.lineno, name
        case ast.Constant(value=str(text)) if text.strip() in UNSAFE_NAMES:
            yield node.lineno, text.strip()
        case ast.ImportFrom(names=names):
            yield from ((node.lineno, alias.name) for alias in names if alias.name in UNSAFE_NAMES)
        case ast.Call():
            yield from _call(node, constants)
        case ast.Dict(keys=keys, values=values):
            for key, value in zip(keys, values, strict=True):
                yield from _setting(_text(key), value, constants)
        case ast.Tuple(elts=[first, second]) | ast.List(elts=[first, second]):
            yield from _setting(_text(first), second, constants)
        case ast.Assign(targets=targets, value=value):
            for target in targets:
                yield from _assignment(target, value, constants)
        case (
            ast.AnnAssign(target=target, value=ast.expr() as value)
            | ast.NamedExpr(target=target, value=value)
        ):
            yield from _assignment(target, value, constants)
        case ast.AugAssign(target=target) if _last(target) and _MODE.fullmatch(_last(target)):
            yield node.lineno, _last(target)


def _call(node: ast.Call, constants: Constants) -> Iterator[tuple[int, str]]:
    name = _last(node.func)
    for keyword in node.keywords:
        if keyword.arg in UNSAFE_NAMES:
            yield keyword.lineno, str(keyword.arg)
        yield from _setting(keyword.arg or "", keyword.value, constants)
    for place, setting in _POSITIONS.get(name, ()):
        if len(node.args) > place:
            yield from _setting(setting, node.args[place], constants)
    if name == "setattr" and len(node.args) == 3:
        yield from _setting(_text(node.args[1]), node.args[2], constants)
    elif name == "__setitem__" and len(node.args) == 2:
        yield from _setting(_text(node.args[0]), node.args[1], constants)
    elif name == "VerifyMode" and not (node.args and _is_required(node.args[0], constants)):
        yield node.lineno, "VerifyMode"
    elif name == "SSLContext":
        protocols = [*node.args[:1], *(word.value for word in node.keywords if word.arg == "protocol")]
        if not protocols or _last(protocols[0]) not in _SAFE_PROTOCOLS:
            yield node.lineno, "SSLContext"  # its default verifies nothing
    elif name == "wrap_socket" and isinstance(node.func, ast.Attribute) and _last(node.func.value) == "ssl":
        yield node.lineno, "ssl.wrap_socket"  # so does this


def _assignment(target: ast.expr, value: ast.expr, constants: Constants) -> Iterator[tuple[int, str]]:
    match target, value:
        case (
            (ast.Tuple(elts=targets) | ast.List(elts=targets)),
            (ast.Tuple(elts=values) | ast.List(elts=values)),
        ):
            for inner, one in zip(targets, values, strict=False):
                yield from _assignment(inner, one, constants)
        case ast.Subscript(slice=key), _:
            yield from _setting(_text(key), value, constants)
        case ast.Attribute(attr=name), _:
            yield from _setting(name, value, constants)
        case ast.Name(id=name), _:
            yield from _setting(name, value, constants)


def _setting(name: str, value: ast.expr, constants: Constants) -> Iterator[tuple[int, str]]:
    """Judge one setting. A switch may be anything that is not falsy; a mode must say that it is required."""
    if _SWITCH.fullmatch(name) and any(_is_falsy(one) for one in _values(value, constants)):
        yield value.lineno, name
    if _MODE.fullmatch(name) and not all(_is_required(one, constants) for one in _values(value, constants)):
        yield value.lineno, name


def _values(value: ast.expr, constants: Constants) -> list[ast.expr]:
    """Everything that an expression may be: both sides of a choice, and what a variable was assigned."""
    match value:
        case ast.IfExp(body=body, orelse=orelse):
            return [*_values(body, constants), *_values(orelse, constants)]
        case ast.BoolOp(values=values):
            return [one for inner in values for one in _values(inner, constants)]
        case ast.Name(id=name) if name in constants:
            return constants[name]
    return [value]


def _is_falsy(value: ast.expr) -> bool:
    match value:
        case ast.Constant(value=constant):
            return constant is not None and not constant  # None is the default of every such setting
        case ast.UnaryOp(op=ast.Not(), operand=ast.Constant(value=constant)):
            return bool(constant)
        case ast.Call(func=ast.Name(id="bool"), args=args):
            return not args or _is_falsy(args[0])
    return False


def _is_required(value: ast.expr, constants: Constants) -> bool:
    match value:
        case ast.Constant(value=constant):
            return constant in _REQUIRED
        case ast.Attribute(attr=name):
            # of an object, it is that object's own setting, which was judged where it was set
            return name == "CERT_REQUIRED" or bool(_MODE.fullmatch(name))
        case ast.Name(id=name):
            return name == "CERT_REQUIRED" or (bool(_MODE.fullmatch(name)) and name not in constants)
        case ast.Call(func=func, args=[argument]) if _last(func) == "VerifyMode":
            return _is_required(argument, constants)
    return False


def _constants(source: ast.Module) -> Constants:
    """What plain variables are assigned, wherever in the module, when it is a constant or a name of one."""
    found: dict[str, list[ast.expr]] = {}
    for node in ast.walk(source):
        if isinstance(node, ast.Assign) and isinstance(
            node.value, ast.Constant | ast.Attribute | ast.UnaryOp
        ):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    found.setdefault(target.id, []).append(node.value)
    return found


def _last(node: ast.AST) -> str:
    """`verify_mode` for the node of context.verify_mode; "" for what is no name."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


def _text(node: ast.AST | None) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
