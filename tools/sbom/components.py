"""What is in the server's image and in a Lambda zip, by name and version: read, never listed by hand."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from email.parser import HeaderParser
from importlib.metadata import Distribution, distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

SERVER = "fpolicy-server"
OWN = frozenset({"fpolicy-server", "fsxn-runtime"})  # built from this repository, so no lock file names them
PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;]+)", re.MULTILINE)
IMAGE = {"python_version": "3.13", "python_full_version": "3.13.0", "extra": ""}  # of the Dockerfile's base


@dataclass(frozen=True, order=True, slots=True)
class Component:
    """One distribution: normalised name and version."""

    name: str
    version: str


class UnlockedError(Exception):
    """Something shipped has no pinned version. The message is one line."""


def pins(text: str) -> dict[str, str]:
    """Versions of a requirements file by normalised name."""
    return {canonicalize_name(name): version for name, version in PIN.findall(text)}


def image_components(locked: Mapping[str, str], packages: Path) -> list[Component]:
    """What `pip install` puts into the server's image, with the versions that its constraints pin, sorted.

    locked: pins of requirements/dev.txt, the constraints in the Dockerfile; packages: a site-packages folder
    where the server is installed, whose metadata says what requires what. Raises UnlockedError.
    """
    installed: dict[str, Distribution] = {
        canonicalize_name(each.name): each for each in distributions(path=[str(packages)])
    }
    versions = {**{name: installed[name].version for name in OWN}, **locked}
    return _closure(SERVER, installed.__getitem__, versions)


def _closure(start: str, of: Callable[[str], Distribution], versions: Mapping[str, str]) -> list[Component]:
    found: dict[str, Component] = {}
    waiting = [start]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        if name not in versions:
            raise UnlockedError(f"{name} is in the image, and requirements/dev.txt pins no version of it")
        found[name] = Component(name, versions[name])
        waiting += _requirements(of(name))
    return sorted(found.values())


def _requirements(distribution: Distribution) -> Iterator[str]:
    for text in distribution.requires or []:
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate(IMAGE):
            yield canonicalize_name(requirement.name)


def zip_components(package: Path) -> list[Component]:
    """The distributions of others whose metadata lie in a Lambda zip, sorted."""
    with zipfile.ZipFile(package) as archive:
        texts = [
            archive.read(name).decode() for name in archive.namelist() if name.endswith(".dist-info/METADATA")
        ]
    headers = [HeaderParser().parsestr(text) for text in texts]
    return sorted(Component(canonicalize_name(each["Name"]), each["Version"]) for each in headers)
