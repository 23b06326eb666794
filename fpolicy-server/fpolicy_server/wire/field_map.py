"""The field map: which fields of a protobuf message are what FPolicy's XML elements are. Data, checked. Pure.

ONTAP's protobuf schema is not public, so no field number stands in this program: an operator who has looked
at captured bytes writes them down (docs/wire/protobuf.md has the format and an invented example).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from fsxn_runtime.errors import MisconfiguredError

from fpolicy_server.wire.field_paths import Path
from fpolicy_server.wire.messages import MessageType

SETTING: Final = "FPOLICY_PROTOBUF_FIELD_MAP"
MAX_BYTES: Final = 256 * 1024  # some 30 rules of 30 fields; more is no field map
MAX_RULES: Final = 100  # each may be tried for every message

_ACCESS_PATHS: Final = ("AccessPath.UNIX_NAME", "AccessPath.WIN_NAME", "AccessPath.WIN_8_3_NAME")
_TARGET_PATHS: Final = tuple(f"Target{name}" for name in _ACCESS_PATHS)

# What a message of a node may have (docs/wire/messages.md), and of that what it must have.
FIELDS: Final[Mapping[MessageType, tuple[str, ...]]] = {
    MessageType.NEGO_REQ: ("VsUUID", "PolicyName", "SessionId", "Vers"),
    MessageType.SCREEN_REQ: (
        "ReqId", "ReqType", "VolMsid", "ClientIp", "GenerationTime", "UnixUid", "WinSid", "FileSize",
        "FileType", "MajorNum", "MinorNum", "Offset", "Length", "ChangeAttr", *_ACCESS_PATHS, *_TARGET_PATHS,
    ),
    MessageType.SCREEN_CANCEL: ("ReqId", "CancelReason"),
    MessageType.STATUS_QUERY_REQ: ("ReqId", "ReqType"),
    MessageType.KEEP_ALIVE: (),
    MessageType.ALERT_MSG: ("Severity", "AlertMsg"),
    MessageType.VOL_NOTFICATION: ("VolMsid", "Action"),
    MessageType.OUTAGE_MSG: ("FilePath", "PolicyName", "Status"),
}  # fmt: skip
_REQUIRED: Final[Mapping[MessageType, tuple[str, ...]]] = {
    MessageType.NEGO_REQ: FIELDS[MessageType.NEGO_REQ],
    MessageType.SCREEN_REQ: ("ReqId", "ReqType", "VolMsid"),
    MessageType.SCREEN_CANCEL: ("ReqId",),
    MessageType.STATUS_QUERY_REQ: ("ReqId",),
    MessageType.VOL_NOTFICATION: ("VolMsid",),
}
# What the server can say.
REPLIES: Final[Mapping[MessageType, tuple[str, ...]]] = {
    MessageType.NEGO_RESP: ("VsUUID", "PolicyName", "SessionId", "ProtVersion"),
    MessageType.SCREEN_RESP: ("ReqId", "ReqType", "NotfResp"),
    MessageType.STATUS_QUERY_RESP: ("ReqId", "ReqType", "Resp"),
    MessageType.BACK_PRESSURE_APPLY: ("SessionId", "Apply"),
    MessageType.BACK_PRESSURE_REM: ("SessionId", "Apply"),
}
_REQUIRED_REPLY: Final[Mapping[MessageType, tuple[str, ...]]] = {
    MessageType.SCREEN_RESP: ("ReqId", "NotfResp"),
    MessageType.STATUS_QUERY_RESP: ("ReqId", "Resp"),
}


@dataclass(frozen=True, slots=True)
class Source:
    """Where a value stands: the first path that leads anywhere. `words` says what a wire value means.

    `default` is the value when the message is there that would hold the field, and the field is not.
    """

    paths: tuple[Path, ...]
    words: Mapping[str, str]
    default: str | None


@dataclass(frozen=True, slots=True)
class Condition:
    """What must be in a message: a field, and its value if one is given."""

    path: Path
    value: str | None


@dataclass(frozen=True, slots=True)
class Rule:
    """How one kind of message is recognised and read. `is_first`: only the first one of a connection."""

    type: MessageType
    is_first: bool
    conditions: tuple[Condition, ...]
    fields: Mapping[str, Source]


@dataclass(frozen=True, slots=True)
class Target:
    """Where a value is written. `numbers` says which number stands for a word."""

    path: tuple[int, ...]
    numbers: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Reply:
    """How one kind of answer is written: what is always the same, and where the values go."""

    constants: Mapping[tuple[int, ...], int | str]
    fields: Mapping[str, Target]


@dataclass(frozen=True, slots=True)
class FieldMap:
    """Rules in the order in which they are tried, and replies by their kind."""

    rules: tuple[Rule, ...]
    replies: Mapping[MessageType, Reply]


def field_map_from_json(text: str) -> FieldMap:
    """Read a field map. Raises MisconfiguredError naming the first thing that is wrong, and where it is."""
    if len(text) > MAX_BYTES:
        raise _wrong("", f"has {len(text)} characters; at most {MAX_BYTES} make sense")
    try:
        document = json.loads(text, object_pairs_hook=_once)
    except (ValueError, RecursionError) as exc:
        raise _wrong("", f"is no JSON: {exc}") from exc
    top = _object(document, "", {"note", "words", "messages", "replies"})
    words = {
        name: _words(table, f"words.{name}", {})
        for name, table in _object(top.get("words", {}), "words", None).items()
    }
    messages = top.get("messages")
    if not isinstance(messages, list) or not 1 <= len(messages) <= MAX_RULES:
        raise _wrong("messages", f"must be a list of 1 to {MAX_RULES} rules")
    rules = tuple(_rule(item, f"messages[{place}]", words) for place, item in enumerate(messages))
    replies = {
        _type(name, f"replies.{name}", REPLIES): _reply(name, item, words)
        for name, item in _object(top.get("replies", {}), "replies", None).items()
    }
    for needed in (MessageType.NEGO_REQ, MessageType.SCREEN_REQ):
        if all(rule.type is not needed for rule in rules):
            raise _wrong("messages", f"has no rule for {needed}; without it no event can be made")
    if MessageType.NEGO_RESP not in replies:
        raise _wrong("replies", "has no NEGO_RESP; a node whose handshake is not answered disconnects")
    return FieldMap(rules, replies)


def _rule(document: object, place: str, words: Mapping[str, Mapping[str, str]]) -> Rule:
    members = _object(document, place, {"note", "type", "first", "when", "fields"})
    kind = _type(members.get("type"), f"{place}.type", FIELDS)
    is_first, when = members.get("first", False), members.get("when", [])
    if not isinstance(is_first, bool):
        raise _wrong(f"{place}.first", f"is {is_first!r:.100}; it must be true or false")
    if not isinstance(when, list):
        raise _wrong(f"{place}.when", 'must be a list of paths like "1" or "1=2"')
    conditions = tuple(_condition(item, f"{place}.when") for item in when)
    fields = {
        _name(name, f"{place}.fields", FIELDS[kind]): _source(item, f"{place}.fields.{name}", words)
        for name, item in _object(members.get("fields", {}), f"{place}.fields", None).items()
    }
    missing = [name for name in _REQUIRED.get(kind, ()) if name not in fields]
    if kind is MessageType.SCREEN_REQ and not any(name in fields for name in _ACCESS_PATHS):
        missing.append(f"one of {', '.join(_ACCESS_PATHS)}")
    if missing:
        raise _wrong(f"{place}.fields", f"of a {kind} must have {', '.join(missing)}")
    return Rule(kind, is_first, conditions, fields)


def _condition(document: object, place: str) -> Condition:
    if not isinstance(document, str):
        raise _wrong(place, f'has {document!r:.100}; it must be a path like "1" or "1=2"')
    # The last = stands outside of brackets, or it belongs to a step.
    path, equals, value = document.rpartition("=")
    if not equals or "]" in value:
        return Condition(_path(document, place), None)
    return Condition(_path(path, place), value)


def _source(document: object, place: str, words: Mapping[str, Mapping[str, str]]) -> Source:
    if not isinstance(document, dict):
        return Source((_path(document, place),), {}, None)
    members = _object(document, place, {"path", "words", "default"})
    paths = members.get("path")
    listed = paths if isinstance(paths, list) and paths else [paths]
    default = members.get("default")
    if type(default) not in (str, int, type(None)):
        raise _wrong(f"{place}.default", f"is {default!r:.100}; it must be a text or a whole number")
    return Source(
        tuple(_path(item, f"{place}.path") for item in listed),
        _words(members.get("words", {}), f"{place}.words", words),
        None if default is None else str(default),
    )


def _reply(name: str, document: object, words: Mapping[str, Mapping[str, str]]) -> Reply:
    place, kind = f"replies.{name}", MessageType(name)
    members = _object(document, place, {"note", "constants", "fields"})
    constants: dict[tuple[int, ...], int | str] = {}
    for path, value in _object(members.get("constants", {}), f"{place}.constants", None).items():
        if type(value) not in (str, int) or (isinstance(value, int) and not 0 <= value < 2**64):
            raise _wrong(
                f"{place}.constants.{path}", f"is {value!r:.100}; it must be a text or a whole number"
            )
        constants[_plain_path(path, f"{place}.constants")] = value
    fields = {
        _name(field, f"{place}.fields", REPLIES[kind]): _target(item, f"{place}.fields.{field}", words)
        for field, item in _object(members.get("fields", {}), f"{place}.fields", None).items()
    }
    missing = [field for field in _REQUIRED_REPLY.get(kind, ()) if field not in fields]
    if missing:
        raise _wrong(f"{place}.fields", f"must have {', '.join(missing)}")
    taken = [*constants, *(target.path for target in fields.values())]
    if not taken:
        raise _wrong(place, "says nothing; it must have constants or fields")
    for number, written in enumerate(taken):
        for other in taken[number + 1 :]:
            if written[: len(other)] == other[: len(written)]:
                both = " and ".join(".".join(map(str, numbers)) for numbers in (written, other))
                raise _wrong(place, f"writes {both}; a field is either a value or a message, and once")
    return Reply(constants, fields)


def _target(document: object, place: str, words: Mapping[str, Mapping[str, str]]) -> Target:
    if not isinstance(document, dict):
        return Target(_plain_path(document, place), {})
    members = _object(document, place, {"path", "words"})
    table = _words(members.get("words", {}), f"{place}.words", words)
    for wire in table:
        if not (wire.isascii() and wire.isdigit() and int(wire) < 2**64):
            raise _wrong(f"{place}.words", f"has {wire!r:.100}; a reply's words stand for whole numbers")
    numbers = {word: int(wire) for wire, word in table.items()}
    return Target(_plain_path(members.get("path"), f"{place}.path"), numbers)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make an object, and refuse one that says something twice: only the last would count."""
    members = dict(pairs)
    if len(members) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{next(name for name in names if names.count(name) > 1)!r:.100} stands there twice")
    return members


def _path(document: object, place: str) -> Path:
    if not isinstance(document, str):
        raise _wrong(place, f'is {document!r:.100}; it must be a path in quotes, like "2.1"')
    try:
        return Path.parse(document)
    except ValueError as exc:
        raise _wrong(place, f"is wrong: {exc}") from None


def _plain_path(document: object, place: str) -> tuple[int, ...]:
    numbers = _path(document, place).numbers
    if numbers is None:
        raise _wrong(place, f"is {document!r:.100}; a reply is written by field numbers alone, like 2.1")
    return numbers


def _words(document: object, place: str, tables: Mapping[str, Mapping[str, str]]) -> Mapping[str, str]:
    if isinstance(document, str):
        if document not in tables:
            raise _wrong(place, f"names the table {document!r:.100}; there are {', '.join(tables) or 'none'}")
        return tables[document]
    members = _object(document, place, None)
    for wire, word in members.items():
        if not isinstance(word, str) or not word:
            raise _wrong(f"{place}.{wire}", f"is {word!r:.100}; it must be a text")
    return members


def _type(document: object, place: str, known: Mapping[MessageType, tuple[str, ...]]) -> MessageType:
    if document not in [kind.value for kind in known]:
        raise _wrong(place, f"is {document!r:.100}; it must be one of {', '.join(known)}")
    return MessageType(str(document))


def _name(name: str, place: str, known: tuple[str, ...]) -> str:
    if name not in known:
        raise _wrong(place, f"has {name!r:.100}; there are {', '.join(known) or 'none'}")
    return name


def _object(document: object, place: str, known: set[str] | None) -> dict[str, Any]:
    if not isinstance(document, dict):
        raise _wrong(place, f"is {document!r:.100}; it must be an object")
    for name in document:
        if known is not None and name not in known:
            raise _wrong(place, f"has {name!r:.100}; it may have {', '.join(sorted(known))}")
    return document


def _wrong(place: str, what: str) -> MisconfiguredError:
    where = f"{SETTING}: {place}" if place else SETTING
    return MisconfiguredError(f"{where} {what}", code="wrong_setting")
