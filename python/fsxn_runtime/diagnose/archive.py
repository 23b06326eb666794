"""A bundle as one file: first page, conclusion, and every fact as JSON. No secret goes into it."""

from __future__ import annotations

import io
import json
import os
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from fsxn_runtime.diagnose.facts import without_secrets
from fsxn_runtime.errors import RejectedError

PAGE: Final = "README.txt"
_MODE: Final = 0o600  # names of files, addresses and log lines: for whoever made it


def write(path: Path, page: str, documents: Mapping[str, Any], moment: int) -> None:
    """Write the archive, a new file. `documents`: JSON by name, `moment`: seconds since 1970.

    Raises RejectedError when the file cannot be made.
    """
    folder = path.name.removesuffix(".tar.gz")
    contents = {PAGE: str(without_secrets(page))}
    for name, document in sorted(documents.items()):
        contents[name] = json.dumps(without_secrets(document), indent=1, sort_keys=True) + "\n"
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE)
    except OSError as exc:
        raise RejectedError(f"cannot make {path}: {exc.strerror}") from exc
    with os.fdopen(descriptor, "wb") as file, tarfile.open(fileobj=file, mode="w:gz") as archive:
        for name, text in contents.items():
            data = text.encode()
            entry = tarfile.TarInfo(f"{folder}/{name}")
            entry.size, entry.mtime, entry.mode = len(data), moment, _MODE
            archive.addfile(entry, io.BytesIO(data))
