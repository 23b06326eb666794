"""What a stream of bytes is."""

from __future__ import annotations

import hashlib
import tracemalloc
from itertools import pairwise

import pytest
from fsxn_runtime.workloads.content_inventory.core import Inventory
from hypothesis import example, given
from hypothesis import strategies as st

_encodings = st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "ascii"])
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\ufeff"), max_size=1500)


def inventory(data, name="a.bin", cuts=()):
    """Take the data cut at the given places."""
    made = Inventory()
    places = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    for start, end in pairwise(places):
        made.update(data[start:end])
    return made.result(name)


@given(data=st.binary(max_size=2000) | texts.map(str.encode), cuts=st.lists(st.integers(0, 2000), max_size=8))
@example(data="ä".encode() * 400, cuts=[513])
@example(data=b"ab" * 300, cuts=[511, 512, 513])
@example(data=b"a b" * 300, cuts=[520])
@example(data="ä b".encode() * 300, cuts=[520, 521, 522])
def test_how_the_stream_is_cut_never_changes_the_result(data, cuts):
    assert inventory(data, cuts=cuts) == inventory(data)


@given(data=st.binary(max_size=2000))
def test_size_and_hash_are_those_of_the_whole(data):
    found = inventory(data)
    assert (found["size"], found["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())


@given(text=texts, encoding=_encodings)
@example(text="x\ny", encoding="utf-8")
@example(text="".join(map(chr, range(1, 128))) * 9, encoding="utf-8")
@example(text="a\x1cb\x85c\xa0d\u3000e " * 200, encoding="utf-8")
def test_statistics_are_those_of_the_text(text, encoding):
    try:
        data = text.encode(encoding)
    except UnicodeEncodeError:
        return
    assert inventory(data)["text"] == {
        "encoding": {"utf-16": "utf-16"}.get(encoding) or ("us-ascii" if text.isascii() else "utf-8"),
        "lines": text.count("\n") + (text[-1:] not in ("", "\n")),
        "words": len(text.split()),
        "characters": len(text),
    }


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xfe\xfa",  # half a UTF-16 character
        b"abc\xff" + b"x" * 600,
        b"x" * 600 + b"\xc3",  # ends within a character
        b"x" * 600 + b"\0",
        b"\0" * 10,
        "Grüße".encode("latin-1"),
    ],
)
def test_what_is_no_text_has_no_statistics(data):
    assert inventory(data)["text"] is None


@pytest.mark.parametrize(
    ("data", "name", "expected"),
    [
        (b"%PDF-1.7\n", "letter.txt", "application/pdf"),
        (b"\x89PNG\r\n\x1a\n", "a", "image/png"),
        (b"\xff\xd8\xff\xe0", "a", "image/jpeg"),
        (b"GIF89a", "a", "image/gif"),
        (b"\x1f\x8b\x08", "a.tar.gz", "application/gzip"),
        (b"\x7fELF\x02", "tool", "application/x-elf"),
        (b"PK\x03\x04", "a.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        (b"PK\x03\x04", "a.zip", "application/zip"),
        (b"PK\x03\x04", "a.txt", "application/zip"),
        (b"PK\x03\x04", "a", "application/zip"),
        (b"a,b\n", "dir.d/table.csv", "text/csv"),
        (b"{}", "a.json", "application/json"),
        (b"hello", "README", "text/plain"),
        (b"hello", "a.txt.gz", "text/plain"),
        (b"\x01\xff", "README", "application/octet-stream"),
        (b"", "empty", "application/octet-stream"),
        (b"", "empty.txt", "text/plain"),
        (b"x", "http://no.scheme/a.html", "text/html"),
    ],
)
def test_the_media_type_is_by_signature_then_suffix_then_text(data, name, expected):
    assert inventory(data, name)["media_type"] == expected


def test_memory_does_not_grow_with_the_file():
    """16 MiB in pieces of 256 KiB; what one piece needs (decoded and split) stays far below that."""
    piece = (b"some words and a line\n" * 12_000)[: 256 << 10]
    made = Inventory()
    tracemalloc.start()
    try:
        for _ in range(64):
            made.update(piece)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert made.result("a")["size"] == 64 * len(piece)
    assert peak < 6 << 20
