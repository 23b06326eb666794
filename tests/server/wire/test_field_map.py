"""A field map is right, or is refused with the place and what is allowed there."""

from __future__ import annotations

import json
import re
from pathlib import Path as FilePath
from typing import Any

import pytest
from fpolicy_server.wire import field_map_from_json
from fpolicy_server.wire.field_map import MAX_BYTES, MAX_RULES, Target
from fpolicy_server.wire.field_paths import Path, Step
from fpolicy_server.wire.messages import MessageType
from fpolicy_server.wire.protobuf import MAX_DEPTH
from fsxn_runtime.errors import MisconfiguredError
from hypothesis import given
from hypothesis import strategies as st

from tests.server.protobuf_messages import document, field_map

SCREEN = 1  # its place among the invented map's messages


def test_the_invented_map_is_read() -> None:
    found = field_map()
    assert [rule.type for rule in found.rules][:2] == [MessageType.NEGO_REQ, MessageType.SCREEN_REQ]
    screen = found.rules[SCREEN]
    assert screen.fields["Offset"].paths == (Path.parse("72.26.61"), Path.parse("72.27.61"))
    assert screen.fields["FileSize"].default == "0"
    assert screen.fields["ReqType"].words["100"] == "SMB_CREAT"
    assert found.replies[MessageType.SCREEN_RESP].fields["ReqId"] == Target((82, 1), {})
    assert found.replies[MessageType.SCREEN_RESP].fields["ReqType"].numbers["SMB_CREAT"] == 100


def test_a_path_is_numbers_with_what_is_asked_of_a_step() -> None:
    steps = Path.parse("2.5[1=UNIX NAME].*").steps
    assert steps == (Step(2), Step(5, 1, "UNIX NAME"), Step(None))
    assert Path.parse("2.1").numbers == (2, 1)
    assert Path.parse("2[1=3].1").numbers is None
    assert Path.parse("2.*").numbers is None


@given(st.text(max_size=30))
def test_any_text_is_a_path_or_a_value_error(text: str) -> None:
    try:
        path = Path.parse(text)
    except ValueError as exc:
        assert "no path" in str(exc) or "steps" in str(exc)
    else:
        assert 1 <= len(path.steps) <= MAX_DEPTH


@pytest.mark.parametrize(
    "path", ["", "0", "01", "2.", ".2", "2[1]", "2[0=1]", "2.x", "536870912", "2[536870912=1]"]
)
def test_what_is_no_path_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="no path"):
        Path.parse(path)


def test_a_path_deeper_than_what_is_read_is_refused() -> None:
    assert len(Path.parse(".".join(["1"] * MAX_DEPTH)).steps) == MAX_DEPTH
    with pytest.raises(ValueError, match="at most 16"):
        Path.parse(".".join(["1"] * (MAX_DEPTH + 1)))


GONE = object()
SCREEN_FIELDS = ("messages", 1, "fields")
NEGO_RESP, SCREEN_RESP = ("replies", "NEGO_RESP"), ("replies", "SCREEN_RESP")
# Where the invented map is changed, to what, and what is said of it.
WRONG: list[tuple[tuple[str | int, ...], object, str]] = [
    (("proto",), 1, "has 'proto'; it may have messages, note, replies, words"),
    (("messages",), [], "messages must be a list of 1 to 100 rules"),
    (("messages",), {}, "messages must be a list of 1 to 100 rules"),
    (("messages",), [{"type": "KEEP_ALIVE"}] * (MAX_RULES + 1), "messages must be a list of 1 to 100 rules"),
    (("messages", 0), {"type": "KEEP_ALIVE"}, "messages has no rule for NEGO_REQ"),
    (("messages", 1), {"type": "KEEP_ALIVE"}, "messages has no rule for SCREEN_REQ"),
    (("messages", 1), 3, r"messages\[1\] is 3; it must be an object"),
    (("messages", 1, "type"), "NEGO_RESP", r"messages\[1\]\.type is 'NEGO_RESP'; it must be one of NEGO_REQ"),
    (("messages", 1, "type"), GONE, r"messages\[1\]\.type is None"),
    (("messages", 0, "first"), 1, r"messages\[0\]\.first is 1; it must be true or false"),
    (("messages", 0, "when"), "70=1", r"messages\[0\]\.when must be a list"),
    (("messages", 0, "when"), [70], r"messages\[0\]\.when has 70"),
    (("messages", 0, "when"), ["x=1"], r"messages\[0\]\.when is wrong: 'x' is no path"),
    (("messages", 0, "fields", "Vers"), GONE, r"messages\[0\]\.fields of a NEGO_REQ must have Vers"),
    (("messages", 4, "fields"), {"ReqId": "1"}, r"messages\[4\]\.fields has 'ReqId'; there are none"),
    (SCREEN_FIELDS, {"ReqId": "1", "ReqType": "2", "VolMsid": "3"}, "must have one of AccessPath.UNIX_NAME"),
    ((*SCREEN_FIELDS, "VolMsid"), GONE, "must have VolMsid"),
    ((*SCREEN_FIELDS, "ReqId"), 2.1, r"fields\.ReqId is 2.1; it must be a path in quotes"),
    ((*SCREEN_FIELDS, "ReqId"), {"path": []}, r"fields\.ReqId\.path is \[\]; it must be a path in quotes"),
    ((*SCREEN_FIELDS, "ReqId"), {"pfad": "1"}, r"fields\.ReqId has 'pfad'; it may have default, path, words"),
    ((*SCREEN_FIELDS, "FileSize", "default"), 1.5, r"FileSize\.default is 1.5"),
    ((*SCREEN_FIELDS, "ReqType", "words"), "no", "words names the table 'no'; there are request_types"),
    ((*SCREEN_FIELDS, "ReqType", "words"), {"1": 2}, r"ReqType\.words\.1 is 2; it must be a text"),
    (("words", "more"), [], r"words\.more is \[\]; it must be an object"),
    (NEGO_RESP, GONE, "replies has no NEGO_RESP"),
    (("replies", "NEGO_REQ"), {}, r"replies\.NEGO_REQ is 'NEGO_REQ'; it must be one of NEGO_RESP"),
    (NEGO_RESP, {}, "NEGO_RESP says nothing"),
    ((*SCREEN_RESP, "fields", "ReqId"), GONE, r"SCREEN_RESP\.fields must have ReqId"),
    ((*NEGO_RESP, "constants", "1"), True, r"constants\.1 is True; it must be a text or a whole number"),
    ((*NEGO_RESP, "constants", "1"), 2**64, r"constants\.1 is 1844\d+; it must be a text or a whole number"),
    ((*NEGO_RESP, "constants", "81"), 1, "writes 81 and 81.1; a field is either"),
    ((*NEGO_RESP, "fields", "VsUUID"), "81.2", "writes 81.2 and 81.2"),
    ((*NEGO_RESP, "fields", "VsUUID"), "81.*", "a reply is written by field numbers alone"),
    (
        (*SCREEN_RESP, "fields", "ReqType", "words"),
        {"x": "NFS_RD"},
        "has 'x'; a reply's words stand for whole",
    ),
]


@pytest.mark.parametrize(("place", "value", "message"), WRONG)
def test_what_is_wrong_is_named_with_its_place_and_what_is_allowed(
    place: tuple[str | int, ...], value: object, message: str
) -> None:
    wrong = document()
    target: Any = wrong
    for key in place[:-1]:
        target = target[key]
    if value is GONE:
        del target[place[-1]]
    else:
        target[place[-1]] = value
    with pytest.raises(MisconfiguredError, match=message):
        field_map_from_json(json.dumps(wrong))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is no JSON"),
        ("[" * 100_000, "is no JSON"),
        ("[]", "must be an object"),
        ('{"messages": [], "messages": []}', "'messages' stands there twice"),
        (" " * (MAX_BYTES + 1), "at most 262144 make sense"),
    ],
)
def test_a_text_that_is_no_map_is_one_clear_error(text: str, message: str) -> None:
    with pytest.raises(MisconfiguredError, match=message):
        field_map_from_json(text)


def test_the_documented_example_is_a_map(repository: FilePath) -> None:
    (example,) = re.findall(
        r"```json\n(.*?)```", (repository / "docs/wire/protobuf.md").read_text(), re.DOTALL
    )
    assert "INVENTED" in example
    assert field_map_from_json(example).replies.keys() == {MessageType.NEGO_RESP}
