"""Accounts over REST: log-in, lock-out, roles, the ways to change a password, and what is refused."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ConnectionClosedError

from lab.ontap_sim.client import SimClient, SimClientError, wait_until
from lab.ontap_sim.process import SimProcess

OLD, NEW = "lab-Passw0rd", "N3w-lab-secret"
ACCOUNTS = [
    {"name": "automation", "password": OLD},
    {"name": "monitor", "password": OLD, "role": "fsxadmin-readonly"},
    {"name": "vsadmin", "password": OLD, "role": "vsadmin", "svm": "svm1"},
]


@pytest.fixture
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., SimClient]]:
    """Start simulators with these accounts; keywords are switches."""
    running: list[SimProcess] = []

    def start_one(**switches: Any) -> SimClient:
        directory = tmp_path_factory.mktemp("accounts")
        svms = [
            {"name": name, "volumes": [{"name": f"vol{name[-1]}", "directory": str(directory / name)}]}
            for name in ("svm1", "svm2")
        ]
        config = {"svms": svms, "accounts": ACCOUNTS, "switches": {"reset_seconds": 0.05, **switches}}
        running.append(SimProcess(config, directory / "sim"))
        return running[-1].client

    yield start_one
    for process in running:
        assert process.stop() == 0


@pytest.fixture
def admin(start: Callable[..., SimClient]) -> SimClient:
    return start()


def code(client: SimClient, method: str, path: str, body: dict[str, Any] | None = None) -> str:
    """Give the error's code; empty when the call succeeds."""
    try:
        client.rest(method, path, body)
    except SimClientError as exc:
        return exc.code
    return ""


def works(client: SimClient, name: str, password: str, svm: str = "") -> bool:
    """Try a password."""
    other = client.as_user(name, password, svm)
    try:
        return code(other, "GET", "/cluster") == ""
    finally:
        other.close()


def path_of(client: SimClient, name: str) -> str:
    """The account's own path, found the way a rotation must find it."""
    query = f"name={quote(name)}&fields=owner,scope,locked,role,applications"
    (record,) = client.rest("GET", f"/security/accounts?{query}")["records"]
    return f"/security/accounts/{record['owner']['uuid']}/{quote(name)}"


def test_an_account_of_the_file_system_belongs_to_the_cluster(admin: SimClient) -> None:
    (record,) = admin.rest("GET", "/security/accounts?name=fsxadmin&scope=cluster&fields=**")["records"]
    cluster = admin.rest("GET", "/cluster?fields=uuid,name")
    assert record["owner"] == {"uuid": cluster["uuid"], "name": cluster["name"]}
    assert (record["locked"], record["role"]) == (False, {"name": "fsxadmin"})
    found = admin.rest("GET", "/security/accounts?scope=svm&fields=owner.name")["records"]
    assert [(item["name"], item["owner"]["name"]) for item in found] == [("vsadmin", "svm1")]
    assert admin.rest("GET", "/security/accounts?applications.application=http")["num_records"] == 4


def test_no_answer_shows_a_password(admin: SimClient) -> None:
    shown = str(admin.rest("GET", "/security/accounts?fields=**"))
    assert OLD not in shown
    assert "hashes" not in shown


@pytest.mark.parametrize("way", ["accounts", "authentication"])
def test_a_new_password_counts_from_the_next_request_on(admin: SimClient, way: str) -> None:
    me = admin.as_user("automation", OLD)
    if way == "accounts":
        me.rest("PATCH", path_of(me, "automation"), {"password": NEW})
    else:
        me.rest("POST", "/security/authentication/password", {"name": "automation", "password": NEW})
    assert code(me, "GET", "/cluster") == "6691623"
    assert works(admin, "automation", NEW)
    me.close()


def test_the_old_password_may_work_for_a_while(start: Callable[..., SimClient]) -> None:
    admin = start(old_password_seconds=0.4)
    me = admin.as_user("automation", OLD)
    me.rest("PATCH", path_of(me, "automation"), {"password": NEW})
    assert works(admin, "automation", OLD)
    assert works(admin, "automation", NEW)
    wait_until(lambda: not works(admin, "automation", OLD), 3.0, "old password refused")
    me.close()


@pytest.mark.parametrize(
    ("password", "refusal"),
    [
        ("Xautomation1", "7077918"),
        ("Sh0rt", "7077919"),
        ("onlyletters", "7077920"),
        ("12345678", "7077920"),
        ("N0special", "7077921"),
        ("a1!" + "x" * 126, "7077940"),
        (OLD, "7077925"),
    ],
)
def test_a_password_against_the_policy_is_refused_and_changes_nothing(
    start: Callable[..., SimClient], password: str, refusal: str
) -> None:
    admin = start(password_min_special=1)
    me = admin.as_user("automation", OLD)
    path = path_of(me, "automation")
    assert code(me, "PATCH", path, {"password": password, "comment": "x"}) == refusal
    body = {"name": "automation", "password": password}
    assert code(me, "POST", "/security/authentication/password", body) == refusal
    assert "comment" not in me.rest("GET", path)
    me.close()


def test_the_last_six_passwords_are_refused_and_the_seventh_is_not(admin: SimClient) -> None:
    passwords = [OLD, *(f"N3w-secret-{number}" for number in range(6))]
    path = path_of(admin, "automation")
    for before, after in itertools.pairwise(passwords):
        me = admin.as_user("automation", before)
        me.rest("PATCH", path, {"password": after})
        me.close()
    me = admin.as_user("automation", passwords[-1])
    assert code(me, "PATCH", path, {"password": passwords[1]}) == "7077924"
    assert code(me, "PATCH", path, {"password": OLD}) == ""
    me.close()


def test_wrong_passwords_in_a_row_lock_the_account_until_another_unlocks_it(admin: SimClient) -> None:
    for _ in range(2):
        for _ in range(5):
            assert not works(admin, "automation", "wrong")
        assert works(admin, "automation", OLD), "five wrong ones do not lock, and a right one begins anew"
    for _ in range(6):
        assert not works(admin, "automation", "wrong")
    assert not works(admin, "automation", OLD)
    path = path_of(admin, "automation")
    assert admin.rest("GET", path)["locked"] is True
    admin.rest("PATCH", path, {"locked": False})
    assert works(admin, "automation", OLD)


def test_a_lock_out_ends_by_itself(start: Callable[..., SimClient]) -> None:
    admin = start(max_failed_logins=1, lockout_seconds=0.5)
    works(admin, "automation", "wrong")
    assert not works(admin, "automation", OLD)
    wait_until(lambda: works(admin, "automation", OLD), 3.0, "lock-out over")


def test_only_the_account_itself_changes_its_password(start: Callable[..., SimClient]) -> None:
    admin = start()
    path = path_of(admin, "automation")
    assert code(admin, "PATCH", path, {"password": NEW}) == "6"
    body = {"name": "automation", "password": NEW}
    assert code(admin, "POST", "/security/authentication/password", body) == "6"
    kind = start(may_change_others="fsxadmin")
    assert code(kind, "PATCH", path_of(kind, "automation"), {"password": NEW}) == ""
    assert works(kind, "automation", NEW)


def test_a_read_only_role_reads_and_changes_only_its_own_password(admin: SimClient) -> None:
    me = admin.as_user("monitor", OLD)
    assert code(me, "GET", "/storage/volumes") == ""
    with pytest.raises(SimClientError) as caught:
        me.rest("PATCH", path_of(me, "monitor"), {"comment": "x"})
    assert (caught.value.status, caught.value.code) == (403, "6")
    assert code(me, "POST", f"/protocols/fpolicy/{admin.svm_uuid('svm1')}/engines", {"name": "e"}) == "6"
    body = {"name": "monitor", "password": NEW}
    assert code(me, "POST", "/security/authentication/password", body) == ""
    assert works(admin, "monitor", NEW)
    me.close()


def test_applications_replace_the_whole_list(admin: SimClient) -> None:
    path = path_of(admin, "automation")
    admin.rest("PATCH", path, {"applications": ["ssh"]})
    assert not works(admin, "automation", OLD), "without the application http there is no REST"


def test_accounts_are_made_and_removed(admin: SimClient) -> None:
    body = {"name": "helper1", "role": "fsxadmin-readonly", "password": NEW, "applications": ["http"]}
    assert code(admin, "POST", "/security/accounts", {**body, "role": "admin"}) == "7077906"
    assert code(admin, "POST", "/security/accounts", body) == ""
    assert works(admin, "helper1", NEW)
    assert code(admin, "POST", "/security/accounts", body) == "1"
    admin.rest("DELETE", path_of(admin, "helper1"))
    assert not works(admin, "helper1", NEW)


def test_the_last_administrator_cannot_be_locked(admin: SimClient) -> None:
    admin.rest("PATCH", path_of(admin, "automation"), {"locked": True})
    assert not works(admin, "automation", OLD)
    assert code(admin, "PATCH", path_of(admin, "fsxadmin"), {"locked": True}) == "7077896"


def test_an_svms_endpoint_knows_its_own_accounts_and_shows_its_own_records(admin: SimClient) -> None:
    assert not works(admin, "fsxadmin", OLD, "svm1")
    assert not works(admin, "vsadmin", OLD)
    me = admin.as_user("vsadmin", OLD, "svm1")
    assert [item["name"] for item in me.rest("GET", "/svm/svms")["records"]] == ["svm1"]
    assert [item["name"] for item in me.rest("GET", "/storage/volumes")["records"]] == ["vol1"]
    assert [item["name"] for item in me.rest("GET", "/security/accounts")["records"]] == ["vsadmin"]
    assert code(me, "GET", f"/protocols/fpolicy/{admin.svm_uuid('svm2')}/policies") == "4"
    assert code(me, "PATCH", "/cluster", {"name": "x"}) == "6"
    me.close()


def test_an_svms_own_role_limits_its_account(admin: SimClient) -> None:
    me = admin.as_user("vsadmin", OLD, "svm1")
    privileges = [
        {"path": "/api/protocols/fpolicy", "access": "read_modify"},
        {"path": "/api/cluster", "access": "readonly"},
    ]
    owner = {"owner": {"name": "svm1"}}
    me.rest("POST", "/security/roles", {"name": "fpolicy", "privileges": privileges, **owner})
    me.rest("POST", "/security/accounts", {"name": "engine", "role": "fpolicy", "password": NEW, **owner})
    limited = me.as_user("engine", NEW, "svm1")
    base = f"/protocols/fpolicy/{admin.svm_uuid('svm1')}/engines"
    assert code(limited, "GET", base) == ""
    assert code(limited, "PATCH", f"{base}/none", {"port": 1}) == "4"
    assert code(limited, "POST", base, {"name": "e"}) == "6"
    assert code(limited, "GET", "/storage/volumes") == "6"
    assert code(admin, "POST", "/security/roles", {"name": "mine", "privileges": []}) == "6"
    for client in (limited, me):
        client.close()


@pytest.mark.parametrize(("unlocks", "works_then"), [("no", False), ("yes", True)])
def test_aws_resets_a_password_some_time_later_and_whether_it_unlocks_is_a_switch(
    start: Callable[..., SimClient], unlocks: str, works_then: bool
) -> None:
    admin = start(reset_unlocks=unlocks, max_failed_logins=1)
    fsx = boto3.client("fsx", endpoint_url=admin.ready["fsx"], region_name="us-east-1")
    file_system = admin.ready["file_system_id"]
    fsx.update_file_system(FileSystemId=file_system, OntapConfiguration={"FsxAdminPassword": NEW})
    time.sleep(0.3)  # a look too early would be a wrong password
    assert works(admin, "fsxadmin", NEW)
    assert not works(admin, "fsxadmin", OLD), "and this locks the account"
    fsx.update_file_system(FileSystemId=file_system, OntapConfiguration={"FsxAdminPassword": OLD})
    time.sleep(0.3)
    assert works(admin, "fsxadmin", OLD) is works_then, "AWS does not mind the history"


def test_a_password_that_only_aws_takes_changes_nothing_and_its_answer_may_be_lost(admin: SimClient) -> None:
    config = Config(retries={"total_max_attempts": 1})
    fsx = boto3.client("fsx", endpoint_url=admin.ready["fsx"], region_name="us-east-1", config=config)

    def reset(password: str) -> None:
        fsx.update_file_system(
            FileSystemId=admin.ready["file_system_id"], OntapConfiguration={"FsxAdminPassword": password}
        )

    reset("onlyletters")
    time.sleep(0.3)
    assert works(admin, "fsxadmin", OLD)
    admin.fault("status", method="UpdateFileSystem", path="/fsx", status=500)
    admin.fault("lost_answer", method="UpdateFileSystem", path="/fsx", skip=1)
    with pytest.raises(fsx.exceptions.ClientError, match="InternalServerError"):
        reset(NEW)
    with pytest.raises(ConnectionClosedError):
        reset(NEW)
    wait_until(lambda: works(admin, "fsxadmin", NEW), 3.0, "the reset whose answer was lost")


def test_aws_resets_the_password_of_an_svm(admin: SimClient) -> None:
    fsx = boto3.client("fsx", endpoint_url=admin.ready["fsx"], region_name="us-east-1")
    svms = {item["Name"]: item for item in fsx.describe_storage_virtual_machines()["StorageVirtualMachines"]}
    svm_id = svms["svm1"]["StorageVirtualMachineId"]
    fsx.update_storage_virtual_machine(StorageVirtualMachineId=svm_id, SvmAdminPassword=NEW)
    wait_until(lambda: works(admin, "vsadmin", NEW, "svm1"), 3.0, "reset of vsadmin")
