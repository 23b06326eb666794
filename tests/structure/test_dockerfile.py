"""The image is what the task definition and the documents say of it."""

from __future__ import annotations

import json
import re

import yaml

from tests.structure.source_tree import ROOT

TEXT = (ROOT / "fpolicy-server/Dockerfile").read_text()
TASK = "module.fpolicy_ecs.aws_ecs_task_definition.server"


def instructions(name: str) -> list[str]:
    return re.findall(rf"^{name} (.+)$", TEXT, re.MULTILINE)


def test_every_stage_has_a_base_by_digest_that_somebody_must_give() -> None:
    assert all(re.search(r":[\w.-]+@\$\{PYTHON_DIGEST\}", base) for base in instructions("FROM"))
    assert "PYTHON_DIGEST" in instructions("ARG")  # without a default
    assert len(instructions("FROM")) == 2


def test_it_runs_as_the_user_who_owns_the_spool_and_as_nobody_else() -> None:
    (user,) = instructions("USER")
    (spool,) = instructions("VOLUME")
    assert int(user) > 0
    assert f"useradd --system --uid {user} " in TEXT
    assert f"install -d -m 0700 -o fpolicy {spool}\n" in TEXT
    assert f'_spool_path = "{spool}"' in (ROOT / "modules/fpolicy-ecs/main.tf").read_text()
    assert f"whose POSIX user is {user}" in (ROOT / "modules/fpolicy-ecs/variables.tf").read_text()


def test_health_check_ports_and_command_are_those_of_the_task_definition() -> None:
    inventory = yaml.safe_load((ROOT / "tests/terraform/inventories/production.yaml").read_text())
    (container,) = inventory["values"][TASK]["container_definitions"]
    check = container["healthCheck"]
    (said,) = instructions("HEALTHCHECK")
    times = dict(re.findall(r"--(\S+)=(\d+)", said))
    assert {name: int(value) for name, value in times.items()} == {
        "interval": check["interval"],
        "retries": check["retries"],
        "start-period": check["startPeriod"],
        "timeout": check["timeout"],
    }
    assert json.loads(said.partition("CMD ")[2]) == check["command"][1:]
    assert json.loads(instructions("CMD")[-1]) == container["command"]
    ports = {str(mapping["containerPort"]) for mapping in container["portMappings"]}
    assert set(instructions("EXPOSE")[0].split()) == ports


def test_it_installs_with_the_versions_that_the_tests_ran_with() -> None:
    assert "COPY requirements/dev.txt /source/constraints.txt" in TEXT
    assert "--constraint /source/constraints.txt" in TEXT
