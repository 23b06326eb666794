"""What Terraform costs: plan and apply of envs/production, evaluated without AWS, beside `validate`.

The stand-in provider makes up what AWS would answer, so an apply here is Terraform's own work and ours; how
long AWS takes to make things is not in it.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from lab.terraform import REPOSITORY, plan_copy
from tools.bench.figures import Figure
from tools.terraform_inventory import PREVIEW, stand_in_packages, variables_of

ROOT: Final = "production"
BARE: Final = "validate"

Json = dict[str, Any]


def measure() -> Json:
    """Validate, plan, apply, and plan again: nothing to do."""
    root = REPOSITORY / "envs" / ROOT
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        variables = {**variables_of(ROOT), "package_dir": str(stand_in_packages(folder))}
        terraform = plan_copy(root, folder, variables=variables, environment=PREVIEW)
        (terraform.root / "terraform.tfvars").write_text((root / "terraform.tfvars.example").read_text())
        with terraform:
            terraform.init()
            return {
                BARE: timed(terraform.validate),
                "plan, nothing there": timed(lambda: terraform.plan("-refresh=false")),
                "apply": timed(terraform.apply_plan),
                "plan, all there": timed(lambda: terraform.plan("-refresh=false")),
            }


def timed(act: Callable[[], object]) -> Json:
    """Seconds by the clock, and of Terraform's processor time."""
    before = os.times()
    act()
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return {"seconds": round(after.elapsed - before.elapsed, 2), "cpu_seconds": round(cpu, 2)}


def failures(_found: Json) -> list[str]:
    """Nothing here must be so on any machine."""
    return []


def table(found: Json) -> Iterator[str]:
    """Give the lines that are printed."""
    yield f"{f'terraform, envs/{ROOT}':<34}{'seconds':>12}{'CPU s':>12}{'to validate':>12}"
    bare = found[BARE]["cpu_seconds"]
    for name, each in found.items():
        seconds, cpu = each["seconds"], each["cpu_seconds"]
        yield f"  {name:<32}{seconds:>12.1f}{cpu:>12.1f}{cpu / bare:>12.1f}"


def figures(found: Json) -> Iterator[Figure]:
    """Give what the page shows."""
    for name, each in found.items():
        if name != BARE:
            value = each["cpu_seconds"]
            yield Figure("terraform, CPU seconds", name, value, BARE, found[BARE]["cpu_seconds"])
