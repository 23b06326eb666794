"""Make Terraform find the stand-in where it looks for hashicorp/aws: a filesystem mirror."""

from __future__ import annotations

import os
import platform
import shlex
import sys
from pathlib import Path

from lab.aws_provider.schema_types import PROVIDER_VERSION

REPOSITORY = Path(__file__).resolve().parents[2]
MACHINES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


def prepare(build_dir: Path) -> dict[str, str]:
    """Write mirror and CLI configuration below `build_dir`; return the environment that selects them.

    May run any number of times, also at once: files are replaced, never half written.
    """
    mirror = build_dir.resolve() / "terraform-mirror"
    system = f"{platform.system().lower()}_{MACHINES[platform.machine().lower()]}"
    folder = mirror / "registry.terraform.io/hashicorp/aws" / PROVIDER_VERSION / system
    folder.mkdir(parents=True, exist_ok=True)
    # PYTHONPATH, not cd: file names in a configuration are relative to Terraform's folder.
    script = (
        "#!/bin/sh\n"
        f"PYTHONPATH={shlex.quote(str(REPOSITORY))} PYTHONDONTWRITEBYTECODE=1 PYTHONSAFEPATH=1 \\\n"
        f'  exec {shlex.quote(sys.executable)} -m lab.aws_provider "$@"\n'
    )
    _replace(folder / f"terraform-provider-aws_v{PROVIDER_VERSION}", script, executable=True)
    config = mirror / "terraformrc"
    _replace(
        config,
        f'provider_installation {{\n  filesystem_mirror {{\n    path = "{mirror}"\n  }}\n}}\n'
        "disable_checkpoint = true\n",
    )
    return {
        "TF_CLI_CONFIG_FILE": str(config),
        "CHECKPOINT_DISABLE": "1",
        "TF_IN_AUTOMATION": "1",
    }


def _replace(path: Path, text: str, *, executable: bool = False) -> None:
    if path.exists() and path.read_text() == text:
        return
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.write_text(text)
    if executable:
        fresh.chmod(0o755)
    fresh.replace(path)


def main(arguments: list[str]) -> int:
    """Print shell lines that make Terraform use the stand-in."""
    build_dir = Path(arguments[0]) if arguments else REPOSITORY / "build"
    for name, value in prepare(build_dir).items():
        print(f"export {name}={shlex.quote(value)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
