"""Write the lock files of the roots that people apply: `make lock`, where the registry is reachable.

A lock file names the provider's version and the hashes of its packages, so that every later `terraform init`
takes exactly these. It is made in a copy and then put into the root; commit it.
"""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY))  # started as a script, only tools/ is on the path

from lab.terraform import TerraformError, plan_copy, provider_choice  # noqa: E402 - after the path is set

ROOTS = ("poc", "production")
PLATFORMS = ("darwin_amd64", "darwin_arm64", "linux_amd64", "linux_arm64")
LOCK_FILE = ".terraform.lock.hcl"


def lock(root: Path, build_dir: Path, *options: str, platforms: tuple[str, ...] = PLATFORMS) -> Path:
    """Lock a root's providers; the file in the root. `options` are those of `terraform providers lock`.

    Raises TerraformError, for example when the registry cannot be reached.
    """
    terraform = plan_copy(root, build_dir)
    terraform.run("get", "-no-color")
    terraform.run("providers", "lock", *(f"-platform={platform}" for platform in platforms), *options)
    return Path(shutil.copyfile(terraform.root / LOCK_FILE, root / LOCK_FILE))


def of_the_registry(text: str) -> bool:
    """Whether all hashes are the registry's: only those come as `zh:`, signed by the provider's maker."""
    providers = re.findall(r'^provider "[^"]+" \{\n(.*?)^\}', text, re.MULTILINE | re.DOTALL)
    return bool(providers) and all('"zh:' in provider for provider in providers)


def main() -> int:
    """Lock every root; 1 when Terraform refuses, 2 when it would be another provider's."""
    if provider_choice() != "registry":
        print("lock: a lock file is made against the registry: set TF_AWS_PROVIDER=registry", file=sys.stderr)
        return 2
    for name in ROOTS:
        try:
            written = lock(REPOSITORY / "envs" / name, REPOSITORY / "build/lock" / name)
        except TerraformError as error:
            print(f"{error}\n{error.output}", file=sys.stderr)
            return 1
        print(f"written: {written.relative_to(REPOSITORY)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
