from __future__ import annotations

import pytest
from fpolicy_server.wire.document import NotXmlError, escape, parse
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
