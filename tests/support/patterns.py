"""Event patterns and file events over tiny alphabets, so that generated ones meet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fsxn_runtime.events import DETAIL_TYPE, EVENT_SOURCE
from hypothesis import strategies as st

TYPES = ["FILE_CREATE", "FILE_WRITE", "FILE_RENAME"]
LETTERS = "ab/"
_texts = st.text(LETTERS, min_size=1, max_size=3)


def path_matchers(texts: st.SearchStrategy[str] = _texts) -> st.SearchStrategy[Any]:
    """What modules/workload writes for a scope's paths, and the forms that a person may add."""
    return st.one_of(
        texts,
        st.builds(lambda text: {"prefix": text}, texts),
        st.builds(lambda text: {"suffix": text}, texts),
        st.builds(lambda head, tail: {"wildcard": f"{head}*{tail}"}, texts, texts),
        st.builds(lambda text: {"anything-but": text}, texts),
        st.builds(lambda text: {"anything-but": {"prefix": text}}, texts),
    )


def patterns(
    types: Sequence[str] = TYPES, paths: st.SearchStrategy[Any] | None = None
) -> st.SearchStrategy[dict[str, Any]]:
    """Patterns of the shape that modules/workload writes: types, names, paths, and `$or` over both paths."""
    listed = st.lists(path_matchers() if paths is None else paths, min_size=1, max_size=2)
    either = st.builds(lambda found: {"$or": [{"file_path": found}, {"target_path": found}]}, listed)
    where = st.one_of(
        st.just({}),
        either,
        st.builds(lambda found: {"file_path": found}, listed),
        st.builds(lambda found: {"target_path": found}, listed),
    )
    kinds = st.lists(st.sampled_from(types), min_size=1, max_size=2, unique=True)
    names = st.one_of(
        st.just({}), st.builds(lambda name: {"svm_name": [name]}, st.sampled_from(["svm1", "svm2"]))
    )

    def pattern(types: list[str], names: dict[str, Any], where: dict[str, Any]) -> dict[str, Any]:
        return {"source": [EVENT_SOURCE], "detail": {"event_type": types, **names, **where}}

    return st.builds(pattern, kinds, names, where)


def events() -> st.SearchStrategy[dict[str, Any]]:
    """Events as the bus carries them, with the fields that patterns ask for; renames have a target."""

    def event(kind: str, svm: str, path: str, target: str) -> dict[str, Any]:
        detail = {"event_type": kind, "svm_name": svm, "file_path": path}
        if kind == "FILE_RENAME":
            detail["target_path"] = target
        return {"source": EVENT_SOURCE, "detail-type": DETAIL_TYPE, "detail": detail}

    paths = st.text(LETTERS, min_size=1, max_size=5)
    return st.builds(event, st.sampled_from(TYPES), st.sampled_from(["svm1", "svm2"]), paths, paths)
