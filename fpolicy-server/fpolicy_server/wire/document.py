"""One XML document of a payload, parsed by a real parser (lxml) with everything dangerous refused.

File names are plain bytes on NFS. How ONTAP writes a name that is no UTF-8, or that has characters which
XML 1.0 cannot represent, is unknown (docs/wire/open-questions.md). Such a document is not well-formed, so
it is read in a reversible way: each offending byte B becomes the private character U+10FF00 + B, the parser
reads the result, and `text_of` and `bytes_of` turn the characters back into the bytes. Characters of that
range in the original are treated the same way, so nothing is ever mistaken for an escape.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, NamedTuple

from lxml import etree

_PARSER: Final = etree.XMLParser(
    resolve_entities=False, load_dtd=False, no_network=True, huge_tree=False, remove_comments=True,
    remove_pis=True, encoding="utf-8",
)  # fmt: skip
_DECLARATION: Final = re.compile(rb"[ \t\r\n\0]*<\?xml[^>]*\?>")
_SPACE: Final = b" \t\r\n\0"

_ESCAPE_BASE: Final = 0x10FF00
# Not allowed in XML 1.0 (section 2.2), surrogates that stand for bytes which are no UTF-8, a carriage return
# (a parser would turn it into a line feed, section 2.11), and the range used for escapes.
_OFFENDING: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff\U0010ff00-\U0010ffff]"
)  # fmt: skip
_ESCAPED: Final = re.compile("[\U0010ff00-\U0010ffff]")
_CHARACTER_REFERENCE: Final = re.compile("&#(?:x([0-9A-Fa-f]{1,6})|([0-9]{1,7}));")


class NotXmlError(ValueError):
    """The bytes are not the XML document that the protocol describes; the text says why."""


class Document(NamedTuple):
    """The root element of a document, and how to read the text of an element in it.

    `bytes_of` gives it as the bytes that the peer sent, entities resolved; `text_of` without padding, where
    bytes that are no UTF-8 become U+FFFD.
    """

    root: etree._Element
    bytes_of: Callable[[etree._Element], bytes]
    text_of: Callable[[etree._Element], str]


def _bytes_of(element: etree._Element) -> bytes:
    return (element.text or "").encode()


def _text_of(element: etree._Element) -> str:
    return (element.text or "").strip()


def _unescaped_bytes_of(element: etree._Element) -> bytes:
    return _ESCAPED.sub(_unescape, element.text or "").encode("utf-8", "surrogateescape")


def _unescaped_text_of(element: etree._Element) -> str:
    return _unescaped_bytes_of(element).decode("utf-8", "replace").strip()


def parse(data: bytes) -> Document:
    """Parse one document, with or without a declaration and padding around it.

    Raises NotXmlError. A DOCTYPE is refused before anything in it is looked at: after the declaration, the
    root element must follow at once.
    """
    declaration = _DECLARATION.match(data)
    content = data[declaration.end() :].strip(_SPACE) if declaration else data.strip(_SPACE)
    if content[:1] != b"<" or content[1:2] in (b"!", b"?"):
        raise NotXmlError("no root element at the beginning of the document")
    if b"\r" not in content:
        try:
            return Document(etree.fromstring(content, _PARSER), _bytes_of, _text_of)
        except etree.XMLSyntaxError:
            pass  # perhaps only because of a name: read it again with offending bytes escaped
    text = _OFFENDING.sub(_escape, content.decode("utf-8", "surrogateescape"))
    text = _CHARACTER_REFERENCE.sub(_escape_reference, text)
    try:
        return Document(etree.fromstring(text.encode(), _PARSER), _unescaped_bytes_of, _unescaped_text_of)
    except etree.XMLSyntaxError as exc:
        raise NotXmlError(exc.msg or "not well-formed") from exc


def escape(text: str) -> str:
    """Escape the five characters that have a meaning in XML (docs/wire/frame.md)."""
    for character, entity in (
        ("&", "&amp;"),
        ("<", "&lt;"),
        (">", "&gt;"),
        ('"', "&quot;"),
        ("'", "&apos;"),
    ):
        text = text.replace(character, entity)
    return text


def _escape(match: re.Match[str]) -> str:
    return "".join(chr(_ESCAPE_BASE + byte) for byte in match[0].encode("utf-8", "surrogateescape"))


def _unescape(match: re.Match[str]) -> str:
    # Bytes from 0x80 must not be joined to characters before the whole text is bytes again.
    byte = ord(match[0]) - _ESCAPE_BASE
    return chr(byte) if byte < 0x80 else chr(0xDC00 + byte)


def _escape_reference(match: re.Match[str]) -> str:
    """Escape a reference to a character that XML 1.0 does not allow even as a reference."""
    code = int(match[1], 16) if match[1] else int(match[2])
    character = chr(code) if code <= 0x10FFFF and not 0xD800 <= code <= 0xDFFF else ""
    return _escape(escaped) if (escaped := _OFFENDING.fullmatch(character)) else match[0]
