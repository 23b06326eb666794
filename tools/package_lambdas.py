"""Build the Lambda zips of python/lambdas.toml into build/lambdas, byte for byte the same for one commit.

    package_lambdas.py [NAME ...]        all of them without a name

Entries are sorted, with one fixed time and mode, and stored without compression, because the output of zlib
differs between its versions. Third-party code is taken from this environment, after its version was compared
with requirements/lambda.txt, and must be pure Python: one zip serves arm64 in AWS and any local machine.

A function with an `entry` is a CloudWatch Synthetics canary, whose zip has another form: everything lies
below `python/`, and the handler is a file there (CloudWatch user guide, "Writing a Python canary script").
That file is written here; it hands on what `entry` names.

A zip that changed is imported by the interpreter of .venv-lambda, which has only what AWS's runtime brings;
what is missing in the zip fails here, not in AWS. Exit status: 0 built, 2 something is wrong, in one line.
"""

from __future__ import annotations

import ast
import hashlib
import io
import json
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
OUTPUT: Final = ROOT / "build" / "lambdas"
RUNTIME_PYTHON: Final = ROOT / ".venv-lambda" / "bin" / "python"

# Lambda takes 50 MB by upload; above 12 MB cold starts are felt and something unneeded has come in.
MAX_ZIP_BYTES: Final = 12 * 1024 * 1024
ENTRY_TIME: Final = (1980, 1, 1, 0, 0, 0)  # the first moment a zip can hold
ENTRY_MODE: Final = 0o100644 << 16  # readable by the Lambda user, whoever builds
IMPORT_SECONDS: Final = 60
CACHES: Final = (".pyc", ".pyo")
# Of a distribution's metadata only what identifies it and its licence; the rest depends on the installer.
KEPT_METADATA: Final = ("METADATA",)


class PackagingError(Exception):
    """A zip cannot be built. The message is one line for the user."""


@dataclass(frozen=True, slots=True)
class Function:
    """One entry of lambdas.toml. `include` are paths below python/fsxn_runtime, the common ones too.

    `handler` is what AWS is told; `entry` is what the handler of a canary hands on, "" for a Lambda function.
    """

    name: str
    handler: str
    include: tuple[str, ...]
    requirements: tuple[str, ...]
    entry: str = ""

    @property
    def folder(self) -> str:
        """Where in the zip the modules lie, with a slash at the end; "" for its top."""
        return "python/" if self.entry else ""


def read_functions(path: Path) -> dict[str, Function]:
    """Read lambdas.toml; functions by name, sorted."""
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    return {
        name: Function(
            name=name,
            handler=entry["handler"],
            include=(*data["common"], *entry["include"]),
            requirements=tuple(entry["requirements"]),
            entry=entry.get("entry", ""),
        )
        for name, entry in sorted(data["functions"].items())
    }


def read_pins(path: Path) -> dict[str, str]:
    """Read a requirements file of `name==version` lines; versions by normalised name."""
    lines = (line.split("#")[0].strip() for line in path.read_text(encoding="utf-8").splitlines())
    pairs = (line.split("==") for line in lines if line)
    return {_normal(name): version for name, version in pairs}


def build(function: Function, pins: dict[str, str], root: Path = ROOT) -> bytes:
    """Give the bytes of one zip. Raises PackagingError when anything it names is missing or too large."""
    entries = dict(_own_entries(function, root / "python"))
    for requirement in function.requirements:
        entries.update(_requirement_entries(function, requirement, pins))
    if function.entry:
        entries.update(_entry_file(function))
    module_path = function.handler.rpartition(".")[0].replace(".", "/")
    if f"{module_path}.py" not in entries and f"{module_path}/__init__.py" not in entries:
        raise PackagingError(f"{function.name}: the handler's module {module_path}.py is not in the zip")
    _check_own_imports(function, entries)
    packed = _zip({f"{function.folder}{name}": content for name, content in entries.items()})
    if len(packed) > MAX_ZIP_BYTES:
        raise PackagingError(f"{function.name}: {len(packed)} bytes; at most {MAX_ZIP_BYTES} are allowed")
    return packed


def check_import(function: Function, archive: Path, python: Path = RUNTIME_PYTHON) -> None:
    """Import the handler from the zip alone. Raises PackagingError with the interpreter's last line."""
    module, _, attribute = function.handler.rpartition(".")
    program = (
        "import importlib, sys; sys.path.insert(0, sys.argv[1]); "
        "assert callable(getattr(importlib.import_module(sys.argv[2]), sys.argv[3]))"
    )
    # -I: nothing of the working directory or the caller's environment may help the import.
    result = subprocess.run(
        [str(python), "-I", "-B", "-c", program, str(archive / function.folder), module, attribute],
        capture_output=True,
        text=True,
        timeout=IMPORT_SECONDS,
        check=False,
    )
    if result.returncode != 0:
        last = (result.stderr.strip().splitlines() or ["no message"])[-1]
        raise PackagingError(f"{function.name}: {function.handler} cannot be imported from the zip: {last}")


def package(functions: Iterable[Function], pins: dict[str, str], output: Path = OUTPUT) -> dict[str, object]:
    """Build, check and write the zips, and enter them in the manifest; unchanged files are not touched."""
    output.mkdir(parents=True, exist_ok=True)
    manifest_path = output / "manifest.json"
    manifest = json.loads(manifest_path.read_text(encoding="utf-8")) if manifest_path.exists() else {}
    for function in functions:
        packed = build(function, pins)
        archive = output / f"{function.name}.zip"
        if not archive.exists() or archive.read_bytes() != packed:
            candidate = archive.with_suffix(".zip.new")
            candidate.write_bytes(packed)
            check_import(function, candidate)
            candidate.replace(archive)
        manifest[function.name] = _describe(function, packed, pins)
    text = json.dumps(manifest, indent=2, sort_keys=True) + "\n"
    if not manifest_path.exists() or manifest_path.read_text(encoding="utf-8") != text:
        manifest_path.write_text(text, encoding="utf-8")
    return manifest


def _describe(function: Function, packed: bytes, pins: dict[str, str]) -> dict[str, object]:
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        file_count = len(archive.namelist())
    return {
        "file": f"{function.name}.zip",
        "file_count": file_count,
        "handler": function.handler,
        "requirements": {name: pins[_normal(name)] for name in function.requirements},
        "sha256": hashlib.sha256(packed).hexdigest(),
        "size_bytes": len(packed),
    }


def _own_entries(function: Function, python: Path) -> Iterator[tuple[str, bytes]]:
    for name in function.include:
        path = python / "fsxn_runtime" / name
        if not path.exists():
            raise PackagingError(f"{function.name}: python/fsxn_runtime/{name} does not exist")
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file() and file.suffix not in CACHES:
                yield file.relative_to(python).as_posix(), file.read_bytes()


def _entry_file(function: Function) -> dict[str, bytes]:
    """Write the file that Synthetics calls."""
    module, _, attribute = function.entry.rpartition(".")
    text = f'"""What Synthetics calls."""\n\nfrom {module} import {attribute}\n\n__all__ = ["{attribute}"]\n'
    return {f"{function.handler.rpartition('.')[0]}.py": text.encode()}


def _check_own_imports(function: Function, entries: dict[str, bytes]) -> None:
    """Refuse an import of ours that the zip cannot answer, wherever in a file it stands."""
    modules = {
        name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        for name in entries
        if name.endswith(".py")
    }
    for name, content in entries.items():
        if name.endswith(".py"):
            for imported in sorted(_own_imports(content) - modules):
                raise PackagingError(f"{function.name}: {name} imports {imported}, which is not in the zip")


def _own_imports(source: bytes) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return {module for module in found if module.split(".")[0] == "fsxn_runtime"}


def _requirement_entries(
    function: Function, requirement: str, pins: dict[str, str]
) -> Iterator[tuple[str, bytes]]:
    for file in _distribution(function, requirement, pins).files or ():
        metadata = file.parts[0].endswith(".dist-info")
        wanted = not metadata or file.name in KEPT_METADATA or "licenses" in file.parts
        if file.parts[0] == ".." or file.suffix in CACHES or not wanted:
            continue
        if file.suffix in (".so", ".pyd", ".dll"):
            raise PackagingError(f"{function.name}: {requirement} is not pure Python: it has {file}")
        yield file.as_posix(), Path(str(file.locate())).read_bytes()


def _distribution(function: Function, requirement: str, pins: dict[str, str]) -> Distribution:
    pinned = pins.get(_normal(requirement))
    if pinned is None:
        raise PackagingError(f"{function.name}: {requirement} is not pinned in requirements/lambda.txt")
    try:
        found = distribution(requirement)
    except PackageNotFoundError:
        raise PackagingError(f"{function.name}: {requirement} is not installed; run make setup") from None
    if found.version != pinned:
        raise PackagingError(
            f"{function.name}: {requirement} is {found.version} here, {pinned} in requirements/lambda.txt; "
            "run make setup"
        )
    return found


def _normal(name: str) -> str:
    return name.strip().lower().replace("_", "-")


def _zip(entries: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in sorted(entries.items()):
            entry = zipfile.ZipInfo(name, ENTRY_TIME)
            entry.create_system = 3  # Unix, wherever this runs: the mode below counts only then
            entry.external_attr = ENTRY_MODE
            archive.writestr(entry, content)
    return packed.getvalue()


def main(names: Sequence[str]) -> int:
    """Build the named zips, or all."""
    functions = read_functions(ROOT / "python" / "lambdas.toml")
    pins = read_pins(ROOT / "requirements" / "lambda.txt")
    try:
        unknown = [name for name in names if name not in functions]
        if unknown:
            raise PackagingError(f"{unknown[0]} is not in python/lambdas.toml; it has {', '.join(functions)}")
        package((functions[name] for name in names or functions), pins)
    except PackagingError as error:
        print(f"package_lambdas: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
