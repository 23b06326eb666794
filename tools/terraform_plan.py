"""Plan an environment root without an account: `make plan ENV=poc`, or `ENV=production`.

The plan is made in a copy below build/, with the root's own `terraform.tfvars` if there is one, else with its
example. The whole plan goes to build/plan/<root>/plan.txt and plan.json; what is printed says how much of
what would be made, which checks fail, and which types nothing on this machine can apply.
With TF_AWS_PROVIDER=registry the real provider plans, which asks AWS: it needs credentials of the account.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY))  # started as a script, only tools/ is on the path

from lab.aws_provider.schema_types import PLAN_ONLY  # noqa: E402 - after the path is set
from lab.terraform import Terraform, TerraformError, plan_copy, provider_choice  # noqa: E402
from tools.terraform_inventory import example_inputs  # noqa: E402

ROOTS = ("poc", "production")
ACTIONS = {"create": "add", "update": "change", "delete": "destroy"}
Plan = Mapping[str, Any]


def planned(root: Path, build_dir: Path, inputs: Path, **variables: object) -> Terraform:
    """A plan of a root in a copy; Terraform wrote it to `plan_file`. Raises TerraformError."""
    terraform = plan_copy(root, build_dir, inputs=inputs, variables=variables)
    terraform.state_file.unlink(missing_ok=True)
    with terraform:
        terraform.init()
        terraform.plan()
    return terraform


def inputs_of(root: Path) -> Path:
    """A person's values for a root, else its example. Raises FileNotFoundError when there is neither."""
    own = root / "terraform.tfvars"
    found = own if own.exists() else example_inputs(root)
    if found is None:
        raise FileNotFoundError(f"{root}: neither terraform.tfvars nor terraform.tfvars.example")
    return found


def release_warning(wanted: str, tags: Iterable[str], changed: bool) -> list[str]:
    """Why this checkout is not the release that production runs, in one line; nothing when it is.

    wanted: the tag in VERSION; tags: those of the commit checked out; changed: whether files differ from it.
    """
    if wanted not in tags:
        return [f"warning: this checkout is not {wanted}, named by VERSION: do not apply it"]
    return [f"warning: files differ from {wanted}: do not apply them"] if changed else []


def _git(*arguments: str) -> str:
    """What Git says of the checkout; "" outside of one."""
    command = ["git", *arguments]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False).stdout


def summary(plan: Plan, plan_only: Iterable[str]) -> list[str]:
    """What a plan would do, in lines: totals, resources by type, failed checks, types that are only planned.

    plan_only: types, without `aws_`, that nothing on this machine can apply.
    """
    changes = [c for c in plan["resource_changes"] if c["mode"] == "managed"]
    actions = Counter(action for change in changes for action in change["change"]["actions"])
    types = Counter(change["type"] for change in changes)
    failed = [c["address"]["to_display"] for c in plan.get("checks", []) if c["status"] == "fail"]
    only = {name: types[name] for name in sorted(f"aws_{each}" for each in plan_only) if types[name]}
    return [
        ", ".join(f"{actions[action]} to {word}" for action, word in ACTIONS.items()),
        *(f"{count:6} {name}" for name, count in sorted(types.items())),
        *(f"warning: {check} does not hold" for check in failed),
        f"only planned, never applied on this machine: {_listed(only) or 'nothing'}",
    ]


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} ({count})" for name, count in counts.items())


def main(arguments: list[str]) -> int:
    """Plan one root and say what is in the plan; 1 when Terraform refuses, 2 for a root that is not known."""
    if len(arguments) != 1 or arguments[0] not in ROOTS:
        given = " ".join(arguments) or "nothing"
        print(f"plan: got {given}; allowed: {' or '.join(ROOTS)} (make plan ENV=poc)", file=sys.stderr)
        return 2
    (name,) = arguments
    root, build = REPOSITORY / "envs" / name, REPOSITORY / "build/plan" / name
    inputs = inputs_of(root)
    try:
        terraform = planned(root, build, inputs)
        plan = terraform.show_json()
        text = terraform.run("show", "-no-color", str(terraform.plan_file), quiet=True)
    except TerraformError as error:
        print(f"{error}\n{error.output}", file=sys.stderr)
        return 1
    (build / "plan.json").write_text(json.dumps(plan))
    (build / "plan.txt").write_text(text)
    print(f"envs/{name} with {inputs.relative_to(REPOSITORY)}, provider: {provider_choice()}")
    print("\n".join(summary(plan, PLAN_ONLY)))
    if (root / "VERSION").exists():
        tags, changed = _git("tag", "--points-at", "HEAD").split(), bool(_git("status", "--porcelain"))
        print("\n".join(release_warning((root / "VERSION").read_text().strip(), tags, changed)))
    print(f"the whole plan: {(build / 'plan.txt').relative_to(REPOSITORY)}, plan.json beside it")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
