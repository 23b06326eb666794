"""A local AWS of its own for these tests, and a Lambda package small enough to write here."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.cloud.emulator import Emulator

ROOTS = Path(__file__).parent / "roots"


@pytest.fixture(scope="module")
def local_aws() -> Iterator[Emulator]:
    with Emulator() as emulator:
        yield emulator


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Lambda package whose handler answers with its event."""
    path = tmp_path_factory.mktemp("package") / "function.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("app.py", "def handler(event, context):\n    return {'got': event}\n")
    return path
