"""Rotation in the laboratory: the real function, called by the local Secrets Manager, while clients work."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from fsxn_runtime.ontap import connect, path

from lab.ontap_sim.certificate import Presented
from lab.premises import AUTOMATION, FIRST_PASSWORD, SVM
from lab.terraform import REPOSITORY
from lab.world import World
from tests.support.canary_process import unpack, warm_canary
from tests.support.flows import invoke
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.local, pytest.mark.xdist_group("local")]

# While a rotation is under way each warm process may have one login refused, and six in a row lock the
# account. Here are at most five: one client, the canary's two tries, two runs of the reconciler (the test's,
# the schedule's). With twelve clients this test fails (docs/howto/rotate-credentials.md).
CLIENTS = 1
ROTATIONS = 3
ROTATION_SECONDS = 180.0  # some 4 s on two free cores
PAUSE_SECONDS = 0.1  # between two calls of a client, so that the rotation gets its share of the machine
CANARY_CHECKS = ("ONTAPHealth", "CertificateExpiry", "FPolicyConnections", "StoreSpace")

Call = Callable[[], None]


def secret_id(world: World) -> str:
    return world.environment()["ONTAP_SECRET_ID"]


def describe(world: World) -> Any:
    return world.client("secretsmanager").describe_secret(SecretId=secret_id(world))


def value(world: World) -> Any:
    answer = world.client("secretsmanager").get_secret_value(SecretId=secret_id(world))
    return json.loads(answer["SecretString"])


def is_at_rest(world: World) -> bool:
    return not any("AWSPENDING" in stages for stages in describe(world)["VersionIdsToStages"].values())


def rotate(world: World) -> None:
    """Ask for a rotation and wait until it has ended."""
    before = value(world)["password"]
    world.client("secretsmanager").rotate_secret(SecretId=secret_id(world))
    world.wait(
        lambda: value(world)["password"] != before and is_at_rest(world),
        ROTATION_SECONDS,
        "the end of the rotation",
        lambda: f"; the function wrote: {log(world)[-3000:]}",
    )


def log(world: World) -> str:
    """All that the rotation's function wrote."""
    group = world.outputs["functions"]["rotate"]["log_group_name"]
    pages = world.client("logs").get_paginator("filter_log_events").paginate(logGroupName=group)
    return "".join(event["message"] for page in pages for event in page["events"])


def fsxn(world: World, *arguments: str, answer: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(REPOSITORY / ".venv/bin/fsxn"), "rotation", *arguments],
        env={**os.environ, **world.environment()},
        input=answer,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def locked(world: World) -> bool:
    found = world.sim.rest("GET", f"/security/accounts?name={AUTOMATION}&fields=locked")["records"]
    return bool(found[0]["locked"])


@contextmanager
def library_client(world: World) -> Iterator[Call]:
    """The client that every function shares, with a connection of its own."""
    with connect(secret_id(world), secretsmanager=world.client("secretsmanager")) as ontap:

        def call() -> None:
            assert ontap.get(path("cluster"), fields=("uuid",))["uuid"]

        yield call


@contextmanager
def canary(world: World, code: Path) -> Iterator[Call]:
    """The canary's zip: each of its four checks makes a client anew."""
    environment = {
        **world.environment(),
        "CANARY_POLICIES": f"{SVM}/fsxn_s3ap_local",
        "CANARY_STATE_BUCKET": world.outputs["server"]["volume_map"]["bucket"],
        "CANARY_CERTIFICATE_DAYS": "3",  # the simulator's lasts for seven
    }
    with warm_canary(code, environment) as process:

        def call() -> None:
            assert set(process.run().reasons.items()) == {(check, "") for check in CANARY_CHECKS}

        yield call


@contextmanager
def reconciler(world: World) -> Iterator[Call]:
    """The deployed reconcile function; its schedule and task events call it besides."""

    def call() -> None:
        (svm,) = invoke(world, "reconcile", {"action": "status"})["svms"]
        assert svm["enabled"]

    yield call


@contextmanager
def clients_at_work(clients: Mapping[str, Call]) -> Iterator[tuple[dict[str, int], dict[str, BaseException]]]:
    """Clients of the product that ask again and again: how often each has, and what failed."""
    done, failures, stop = dict.fromkeys(clients, 0), {}, threading.Event()

    def work(name: str) -> None:
        try:
            while not stop.is_set():
                clients[name]()
                done[name] += 1
                stop.wait(PAUSE_SECONDS)
        except BaseException as exc:  # noqa: BLE001 (whatever it is, the test must see it)
            failures[name] = exc

    threads = [threading.Thread(target=work, args=(name,)) for name in clients]
    for thread in threads:
        thread.start()
    try:
        yield done, failures
    finally:
        stop.set()
        for thread in threads:
            thread.join(timeout=30)


def test_the_first_apply_has_changed_the_password(world: World) -> None:
    """rotate_immediately = true: the local Secrets Manager called the four steps at once."""
    wait_until(lambda: value(world)["password"] != FIRST_PASSWORD and is_at_rest(world), seconds=60)
    world.sim.as_user(AUTOMATION, value(world)["password"]).rest("GET", "/cluster")


@pytest.mark.timeout(900)  # some 20 s on two free cores
def test_every_client_survives_rotations_under_load(world: World, tmp_path: Path) -> None:
    """Steps: clients read all the time; three rotations; nobody fails, all work on, nothing is locked."""
    code = unpack(REPOSITORY / "build/lambdas/canary.zip", tmp_path)
    with ExitStack() as open_clients:
        clients = {f"client {n}": open_clients.enter_context(library_client(world)) for n in range(CLIENTS)}
        clients["canary"] = open_clients.enter_context(canary(world, code))
        clients["reconciler"] = open_clients.enter_context(reconciler(world))
        with clients_at_work(clients) as (done, failures):
            wait_until(lambda: failures or min(done.values()) > 1, 60)
            for _ in range(ROTATIONS):
                rotate(world)
                before = dict(done)
                wait_until(lambda: failures or all(n > before[name] + 1 for name, n in done.items()), 60)  # noqa: B023
    assert failures == {}
    assert not locked(world)


def test_no_password_is_in_the_functions_log(world: World) -> None:
    text = log(world)
    assert "step.done" in text
    assert value(world)["password"] not in text
    assert FIRST_PASSWORD not in text


def test_status_and_rehearsal_are_well(world: World) -> None:
    for arguments in (("status", "--ask-ontap"), ("status", "--json"), ("rehearse",), ("rehearse", "--json")):
        shown = fsxn(world, *arguments)
        assert (shown.returncode, shown.stderr) == (0, ""), shown
        assert value(world)["password"] not in shown.stdout
    assert "every 90 days" in fsxn(world, "status").stdout


def test_recovering_nothing_asks_for_a_rotation(world: World) -> None:
    before = value(world)["password"]
    shown = fsxn(world, "recover")
    assert shown.returncode == 0, shown
    assert "was asked for a rotation" in shown.stdout
    wait_until(lambda: value(world)["password"] != before and is_at_rest(world), seconds=60)


@pytest.mark.parametrize("way", [(), ("--through-function",)], ids=["here", "through-function"])
def test_a_known_certificate_is_known_and_another_is_shown_beside_it(
    world: World, way: tuple[str, ...], tmp_path: Path
) -> None:
    """Steps: trust what is known; forget it; look again; refuse; confirm; both are there; keep one."""
    assert "trusted already" in fsxn(world, "trust", *way).stdout
    mine = value(world)
    other = Presented(tmp_path, "other").path.read_text()
    world.client("secretsmanager").put_secret_value(
        SecretId=secret_id(world), SecretString=json.dumps({**mine, "ca_certificate": other})
    )
    refused = fsxn(world, "trust", *way, answer="no\n")
    assert refused.returncode == 2
    assert "presented" in refused.stdout and "trusted" in refused.stdout
    assert value(world)["ca_certificate"] == other
    stored = fsxn(world, "trust", *way, answer="yes\n")
    assert stored.returncode == 0, stored
    assert value(world)["ca_certificate"].count("BEGIN CERTIFICATE") == 2
    assert value(world)["password"] == mine["password"]
    rotate(world)
    only = fsxn(world, "trust", "--only", "--yes", *way)
    assert only.returncode == 0, only
    assert value(world)["ca_certificate"].count("BEGIN CERTIFICATE") == 1
    assert fsxn(world, "rehearse").returncode == 0


def test_a_secret_is_made_after_a_look_and_a_login(world: World) -> None:
    address, password = value(world)["management_ip"], value(world)["password"]
    command = ["trust", "--create", "--secret", "made-by-hand", "--username", AUTOMATION]
    command += ["--address", address, "--password-stdin", "--yes"]
    wrong = fsxn(world, *command, answer="wrong-Passw0rd\n")
    assert wrong.returncode == 2 and "nothing was stored" in wrong.stderr
    made = fsxn(world, *command, answer=f"{password}\n")
    assert made.returncode == 0, made
    assert password not in made.stdout + made.stderr
    answer = world.client("secretsmanager").get_secret_value(SecretId="made-by-hand")
    stored = json.loads(answer["SecretString"])
    assert stored["cluster_uuid"] and "BEGIN CERTIFICATE" in stored["ca_certificate"]
    with connect("made-by-hand", secretsmanager=world.client("secretsmanager")) as ontap:
        assert ontap.get(path("cluster"), fields=("uuid",))["uuid"] == stored["cluster_uuid"]
    world.client("secretsmanager").delete_secret(SecretId="made-by-hand", ForceDeleteWithoutRecovery=True)
