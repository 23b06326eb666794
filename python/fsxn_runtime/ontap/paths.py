"""Paths, queries and fields as ONTAP wants them. Pure.

Source: ONTAP REST reference 3: a space is %20, never +; path elements that are names are percent-encoded.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from urllib.parse import quote, urlencode

from fsxn_runtime.ontap.errors import OntapRejectedError

QueryValue = str | int | bool

CLUSTER = "/api/cluster"


def path(*parts: str) -> str:
    """Join path elements below /api, each percent-encoded.

    Raises OntapRejectedError for an element that would address something else: an empty one the collection,
    dots what is above.
    """
    for part in parts:
        if part in ("", ".", ".."):
            raise OntapRejectedError(f"path elements are {parts!r}; each must be a name", code="ontap_path")
    return "/".join(("/api", *(quote(part, safe="") for part in parts)))


def target(path_: str, fields: Iterable[str] = (), query: Mapping[str, QueryValue] | None = None) -> str:
    """Give path and query of a request. Commas between fields and wildcards stay readable."""
    if not path_.startswith("/api/"):
        raise OntapRejectedError(f"path is {path_[:200]!r}; it must begin with /api/", code="ontap_path")
    items = {name: _text(value) for name, value in (query or {}).items()}
    names = ",".join(fields)
    if names:
        items["fields"] = names
    return f"{path_}?{urlencode(items, quote_via=quote, safe=',*')}" if items else path_


def _text(value: QueryValue) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
