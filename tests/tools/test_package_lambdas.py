"""The Lambda zips: complete, minimal, byte for byte the same, importable by every Python they must run on."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from tools import package_lambdas
from tools.package_lambdas import Function, PackagingError

ROOT = Path(__file__).parents[2]
FUNCTIONS = package_lambdas.read_functions(ROOT / "python/lambdas.toml")
PINS = package_lambdas.read_pins(ROOT / "requirements/lambda.txt")
RUNTIME = ROOT / ".venv-lambda"
# What the platform's functions are called in Terraform and in the laboratory.
NAMES = {
    "access-point-monitor",
    "approve",
    "canary",
    "content-inventory",
    "diagnose",
    "expand",
    "finish",
    "forecast",
    "lineage-export",
    "poll",
    "reconcile",
    "rename-watcher",
    "rotate",
    "route",
    "start",
}
# What all others need: this one publishes no metric.
UNUSED = {"diagnose": {"fsxn_runtime.edge.metrics", "fsxn_runtime.metric_catalogue"}}


def other_pythons() -> list[str]:
    """Interpreters beside our own on which the zips must work: AWS runs 3.13, users have 3.11 and later."""
    versions = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found = {".".join(p.parts[-3].split(".")[:2]): str(p) for p in versions.glob("3.1[1-9]*/bin/python3")}
    own = f"{sys.version_info.major}.{sys.version_info.minor}"
    return [path for version, path in sorted(found.items()) if version != own]


@pytest.fixture(scope="module")
def zips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("lambdas")
    package_lambdas.package(FUNCTIONS.values(), PINS, output)
    return output


def run_with_zip(python: str, archive: Path, program: str) -> str:
    """Run a program with the zip first on the path, then the runtime's own packages and nothing else."""
    (packages,) = RUNTIME.glob("lib/python3*/site-packages")
    prelude = f"import sys; sys.path[:0] = [{str(archive)!r}]; sys.path.append({str(packages)!r}); "
    command = [python, "-I", "-B", "-S", "-W", "error", "-c", prelude + program]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_every_function_is_listed() -> None:
    assert FUNCTIONS.keys() == NAMES


def test_building_twice_gives_the_same_bytes(zips: Path) -> None:
    for name, function in FUNCTIONS.items():
        assert package_lambdas.build(function, PINS) == (zips / f"{name}.zip").read_bytes()


def test_the_checkouts_times_and_modes_do_not_enter_the_bytes(zips: Path) -> None:
    for name in FUNCTIONS:
        with zipfile.ZipFile(zips / f"{name}.zip") as archive:
            entries = archive.infolist()
        assert [entry.filename for entry in entries] == sorted(entry.filename for entry in entries)
        assert {entry.date_time for entry in entries} == {(1980, 1, 1, 0, 0, 0)}
        assert {entry.external_attr >> 16 for entry in entries} == {0o100644}
        assert {entry.compress_type for entry in entries} == {zipfile.ZIP_STORED}
        assert {entry.create_system for entry in entries} == {3}


def test_the_manifest_describes_the_zips(zips: Path) -> None:
    manifest = json.loads((zips / "manifest.json").read_text(encoding="utf-8"))
    assert manifest.keys() == NAMES
    for name, described in manifest.items():
        packed = (zips / f"{name}.zip").read_bytes()
        assert described["size_bytes"] == len(packed) < package_lambdas.MAX_ZIP_BYTES
        assert described["sha256"] == hashlib.sha256(packed).hexdigest()
        assert described["handler"] == FUNCTIONS[name].handler


def test_a_canarys_zip_has_its_handler_and_everything_else_below_python(zips: Path) -> None:
    """The form that Synthetics asks for, with no package of Synthetics' own imported."""
    with zipfile.ZipFile(zips / "canary.zip") as archive:
        entries = archive.namelist()
        handler = archive.read("python/canary.py").decode()
    assert all(entry.startswith("python/") for entry in entries)
    assert FUNCTIONS["canary"].handler == "canary.handler"
    assert "from fsxn_runtime.canary.ontap import handler" in handler


def test_a_second_run_touches_nothing(zips: Path) -> None:
    before = {path.name: path.stat().st_mtime_ns for path in zips.iterdir()}
    package_lambdas.package(FUNCTIONS.values(), PINS, zips)
    assert {path.name: path.stat().st_mtime_ns for path in zips.iterdir()} == before


@pytest.fixture(scope="module")
def imported(zips: Path) -> Callable[[str, str], set[str]]:
    """Modules of ours that a zip's handler imports in a Python; each is started once for each zip."""

    @cache
    def modules(name: str, python: str) -> set[str]:
        module, _, attribute = FUNCTIONS[name].handler.rpartition(".")
        program = (
            f"import {module}; assert callable({module}.{attribute}); "
            "print(*(m for m in sys.modules if m.startswith('fsxn_runtime')))"
        )
        return set(run_with_zip(python, zips / f"{name}.zip" / FUNCTIONS[name].folder, program).split())

    return modules


@pytest.mark.parametrize("name", sorted(NAMES))
def test_a_zip_holds_exactly_the_modules_of_ours_that_its_handler_imports(
    name: str, zips: Path, imported: Callable[[str, str], set[str]]
) -> None:
    with zipfile.ZipFile(zips / f"{name}.zip") as opened:
        entries = [entry.removeprefix(FUNCTIONS[name].folder) for entry in opened.namelist()]
        held = {
            entry.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
            for entry in entries
            if entry.startswith("fsxn_runtime/") and entry.endswith(".py")
        }
    assert held == imported(name, str(RUNTIME / "bin/python")) | UNUSED.get(name, set())


@pytest.mark.parametrize("python", [str(RUNTIME / "bin/python"), *other_pythons()])
@pytest.mark.parametrize("name", sorted(NAMES))
def test_a_handler_imports_in_every_python_at_hand_without_environment(
    name: str, python: str, imported: Callable[[str, str], set[str]]
) -> None:
    assert imported(name, python)


def changed(name: str, **changes: object) -> Function:
    return replace(FUNCTIONS[name], **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (changed("route", include=("no_such_folder",)), "no_such_folder does not exist"),
        (changed("route", include=("errors.py",)), "handler's module .* is not in the zip"),
        (changed("route", include=("event_router",)), r"imports fsxn_runtime\.\w+, which is not in the zip"),
        (changed("route", requirements=("requests",)), "requests is not pinned"),
    ],
)
def test_nothing_missing_is_tolerated(function: Function, words: str) -> None:
    with pytest.raises(PackagingError, match=words):
        package_lambdas.build(function, PINS)


def test_a_requirement_in_another_version_is_refused() -> None:
    with pytest.raises(PackagingError, match=r"fastjsonschema is .* here, 0\.0\.1 in"):
        package_lambdas.build(FUNCTIONS["route"], {"fastjsonschema": "0.0.1"})


def test_a_requirement_with_compiled_parts_is_refused() -> None:
    with pytest.raises(PackagingError, match="orjson is not pure Python"):
        package_lambdas.build(
            changed("route", requirements=("orjson",)),
            package_lambdas.read_pins(ROOT / "requirements/dev.txt"),
        )


def test_a_zip_above_the_limit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package_lambdas, "MAX_ZIP_BYTES", 1000)
    with pytest.raises(PackagingError, match="at most 1000 are allowed"):
        package_lambdas.build(FUNCTIONS["route"], PINS)


def test_a_zip_that_cannot_be_imported_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(PackagingError, match="No module named 'fastjsonschema'"):
        package_lambdas.package([changed("route", requirements=())], PINS, tmp_path)
    assert not (tmp_path / "route.zip").exists()


def test_an_unknown_name_is_one_line_and_status_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert package_lambdas.main(["rout"]) == 2
    assert capsys.readouterr().err == (
        f"package_lambdas: rout is not in python/lambdas.toml; it has {', '.join(sorted(NAMES))}\n"
    )


def test_lambda_and_development_environments_pin_the_same_versions() -> None:
    development = package_lambdas.read_pins(ROOT / "requirements/dev.txt")
    runtime = package_lambdas.read_pins(ROOT / "requirements/lambda-runtime.txt")
    for name, version in {**PINS, **runtime}.items():
        assert development[name] == version, name
