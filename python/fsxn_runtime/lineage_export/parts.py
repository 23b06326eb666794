"""Rows become parts: gzipped JSON lines in memory, of bounded size."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from fsxn_runtime.errors import RejectedError
from fsxn_runtime.lineage_export.core import added, line_of
from fsxn_runtime.lineage_export.model import Part

# What one object holds at most: 50,000 records of usual size are 35 MB of text and a few MB gzipped, a good
# size for Athena, and far below the function's memory.
MAX_ROWS: Final = 50_000
MAX_TEXT_BYTES: Final = 48 << 20
_LONGEST_LINE: Final = 4 << 20  # DynamoDB's largest item is 400 KB; escaped to JSON at most six times that


class PartBuilder:
    """Collects rows until it is full. The same rows give the same bytes."""

    def __init__(self, max_rows: int = MAX_ROWS, max_text_bytes: int = MAX_TEXT_BYTES) -> None:
        self._max_rows = max_rows
        self._max_text_bytes = max_text_bytes
        self._buffer = io.BytesIO()
        # No time and no name in the header.
        self._gzip = gzip.GzipFile(filename="", mode="wb", fileobj=self._buffer, mtime=0, compresslevel=6)
        self._text_bytes = 0
        self._resume: Mapping[str, str] = {}
        self.count = 0
        self.digest = 0

    @property
    def is_full(self) -> bool:
        """Whether the part must be closed before another row."""
        return self.count >= self._max_rows or self._text_bytes >= self._max_text_bytes

    def add(self, row: Mapping[str, Any]) -> None:
        """Add one row."""
        line = line_of(row)
        self._gzip.write(line)
        self._text_bytes += len(line)
        self.count += 1
        self.digest = added(self.digest, line)
        self._resume = {name: row[name] for name in ("write_hour", "processing_timestamp", "source_file_key")}

    def build(self) -> Part:
        """Give the finished part."""
        self._gzip.close()
        data = self._buffer.getvalue()
        return Part(data, hashlib.sha256(data).hexdigest(), self.count, self.digest, self._resume)


def lines_of(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Give the lines of a gzipped object, with their ends. Raises RejectedError for another thing."""
    source = _Chunks(chunks)
    try:
        with gzip.GzipFile(fileobj=source) as unpacked:
            while line := unpacked.readline(_LONGEST_LINE):
                yield line
    except (OSError, EOFError, zlib.error) as exc:
        raise RejectedError(f"it is no gzip: {exc}", code="no_gzip") from exc


def row_of(line: bytes) -> dict[str, Any]:
    """Read a line back. Raises RejectedError for what is no row."""
    try:
        row = json.loads(line.decode("utf-8", "surrogatepass"))
        if isinstance(row["source_file_key"], str) and isinstance(row["processing_timestamp"], str):
            return dict(row)
    except (ValueError, KeyError, TypeError):
        pass  # refused below with the same words
    raise RejectedError("a line is no record", code="no_record")


class _Chunks(io.RawIOBase):
    """A readable file over chunks."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, target: Any) -> int:
        while not self._rest:
            following = next(self._chunks, None)
            if following is None:
                return 0
            self._rest = following
        taken = min(len(target), len(self._rest))
        target[:taken] = self._rest[:taken]
        self._rest = self._rest[taken:]
        return taken
