"""What a stream of bytes is: hash, size, media type and text statistics, in constant memory. Pure."""

from __future__ import annotations

import codecs
import hashlib
import mimetypes
from typing import Any, Final

# Enough for every signature below and for a byte order mark; until then nothing is decoded.
_HEAD_BYTES: Final = 512
_BYTE_ORDER_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig", "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16", "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16", "utf-16"),
)
# First bytes of formats, as the formats' own specifications give them.
_SIGNATURES: Final = (
    (b"%PDF-", "application/pdf"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"\x1f\x8b", "application/gzip"),
    (b"\x7fELF", "application/x-elf"),
)
# An own table without the machine's mime.types files, so that every machine gives the same answer.
_TYPES_BY_SUFFIX: Final = mimetypes.MimeTypes()
_OFFICE: Final = "application/vnd.openxmlformats-officedocument"
for _suffix, _type in (
    (".docx", f"{_OFFICE}.wordprocessingml.document"),
    (".pptx", f"{_OFFICE}.presentationml.presentation"),
    (".xlsx", f"{_OFFICE}.spreadsheetml.sheet"),
):
    _TYPES_BY_SUFFIX.add_type(_type, _suffix)  # not in Python's own table

# Every ASCII character as a space or an x, by what Python's str.split calls white space.
_WHITE_OR_NOT: Final = bytes(ord(" ") if chr(code).isspace() else ord("x") for code in range(256))


class Inventory:
    """Takes a file's bytes in pieces of any size; how it is cut never changes the result."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._size = 0
        self._head = b""
        self._text: _Text | None = None

    def update(self, data: bytes) -> None:
        """Take the next piece."""
        self._hash.update(data)
        self._size += len(data)
        if self._text is not None:
            self._text.update(data)
            return
        self._head += data
        if len(self._head) >= _HEAD_BYTES:
            self._text = _Text(self._head)

    def result(self, name: str) -> dict[str, Any]:
        """Give size (bytes), sha256, media_type, and text statistics or None. `name` gives the suffix."""
        text = (self._text or _Text(self._head)).result()
        return {
            "size": self._size,
            "sha256": self._hash.hexdigest(),
            "media_type": media_type(name, self._head, is_text=text is not None and self._size > 0),
            "text": text,
        }


def media_type(name: str, head: bytes, *, is_text: bool) -> str:
    """Give the media type: by signature, else by the name's suffix, else by whether it is text."""
    for signature, kind in _SIGNATURES:
        if head.startswith(signature):
            return kind
    by_suffix, compression = _TYPES_BY_SUFFIX.guess_type(f"/{name.rpartition('/')[2]}")
    if head.startswith(b"PK\x03\x04"):  # office formats are ZIP archives of a better name
        return by_suffix if by_suffix and not by_suffix.startswith("text/") else "application/zip"
    if by_suffix and not compression:
        return by_suffix
    return "text/plain" if is_text else "application/octet-stream"


class _Text:
    """Counts lines, words and characters while the bytes are text (UTF-8, or UTF-16 with its mark)."""

    def __init__(self, head: bytes) -> None:
        decoder, self._encoding = "utf-8", "utf-8"
        for mark, name, shown in _BYTE_ORDER_MARKS:
            if head.startswith(mark):
                decoder, self._encoding = name, shown
        self._decoder: codecs.IncrementalDecoder | None = codecs.getincrementaldecoder(decoder)()
        self._lines = self._words = self._characters = 0
        self._in_word = self._in_line = False
        self._ascii = True
        self.update(head)

    def update(self, data: bytes, *, final: bool = False) -> None:
        if self._decoder is None:
            return
        try:
            text = self._decoder.decode(data, final)
        except UnicodeDecodeError:
            self._decoder = None
            return
        if "\0" in text:  # no text has it, and every binary format of zeros is valid UTF-8
            self._decoder = None
        elif text:
            self._count(text)

    def _count(self, text: str) -> None:
        self._words += self._words_beginning_in(text)
        self._in_word = not text[-1].isspace()
        self._lines += text.count("\n")
        self._in_line = text[-1] != "\n"
        self._characters += len(text)
        self._ascii = self._ascii and text.isascii()

    def _words_beginning_in(self, text: str) -> int:
        if text.isascii():  # ten times faster than splitting, which makes an object of every word
            before = b"x" if self._in_word else b" "
            return (before + text.encode().translate(_WHITE_OR_NOT)).count(b" x")
        words = len(text.split())
        # The piece before may have ended within the first of them.
        return words - 1 if self._in_word and words and not text[0].isspace() else words

    def result(self) -> dict[str, Any] | None:
        """Give the counts; None for what is not text. A last line without an end counts as a line."""
        self.update(b"", final=True)
        if self._decoder is None:
            return None
        return {
            "encoding": "us-ascii" if self._ascii and self._encoding == "utf-8" else self._encoding,
            "lines": self._lines + self._in_line,
            "words": self._words,
            "characters": self._characters,
        }
