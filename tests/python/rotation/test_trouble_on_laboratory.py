"""What people, rules and small roles do to a rotation, and how it is brought back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path

import pytest
from fsxn_runtime.errors import RejectedError
from fsxn_runtime.rotation import operations
from fsxn_runtime.rotation.model import Step

from lab.cloud.emulator import Emulator
from lab.ontap_sim.process import SimProcess
from tests.support.rotation_world import FIRST_PASSWORD, RotationWorld

OUTSIDE = "Changed-0utside"


def change_outside(world: RotationWorld, password: str) -> None:
    """Somebody who knows the password changes it."""
    known = world.value()["password"]
    account = world.account()
    path = f"/security/accounts/{account['owner']['uuid']}/{world.username}"
    world.sim.client.as_user(world.username, known).rest("PATCH", path, {"password": password})
    world.passwords.append(password)


def last_reason(world: RotationWorld) -> str:
    tags = world.secrets.describe_secret(SecretId=world.secret_id)["Tags"]
    (memory,) = [tag["Value"] for tag in tags if tag["Key"] == "fsxn:rotation"]
    return str(memory.partition("result=")[2])


def recovered(world: RotationWorld, *, through_fsx: bool = False, abandon: bool = False) -> str:
    with redirect_stdout(world.said):
        answer = operations.recover(world.rotator(), is_through_fsx=through_fsx, is_abandoned=abandon)
    return str(answer["outcome"])


def test_an_account_is_never_locked_however_often_secrets_manager_asks(rotating: RotationWorld) -> None:
    """Somebody changed the password. Steps: 30 passes; the account is not locked and knows the new one."""
    token = rotating.begin()
    change_outside(rotating, OUTSIDE)
    assert not rotating.drive(token, passes=30)
    assert last_reason(rotating) == "setSecret:too_many_refusals"
    refused = [
        r for r in rotating.sim.client.requests() if r["path"] == "/api/cluster" and r["status"] == 401
    ]
    assert len(refused) <= 5
    assert rotating.account()["locked"] is False
    assert rotating.accepts(OUTSIDE)
    rotating.assert_silent()


def test_a_rotation_goes_on_after_a_person_has_mended_the_account(rotating: RotationWorld) -> None:
    token = rotating.begin()
    change_outside(rotating, OUTSIDE)
    assert not rotating.drive(token, passes=3)
    path = f"/security/accounts/{rotating.account()['owner']['uuid']}/{rotating.username}"
    rotating.sim.client.as_user(rotating.username, OUTSIDE).rest(
        "PATCH", path, {"password": "Agreed-Passw0rd"}
    )
    value = {**rotating.value(), "password": "Agreed-Passw0rd"}
    rotating.secrets.put_secret_value(SecretId=rotating.secret_id, SecretString=json.dumps(value))
    assert recovered(rotating) == "finished"
    rotating.assert_well()


def test_a_password_that_was_taken_back_to_the_previous_one_is_found(rotating: RotationWorld) -> None:
    """A version that was never set in ONTAP became current by hand: the previous password still works."""
    value = {**rotating.value(), "password": "Never-Set-1n-ONTAP"}
    rotating.secrets.put_secret_value(SecretId=rotating.secret_id, SecretString=json.dumps(value))
    assert rotating.drive(rotating.begin(), passes=1)
    rotating.assert_well()


def test_a_test_without_a_set_proves_the_current_password(rotating: RotationWorld) -> None:
    token = rotating.begin()
    assert rotating.run_step(token, Step.TEST)
    assert not rotating.run_step(token, Step.FINISH)
    assert rotating.value()["password"] == FIRST_PASSWORD


def test_a_value_of_the_pending_version_is_kept(rotating: RotationWorld) -> None:
    token = rotating.begin()
    assert rotating.run_step(token, Step.CREATE)
    before = rotating.value("AWSPENDING")
    assert rotating.run_step(token, Step.CREATE)
    assert rotating.value("AWSPENDING") == before


@pytest.mark.parametrize(
    "text", ["no json", "{}", '{"username": "other", "password": "p", "management_ip": "h"}']
)
def test_a_pending_version_of_no_use_stops_the_rotation_until_it_is_abandoned(
    rotating: RotationWorld, text: str
) -> None:
    token = rotating.begin()
    rotating.secrets.put_secret_value(
        SecretId=rotating.secret_id, ClientRequestToken=token, SecretString=text, VersionStages=["AWSPENDING"]
    )
    assert not rotating.drive(token, passes=2)
    assert rotating.accepts(FIRST_PASSWORD)
    assert recovered(rotating, abandon=True) == "abandoned"
    assert rotating.drive(rotating.begin(), passes=1)
    rotating.assert_well()


def test_a_pending_version_is_not_abandoned_while_it_may_be_the_only_one(rotating: RotationWorld) -> None:
    token = rotating.begin()
    assert rotating.run_step(token, Step.CREATE) and rotating.run_step(token, Step.SET)
    with pytest.raises(RejectedError, match="the only one that works"):
        recovered(rotating, abandon=True)
    assert recovered(rotating) == "finished"
    rotating.assert_well()


def test_nothing_unfinished_is_nothing_to_recover(rotating: RotationWorld) -> None:
    assert recovered(rotating) == "nothing_unfinished"


def test_an_account_that_may_not_do_its_work_keeps_its_password(rotating: RotationWorld) -> None:
    """A role too small is told before the change, and after it is mended the rotation ends."""
    make_role(rotating)
    token = rotating.begin()
    rotating.variables["ROTATION_PROBES"] = "/api/cluster,/api/storage/volumes"
    assert not rotating.drive(token, passes=1)
    assert last_reason(rotating) == "setSecret:role_too_small"
    assert rotating.value()["password"] == FIRST_PASSWORD
    assert rotating.run_step(token, Step.CREATE)
    del rotating.variables["ROTATION_PROBES"]


def make_role(world: RotationWorld) -> None:
    """Let every look at volumes be refused, as a role would."""
    world.sim.client.fault("status", status=403, path="/api/storage/volumes", count=0)


def test_another_cluster_is_not_changed(rotating: RotationWorld) -> None:
    value = {**rotating.value(), "cluster_uuid": "another"}
    rotating.secrets.put_secret_value(SecretId=rotating.secret_id, SecretString=json.dumps(value))
    assert not rotating.drive(rotating.begin(), passes=1)
    assert last_reason(rotating) == "setSecret:other_cluster"
    assert rotating.accepts(FIRST_PASSWORD)


def test_an_account_that_may_change_only_itself_takes_the_other_way(
    secrets_manager: Emulator, simulator: SimProcess
) -> None:
    body = {"name": "reader1", "password": FIRST_PASSWORD, "role": {"name": "fsxadmin-readonly"}}
    simulator.client.rest("POST", "/security/accounts", body)
    world = RotationWorld(secrets_manager, simulator, "reader1")
    token = world.begin()
    assert not world.drive(token, passes=1)
    assert last_reason(world) == "setSecret:may_not_change"
    world.variables["ROTATION_METHOD"] = "own"
    assert world.drive(token, passes=1)
    world.assert_well()


def test_a_rehearsal_names_everything_and_changes_nothing(rotating: RotationWorld) -> None:
    rotating.begin()
    recovered(rotating)
    with redirect_stdout(rotating.said):
        checks = operations.rehearse(rotating.rotator())
    assert [(check.name, check.is_ok) for check in checks] == [
        (name, True) for name in ("rotation", "password", "certificate", "login", "account", "role")
    ]
    rotating.said.write(json.dumps([check.to_dict() for check in checks]))
    rotating.assert_silent()


def test_a_rehearsal_tells_what_is_wrong(rotating: RotationWorld) -> None:
    rotating.begin()
    recovered(rotating)
    change_outside(rotating, OUTSIDE)
    with redirect_stdout(rotating.said):
        checks = operations.rehearse(rotating.rotator())
    (wrong,) = [check for check in checks if not check.is_ok]
    assert wrong.name == "login"
    assert "refused" in wrong.text


def test_the_watch_tells_age_and_what_is_unfinished(rotating: RotationWorld) -> None:
    rotating.begin()
    rotating.offset_us = 3 * 3_600_000_000
    with redirect_stdout(rotating.said):
        found = operations.watch(rotating.rotator())
    assert 2.9 < float(str(found["unfinished_hours"])) < 3.1


# ONTAP's rules ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def strict(secrets_manager: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RotationWorld]:
    """A system that wants seven special characters."""
    directory = tmp_path_factory.mktemp("strict")
    config = {
        "svms": [{"name": "svm1", "volumes": [{"name": "vol1", "directory": str(directory / "vol1")}]}],
        "switches": {"password_min_special": 7},
        "accounts": [{"name": "strict1", "password": FIRST_PASSWORD}],
    }
    with SimProcess(config, directory) as process:
        yield RotationWorld(secrets_manager, process, "strict1")


def test_a_password_that_the_rules_refuse_leads_to_another_one(strict: RotationWorld) -> None:
    """Each refused version is given up with its stage, so that the next rotation can begin, with more."""
    for _ in range(3):
        token = strict.begin()
        if strict.drive(token, passes=2):
            break
        assert "AWSPENDING" not in str(strict.stages())
        assert strict.accepts(FIRST_PASSWORD)
    strict.assert_well()
    assert len(strict.value()["password"]) > 24  # a longer one than the first that was refused
    strict.assert_silent()


# FSx's way ----------------------------------------------------------------------------------------------


@pytest.fixture
def admin(secrets_manager: Emulator, tmp_path: Path) -> Iterator[RotationWorld]:
    """fsxadmin, whose password nobody knows: what the secret holds was never set."""
    directory = tmp_path / "ontap"
    config = {
        "svms": [{"name": "svm1", "volumes": [{"name": "vol1", "directory": str(directory / "vol1")}]}],
        "switches": {"reset_seconds": 0},  # later would race with the step that logs in next
        "password": "Nobody-Kn0ws",
    }
    with SimProcess(config, directory) as process:
        world = RotationWorld(secrets_manager, process, "fsxadmin")
        world.variables["FILE_SYSTEM_ID"] = process.ready["file_system_id"]
        yield world
        world.secrets.delete_secret(SecretId=world.secret_id, ForceDeleteWithoutRecovery=True)


def admin_is_well(world: RotationWorld) -> None:
    assert world.accepts(world.value()["password"])
    world.assert_silent()


def test_fsx_sets_the_password_by_itself_only_where_that_is_configured(admin: RotationWorld) -> None:
    token = admin.begin()
    admin.variables["ROTATION_FSX_RECOVERY"] = "asked"
    assert not admin.drive(token, passes=1)
    assert last_reason(admin) == "setSecret:all_refused"
    admin.variables["ROTATION_FSX_RECOVERY"] = "automatic"
    assert recovered(admin) == "finished"
    admin_is_well(admin)


def test_a_person_may_ask_fsx(admin: RotationWorld) -> None:
    token = admin.begin()
    assert not admin.drive(token, passes=1)
    with pytest.raises(RejectedError, match="is off"):
        recovered(admin, through_fsx=True)
    admin.variables["ROTATION_FSX_RECOVERY"] = "asked"
    assert recovered(admin, through_fsx=True) == "finished"
    admin_is_well(admin)


def test_fsx_is_never_asked_for_another_account(rotating: RotationWorld) -> None:
    token = rotating.begin()
    assert rotating.run_step(token, Step.CREATE)
    rotating.variables |= {
        "ROTATION_FSX_RECOVERY": "automatic",
        "FILE_SYSTEM_ID": rotating.sim.ready["file_system_id"],
    }
    with pytest.raises(RejectedError, match="fsxadmin alone"):
        recovered(rotating, through_fsx=True)
    assert "update_file_system" not in rotating.gate.calls


def test_a_secret_that_the_function_is_not_for_is_refused(rotating: RotationWorld) -> None:
    token = rotating.begin()
    rotating.arn = "arn:aws:secretsmanager:us-east-1:000000000000:secret:other-AbCdEf"
    assert not rotating.run_step(token, Step.CREATE)
    assert "other_secret" in rotating.said.getvalue()
