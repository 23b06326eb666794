"""Bills of materials name what is shipped, with the versions of the lock files."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from tools import package_lambdas
from tools.sbom.components import OWN, Component, UnlockedError, image_components, pins, zip_components

SITE = Path(sysconfig.get_path("purelib"))
LOADED = "import sys, fpolicy_server.main; print(*{name.partition('.')[0] for name in sys.modules})"


@pytest.fixture
def locked(repository: Path) -> dict[str, str]:
    return pins((repository / "requirements/dev.txt").read_text())


def test_each_package_of_the_image_has_the_version_of_the_lock_file(locked: dict[str, str]) -> None:
    others = [each for each in image_components(locked, SITE) if each.name not in OWN]
    assert [each for each in others if locked[each.name] != each.version] == []
    assert {"boto3", "lxml", "orjson", "uvloop", "httptools", "urllib3"} <= {each.name for each in others}


def test_whatever_the_server_loads_is_in_its_bill(locked: dict[str, str]) -> None:
    """The real program's modules, and which package each belongs to; coverage may load itself everywhere."""
    shown = subprocess.run(
        [sys.executable, "-I", "-c", LOADED], check=True, capture_output=True, text=True
    ).stdout
    owners = packages_distributions()
    loaded = {canonicalize_name(owner) for module in shown.split() for owner in owners.get(module, [])}
    listed = {each.name for each in image_components(locked, SITE)}
    assert {"fpolicy-server", "boto3"} <= loaded
    assert loaded - listed <= {"coverage", "setuptools"}


def test_a_package_without_a_pinned_version_is_refused(locked: dict[str, str]) -> None:
    del locked["s3transfer"]
    with pytest.raises(UnlockedError, match="s3transfer is in the image"):
        image_components(locked, SITE)


def test_a_zip_holds_the_packages_that_its_function_asks_for_with_the_locked_versions(
    repository: Path, tmp_path: Path
) -> None:
    functions = package_lambdas.read_functions(repository / "python/lambdas.toml")
    versions = pins((repository / "requirements/lambda.txt").read_text())
    assert any(function.requirements for function in functions.values())
    for name in ("canary", "route", "start"):
        archive = tmp_path / f"{name}.zip"
        archive.write_bytes(package_lambdas.build(functions[name], versions))
        asked = sorted(Component(each, versions[each]) for each in functions[name].requirements)
        assert zip_components(archive) == asked
