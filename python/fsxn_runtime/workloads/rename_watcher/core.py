"""Which renames are suspicious, and what people are told of them. Pure."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum
from typing import Any

from fsxn_runtime.events import FileEvent


class Outcome(StrEnum):
    """What became of a rename. A metric dimension, so the set is closed."""

    HARMLESS = "harmless"
    TOLD = "told"
    HELD = "held"  # suspicious, but people were told of another one a short while ago


def new_extension(event: FileEvent, extensions: Collection[str]) -> str | None:
    """Give the listed extension that a rename has newly given to its file; None when it has not.

    `extensions` are lower-case without a dot. Case does not matter in names. A file that had the extension
    already is no news: its own rename was told.
    """
    old, new = (_name(path) for path in (event.file_path, event.target_path or ""))
    for extension in sorted(extensions):
        if new.endswith(f".{extension}") and not old.endswith(f".{extension}"):
            return extension
    return None


def _name(path: str) -> str:
    return path.rpartition("/")[2].lower()


def alert(event: FileEvent, extension: str, uc_id: str, window_seconds: int) -> dict[str, Any]:
    """Write what people are told: who renamed what, from where, and how long it stays silent now."""
    return {
        "subject": f"{uc_id}: a file got the extension of a known ransomware",
        "extension": extension,
        "file_path": event.file_path,
        "target_path": event.target_path,
        "volume": f"{event.svm_name}:{event.volume_name}",
        "client_ip": event.client_ip,
        "user": dict(event.user),
        "at": event.timestamp,
        "note": f"Further renames within {window_seconds} s are counted, not told one by one.",
        "runbook": "docs/runbooks/rename-watcher.md",
    }
