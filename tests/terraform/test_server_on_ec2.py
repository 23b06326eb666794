"""The server on instances of the operator's, asked for at a root."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.terraform_inventory import evaluate, variables_of

pytestmark = [pytest.mark.terraform, pytest.mark.xdist_group("terraform-roots")]


@pytest.mark.parametrize("root", ["poc", "production"])
def test_a_root_puts_the_server_on_instances_with_a_lasting_folder(
    root: str, repository: Path, tmp_path: Path
) -> None:
    given = {
        "server_launch": {"fixed_addresses": True, "type": "EC2"},
        "server_spool": {"host_path": "/var/spool/fpolicy"},
    }
    resources = evaluate(repository / "envs" / root, tmp_path, {**variables_of(root), **given})
    found = {each["type"]: each["values"] for each in resources}
    assert found["aws_ecs_service"]["launch_type"] == "EC2"
    task = found["aws_ecs_task_definition"]
    assert (task["requires_compatibilities"], task["network_mode"]) == (["EC2"], "host")
    assert [volume["host_path"] for volume in task["volume"]] == ["/var/spool/fpolicy"]
