"""One XML document of a payload, parsed by a real parser (lxml) with everything dangerous refused.

File names are plain bytes on NFS. How ONTAP writes a name that is no UTF-8, or that has characters which
XML 1.0 cannot represent, is unknown (docs/wire/open-questions.md). Such a document is not well-formed, so
it is read in a reversible way: each offending byte B becomes the private character U+10FF00 + B, the parser
reads the result, and `text_of` and `bytes_of` turn the characters back into the bytes. Characters of that
range in the original are treated the same way, so nothing is ever mistaken for an escape.

A node's documents differ in their texts and hardly ever in their elements. So the elements of a document, its
shape, go through the parser once; when they come again, only the texts are cut out, by their places. That is
exact where brackets stand around tags alone and XML allows every character: a parser finds the same elements
and those texts. A text with references is parsed by itself; any other document is parsed as a whole.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
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
# What is neither a bracket nor a character that XML refuses.
_ORDINARY: Final = bytes(
    code for code in range(256) if code not in b"<>" and (code >= 0x20 or code in b"\t\n")
)
_NO_TEXT: Final = -1
# Whoever may connect decides what is kept: at most 128 shapes of 512 elements, some 25 MB.
_SHAPES: Final = 128
_MAX_SHAPE_BYTES: Final = 2048
_CHARACTER_REFERENCE: Final = re.compile("&#(?:x([0-9A-Fa-f]{1,6})|([0-9]{1,7}));")


class NotXmlError(ValueError):
    """The bytes are not the XML document that the protocol describes; the text says why."""


class Node(NamedTuple):
    """One element; `fields` are its children by name, of several with one name the first."""

    tag: str
    children: tuple[Node, ...]
    fields: dict[str, Node]
    place: int  # of the text before the first child, in the document's texts


class Document(NamedTuple):
    """The root element, and the texts of all elements as the peer sent them, references resolved.

    The last text is empty: it is that of every element without any (`_NO_TEXT`).
    """

    root: Node
    texts: Sequence[bytes]

    def bytes_of(self, node: Node) -> bytes:
        """Give an element's text as it is."""
        return self.texts[node.place]

    def text_of(self, node: Node) -> str:
        """Give it without padding; bytes that are no UTF-8 become U+FFFD."""
        return self.texts[node.place].decode("utf-8", "replace").strip()


def parse(data: bytes) -> Document:
    """Parse one document, with or without a declaration and padding around it.

    Raises NotXmlError. A DOCTYPE is refused before anything in it is looked at: after the declaration, the
    root element must follow at once.
    """
    declaration = _DECLARATION.match(data)
    content = data[declaration.end() :].strip(_SPACE) if declaration else data.strip(_SPACE)
    if content[:1] != b"<" or content[1:2] in (b"!", b"?"):
        raise NotXmlError("no root element at the beginning of the document")
    if (document := _by_shape(content)) is not None:
        return document
    if b"\r" not in content:
        try:
            return _read(etree.fromstring(content, _PARSER), _bytes)
        except etree.XMLSyntaxError:
            pass  # perhaps only because of a name: read it again with offending bytes escaped
    text = _OFFENDING.sub(_escape, content.decode("utf-8", "surrogateescape"))
    text = _CHARACTER_REFERENCE.sub(_escape_reference, text)
    try:
        return _read(etree.fromstring(text.encode(), _PARSER), _unescaped_bytes)
    except etree.XMLSyntaxError as exc:
        raise NotXmlError(exc.msg or "not well-formed") from exc


def _by_shape(content: bytes) -> Document | None:
    """Take the texts out of a document of known shape; None when it has to be parsed as a whole."""
    brackets = content.translate(None, _ORDINARY)
    if brackets != b"<>" * (len(brackets) // 2) or not _is_text(content):
        return None
    parts = content.replace(b">", b"<").split(b"<")  # nothing, then tags and what comes after each, in turn
    tags, texts = b"<".join(parts[1::2]), parts[2::2]
    if texts[-1] or len(tags) > _MAX_SHAPE_BYTES or (shape := _shape(tags)) is None:
        return None
    if b"&" in content:
        try:
            texts = [_resolved(text) if b"&" in text else text for text in texts]
        except etree.XMLSyntaxError:
            return None
    return Document(shape, texts)


def _is_text(content: bytes) -> bool:
    """Whether it is UTF-8 of characters that XML allows, where bytes below 0x20 were looked at before."""
    try:
        return content.isascii() or _OFFENDING.search(content.decode()) is None
    except UnicodeDecodeError:
        return False


def _resolved(text: bytes) -> bytes:
    """Resolve the references of one text, as the parser does."""
    return (etree.fromstring(b"<a>%s</a>" % text, _PARSER).text or "").encode()


@lru_cache(maxsize=_SHAPES)
def _shape(tags: bytes) -> Node | None:
    """Parse the document of which only the tags are left, with each text's place in its stead."""
    names = tags.split(b"<")
    if any(name[:1] in (b"!", b"?") for name in names):
        return None
    marked = b"".join(b"<%s>%d" % (name, place) for place, name in enumerate(names))
    try:
        root = etree.fromstring(marked.rstrip(b"0123456789"), _PARSER)
    except etree.XMLSyntaxError:
        return None  # whoever sent it hears what is wrong with the document, not with this one
    return _node(root, lambda element: int(element.text) if element.text else _NO_TEXT)


def _read(root: etree._Element, bytes_of: Callable[[str], bytes]) -> Document:
    """Give a parsed document as one: places in the order of the elements."""
    texts: list[bytes] = []

    def place_of(element: etree._Element) -> int:
        texts.append(bytes_of(element.text or ""))
        return len(texts) - 1

    node = _node(root, place_of)
    return Document(node, [*texts, b""])


def _node(element: etree._Element, place_of: Callable[[etree._Element], int]) -> Node:
    place = place_of(element)
    children = tuple(_node(child, place_of) for child in element)
    return Node(str(element.tag), children, {child.tag: child for child in reversed(children)}, place)


def _bytes(text: str) -> bytes:
    return text.encode()


def _unescaped_bytes(text: str) -> bytes:
    return _ESCAPED.sub(_unescape, text).encode("utf-8", "surrogateescape")


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
