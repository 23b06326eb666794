"""The production root, applied as it is written to a local AWS of its own, with what this machine has.

Types that no local service stands behind exist in Terraform's state only: `NOT_APPLIED`, exact both ways.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab import premises
from lab.aws_provider.schema_types import PLAN_ONLY
from lab.cloud.clients import ACCOUNT_ID
from lab.cloud.emulator import Emulator
from lab.measured import resources
from lab.ontap_sim.process import SimProcess
from lab.terraform import Terraform, TerraformError, plan_copy
from tests.local.test_terraform import left

pytestmark = [
    pytest.mark.local,
    pytest.mark.terraform,
    pytest.mark.xdist_group("local"),
    pytest.mark.timeout(600),
]

NOT_APPLIED = {"aws_budgets_budget", "aws_oam_link", "aws_synthetics_canary"}


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with Emulator(log_path=tmp_path_factory.mktemp("production") / "emulator.log") as running:
        yield running


@pytest.fixture(scope="module")
def production(
    emulator: Emulator, repository: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Terraform]:
    """The root with its example's values, and this machine's where the example names things of AWS."""
    folder = tmp_path_factory.mktemp("root")
    root = repository / "envs" / "production"
    volume = folder / "volume"
    volume.mkdir()
    config = premises.storage(emulator, volume, folder / "ledger.jsonl", {})
    with SimProcess(config, folder / "ontap") as storage:
        emulator.set_function_environment({"AWS_ENDPOINT_URL_FSX": storage.ready["fsx"]})
        premises.put_marker(emulator)
        terraform = plan_copy(
            root,
            folder,
            inputs=root / "terraform.tfvars.example",
            endpoint=emulator.endpoint,
            environment={"LAB_AWS_PLAN_ONLY": "preview"},
            variables=given(emulator, storage.ready, repository),
        )
        with terraform:
            terraform.init()
            terraform.apply()
            yield terraform


def given(emulator: Emulator, ready: dict[str, Any], repository: Path) -> dict[str, Any]:
    network = premises.make_network(emulator)
    secret_arn, management = premises.put_ontap_secret(emulator, ready)
    (face,) = ready["access_points"]
    certificate = Path(ready["certificate"]).read_text()
    secrets = emulator.client("secretsmanager")
    tls = {
        f"{part}_secret_arn": secrets.create_secret(Name=f"fpolicy-{part}", SecretString=certificate)["ARN"]
        for part in ("certificate", "key")
    }
    return {
        "access_point": {"alias": face["alias"], "arn": face["arn"]},
        "account_id": ACCOUNT_ID,
        "file_system_id": ready["file_system_id"],
        "kms_key_arn": emulator.client("kms").create_key()["KeyMetadata"]["Arn"],
        "network": {
            "source_security_group_ids": {"file_system": network["source_security_group_id"]},
            "subnet_ids": network["subnet_ids"],
            "vpc_id": network["vpc_id"],
        },
        "new_access_point": None,
        "ontap": {"management": management},
        "ontap_secret_arn": secret_arn,
        "package_dir": str(repository / "build/lambdas"),
        "server_ca_certificates": [certificate],
        "server_tls": tls,
    }


def test_everything_is_applied_but_what_no_local_service_has(production: Terraform) -> None:
    types = {each["type"] for each in resources(production)}
    assert types & {f"aws_{name}" for name in PLAN_ONLY} == NOT_APPLIED


def test_a_second_plan_is_empty(production: Terraform) -> None:
    changed = production.plan()
    changes = [
        (change["address"], change["change"]["actions"])
        for change in production.show_json()["resource_changes"]
        if change["change"]["actions"] != ["no-op"]
    ]
    assert (changed, changes) == (False, [])


def test_a_destroy_leaves_what_is_protected_and_after_a_person_gave_it_up_nothing(
    production: Terraform, emulator: Emulator
) -> None:
    with pytest.raises(TerraformError) as refused:
        production.destroy()
    assert "Table is protected against deletion" in refused.value.output
    assert "The bucket you tried to delete is not empty" in refused.value.output
    assert {"buckets", "tables"} <= set(left(emulator))
    give_up(emulator)
    production.destroy()
    assert left(emulator) == {}


def give_up(emulator: Emulator) -> None:
    """Lift the tables' protection and empty the buckets, which Terraform does not do for anybody."""
    tables, s3 = emulator.client("dynamodb"), emulator.client("s3")
    for name in tables.list_tables()["TableNames"]:
        tables.update_table(TableName=name, DeletionProtectionEnabled=False)
    for bucket in left(emulator)["buckets"]:
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
            for version in page.get("Versions", []):
                s3.delete_object(Bucket=bucket, Key=version["Key"], VersionId=version["VersionId"])
