from __future__ import annotations

from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from fpolicy_server.wire import codec, document
from fpolicy_server.wire.document import Document, Node, NotXmlError, escape, parse
from hypothesis import example, given
from hypothesis import strategies as st


def value(document: bytes) -> bytes:
    parsed = parse(document)
    return parsed.bytes_of(parsed.root)


def with_entities(name: bytes) -> bytes:
    return name.replace(b"&", b"&amp;").replace(b"<", b"&lt;").replace(b">", b"&gt;")


@given(st.binary(max_size=60))
@example(b"\xff\xfe")
@example(b"a\rb\r\nc")
@example("\U0010ff01\U0010ffff".encode())
@example("\U0010ff01".encode() + b"\x01\xff")
@example("\ufffe\uffff".encode())
@example(b"\xed\xa0\x80")
@example(b"]]&gt;")
def test_every_name_survives_as_the_bytes_that_were_sent(name: bytes) -> None:
    assert value(b"<n>" + with_entities(name) + b"</n>") == name


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
def test_what_we_escape_is_read_back(text: str) -> None:
    assert value(f"<n>{escape(text)}</n>".encode()) == text.encode()


def test_a_reference_to_a_character_that_xml_does_not_allow_is_read() -> None:
    assert value(b"<n>a&#1;b&#x1F;c&#65;&#xFFFE;</n>") == b"a\x01b\x1fcA\xef\xbf\xbe"


@pytest.mark.parametrize("reference", [b"&#xD800;", b"&#x110000;", b"&#9999999;", b"&nothing;", b"&"])
def test_a_reference_to_nothing_is_refused(reference: bytes) -> None:
    with pytest.raises(NotXmlError):
        parse(b"<n>\x01" + reference + b"</n>")


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"\0",
        b"text",
        b'<?xml version="1.0"?>',
        b"<a><b></a>",
        b"<a/><b/>",
        b"<a>&lt",
        b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>',
        b'<?xml version="1.0"?>\n<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
        b'<?xml version="1.0"?><?xml-stylesheet href="x"?><a/>',
        b"<a><!DOCTYPE b></a>",
    ],
)
def test_what_is_no_plain_document_is_refused(document: bytes) -> None:
    with pytest.raises(NotXmlError):
        parse(document)


def test_a_deep_document_is_refused() -> None:
    with pytest.raises(NotXmlError):
        parse(b"<a>" * 5000 + b"</a>" * 5000)


def test_padding_around_the_document_and_in_numbers_is_accepted() -> None:
    document = parse(b' \r\n<?xml version="1.0"?>\r\n<a> 1\r\n</a>\r\n\0\0')
    assert document.text_of(document.root) == "1"


def test_an_encoding_that_is_declared_does_not_change_the_bytes() -> None:
    assert value('<?xml version="1.0" encoding="ISO-8859-1"?><a>é</a>'.encode()) == "é".encode()


def test_text_of_a_name_that_is_no_utf8_shows_where_it_is_broken() -> None:
    document = parse(b"<a>x\xffy</a>")
    assert document.text_of(document.root) == "x�y"
    assert document.bytes_of(document.root) == b"x\xffy"


def test_an_empty_element_has_no_bytes() -> None:
    assert value(b"<a/>") == b""


# shapes ------------------------------------------------------------------------------------------------

TYPES = Path(__file__).parents[2] / "data" / "wire" / "types"
BODIES = [codec.split(path.read_bytes()[6:])[1] for path in sorted(TYPES.glob("*.frame"))]
# What could be taken for something else when texts are cut out by their places.
PIECES = st.sampled_from(
    [
        *(
            b"1",
            b" \n",
            b"a>b",
            b"]]>",
            b"&lt;",
            b"&#10;",
            b"&#1;",
            b"&no;",
            b"&",
            b"\r",
            b"\x01",
            b"\xff",
            b"\0",
        ),
        *("é".encode(), "\U0010ff41".encode(), b"<!-- a > b -->", b"<![CDATA[<b>]]>", b"<?p a>b?>"),
        *(b"<e/>", b"</b>", b'<e x=">"/>', b"<e x='a>b<c'/>", b'<e x="&lt;>1">t</e>'),
    ]
)
DOCUMENTS = st.recursive(
    st.lists(PIECES, max_size=4).map(b"".join),
    lambda inner: st.lists(
        st.tuples(st.sampled_from([b"a", b"b", b"c"]), inner).map(
            lambda of: b"<%s>%s</%s>" % (of[0], of[1], of[0])
        ),
        max_size=4,
    ).map(b"".join),
    max_leaves=8,
).map(lambda inner: b"<root>%s</root>" % inner)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A golden body in which something stands instead of some bytes."""
    body = draw(st.sampled_from(BODIES))
    begin = draw(st.integers(0, len(body)))
    return body[:begin] + draw(PIECES) + body[begin + draw(st.integers(0, 8)) :]


def outcome(data: bytes) -> Any:
    """What a document says, without how it was read."""

    def said(parsed: Document, node: Node) -> Any:
        inner = [said(parsed, child) for child in node.children]
        assert {name: child.tag for name, child in node.fields.items()} == {
            name: name for name in node.fields
        }
        return node.tag, parsed.bytes_of(node), parsed.text_of(node), inner

    try:
        parsed = parse(data)
    except NotXmlError as exc:
        return str(exc)
    return said(parsed, parsed.root)


@given(DOCUMENTS | damaged() | st.sampled_from(BODIES))
@example(b"<a>" + b"&lt;" * 3 + b"</a>")
def test_a_document_says_the_same_by_its_shape_and_parsed_as_a_whole(data: bytes) -> None:
    by_shape = outcome(data), outcome(data)  # as a new shape, and as one that is known
    with patch.object(document, "_by_shape", return_value=None):
        assert by_shape == (outcome(data),) * 2


def test_the_golden_bodies_are_read_by_their_shape() -> None:
    document._shape.cache_clear()
    for body in BODIES * 2:
        parse(body)
    assert document._shape.cache_info().hits >= len(BODIES)


def test_what_is_kept_of_shapes_is_bounded() -> None:
    """Shapes that nobody sends twice push each other out; a large one is not kept at all."""
    document._shape.cache_clear()
    for number in range(500):
        parse(b"<a%d>1</a%d>" % (number, number))
    assert document._shape.cache_info().currsize == 128
    parse(b"<a>%s</a>" % (b"<b>1</b>" * 1000))
    assert document._shape.cache_info().misses == 500
