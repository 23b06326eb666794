"""Validate every module and environment root: `python tools/terraform_validate.py`.

With TF_AWS_PROVIDER=registry the real provider is downloaded and its own checks run too; otherwise it is the
laboratory's schema. Everything happens in copies below build/, so no lock file or state is touched.
"""

from __future__ import annotations

import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY))  # started as a script, only tools/ is on the path

from lab.terraform import TerraformError, plan_copy, provider_choice  # noqa: E402 - after the path is set


def folders(repository: Path) -> list[Path]:
    """Every folder with a configuration of its own."""
    return sorted(
        path.parent for kind in ("modules", "envs") for path in repository.glob(f"{kind}/*/versions.tf")
    )


def validate(folder: Path, build_dir: Path) -> str:
    """The error of one folder, or an empty text."""
    terraform = plan_copy(folder, build_dir)
    try:
        terraform.init(backend=False)
        terraform.validate()
    except TerraformError as error:
        return f"{error}\n{error.output}"
    return ""


def main() -> int:
    """Validate all; 1 when one is wrong."""
    wrong = 0
    for folder in folders(REPOSITORY):
        error = validate(folder, REPOSITORY / "build/terraform-validate" / folder.name)
        wrong += bool(error)
        print(f"{folder.relative_to(REPOSITORY)}: {error or 'valid'}", flush=True)
    print(f"provider: {provider_choice()}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
