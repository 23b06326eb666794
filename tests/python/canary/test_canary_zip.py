"""The canary as Synthetics would run it: from its zip, in a process of its own, with the runtime's packages.

Behind it are the simulated ONTAP with an FPolicy server, and the local AWS, where it is a user who may read
one secret, keep one object, and nothing else. CloudWatch Synthetics itself is not here: that it unpacks and
calls a zip of this form rests on its documentation.
"""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from lab.cloud.emulator import Emulator
from lab.ontap_sim.process import SimProcess
from tests.lab.ontap_sim.fake_server import FakeServer
from tests.support.canary_process import Run, run_once, unpack
from tests.support.emulator import emulator, emulator_process  # noqa: F401
from tests.support.waiting import wait_until
from tools import package_lambdas

ROOT = Path(__file__).parents[3]
SYSTEM, POLICY = "fs-0123456789abcdef0", "svm1/fsxn_s3ap"
BUCKET = "canary-artifacts"
USER, PASSWORD = "monitor", "lab-Passw0rd-ro"
CHECKS = ["ONTAPHealth", "CertificateExpiry", "FPolicyConnections", "StoreSpace"]


@dataclass
class World:
    """The unpacked zip, its environment, and what is behind it."""

    simulator: SimProcess
    server: FakeServer
    cloud: Emulator
    code: Path
    environment: dict[str, str]

    def run(self, **changes: str) -> Run:
        run = run_once(self.code, {**self.environment, **changes})
        assert PASSWORD not in run.error + json.dumps(run.lines)
        return run

    @contextmanager
    def secret(self, **changes: str) -> Iterator[None]:
        """Let the secret hold something else, and put it back."""
        secrets, name = self.cloud.client("secretsmanager"), self.environment["ONTAP_SECRET_ID"]
        before = secrets.get_secret_value(SecretId=name)["SecretString"]
        secrets.put_secret_value(SecretId=name, SecretString=json.dumps({**json.loads(before), **changes}))
        try:
            yield
        finally:
            secrets.put_secret_value(SecretId=name, SecretString=before)

    @contextmanager
    def without_server(self) -> Iterator[None]:
        """Take the FPolicy server away, wait until ONTAP has noticed, and bring it back."""
        client = self.simulator.client
        self.server.stop()
        wait_until(lambda: all(each["state"] != "connected" for each in client.connections("svm1")))
        try:
            yield
        finally:
            self.server.start()
            client.wait_connected("svm1")

    @contextmanager
    def fault(self, effect: str, **rule: Any) -> Iterator[None]:
        self.simulator.client.fault(effect, **rule)
        try:
            yield
        finally:
            self.simulator.client.clear_faults()


@pytest.fixture(scope="module")
def world(
    emulator: Emulator,  # noqa: F811
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[World]:
    directory = tmp_path_factory.mktemp("canary")
    functions = package_lambdas.read_functions(ROOT / "python/lambdas.toml")
    archive = directory / "canary.zip"
    archive.write_bytes(package_lambdas.build(functions["canary"], {}))
    volume = {"name": "vol1", "directory": str(directory / "vol1")}
    config = {
        "svms": [{"name": "svm1", "volumes": [volume]}],
        "accounts": [{"name": USER, "password": PASSWORD, "role": "fsxadmin-readonly"}],
    }
    server = FakeServer()
    with SimProcess(config, directory / "sim") as simulator:
        simulator.client.configure_fpolicy("svm1", ["127.0.0.1"], server.port, store_bytes=1 << 20)
        simulator.client.wait_connected("svm1")
        yield World(
            simulator,
            server,
            emulator,
            unpack(archive, directory / "code"),
            environment_of(emulator, simulator.ready),
        )
    server.close()


def environment_of(cloud: Emulator, ready: Mapping[str, Any]) -> dict[str, str]:
    """Keep the secret, and make a user who may read it."""
    value = {
        "username": USER,
        "password": PASSWORD,
        "management_ip": urlsplit(ready["rest"]).netloc,
        "ca_certificate": Path(ready["certificate"]).read_text(),
    }
    arn = cloud.client("secretsmanager").create_secret(Name="ontap", SecretString=json.dumps(value))["ARN"]
    cloud.client("s3").create_bucket(Bucket=BUCKET)
    kept = f"arn:aws:s3:::{BUCKET}/state/refused-login.json"
    statements = [
        {"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": arn},
        {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": kept},
    ]
    iam = cloud.client("iam")
    iam.create_user(UserName="canary")
    iam.put_user_policy(
        UserName="canary",
        PolicyName="secret",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": statements}),
    )
    key = iam.create_access_key(UserName="canary")["AccessKey"]
    return {
        "PATH": os.environ["PATH"],
        "AWS_ENDPOINT_URL": cloud.endpoint,
        "AWS_DEFAULT_REGION": cloud.region,
        "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
        "ONTAP_SECRET_ID": arn,
        "FILE_SYSTEM_ID": SYSTEM,
        "CANARY_POLICIES": POLICY,
        "CANARY_STATE_BUCKET": BUCKET,
        "CANARY_CERTIFICATE_DAYS": "3",  # the simulator's lasts for seven
    }


def test_all_is_well_for_an_account_that_may_only_read(world: World) -> None:
    run = world.run()
    assert run.status == 0, run.error
    assert run.reasons == dict.fromkeys(CHECKS, "")
    assert run.metric("ONTAPHealth_Success") == dict.fromkeys(CHECKS, 1)
    assert {line["Target"] for line in run.lines if "_aws" in line} == {SYSTEM, POLICY}
    assert run.metric("CanaryFailures_count") == {}


def test_a_wrong_password_is_one_login_and_every_check_says_so(world: World) -> None:
    """Six refused logins would lock the account for everybody."""
    before = len(world.simulator.client.requests())
    with world.secret(password="lab-Wr0ng-Passw0rd"):
        run = world.run()
        for _ in range(6):  # each a process of its own
            assert world.run().reasons == dict.fromkeys(CHECKS, "unauthorized")
    assert run.reasons == dict.fromkeys(CHECKS, "unauthorized")
    assert (run.status, run.metric("ONTAPHealth_Success")) == (1, dict.fromkeys(CHECKS, 0))
    assert "4 of 4 checks failed: ONTAPHealth fs-0123456789abcdef0: unauthorized" in run.error
    assert "lab-Wr0ng-Passw0rd" not in run.error + json.dumps(run.lines)
    refused = [each for each in world.simulator.client.requests()[before:] if each["status"] == 401]
    assert len(refused) == 1


def test_a_memory_that_cannot_be_read_lets_no_login_be_tried(world: World) -> None:
    before = len(world.simulator.client.requests())
    run = world.run(CANARY_STATE_BUCKET="nowhere")
    assert run.reasons == dict.fromkeys(CHECKS, "misconfigured")
    assert len(world.simulator.client.requests()) == before


def test_another_certificate_than_the_trusted_is_named_and_gets_no_password(world: World) -> None:
    client = world.simulator.client
    client.exchange_certificate()
    try:
        before = len(client.requests())
        run = world.run()
        assert run.reasons == dict.fromkeys(CHECKS, "certificate_mismatch")
        assert len(client.requests()) == before
    finally:
        client.exchange_certificate(restore=True)


def test_a_call_that_hangs_fails_its_check_and_no_other(world: World) -> None:
    with world.fault("delay", path="/api/protocols/fpolicy/*/connections", count=0, seconds=60):
        run = world.run(CANARY_CHECK_SECONDS="4")
    assert run.reasons == {**dict.fromkeys(CHECKS, ""), "FPolicyConnections": "unreachable"}
    assert run.metric("ONTAPHealth_Latency_ms")["FPolicyConnections"] >= 2900
    assert run.status == 1


def test_a_management_endpoint_that_never_answers_ends_every_check_in_its_time(world: World) -> None:
    started = time.monotonic()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        with world.secret(management_ip=address):
            run = world.run(CANARY_CHECK_SECONDS="3")
    assert set(run.reasons) == set(CHECKS)
    assert set(run.reasons.values()) <= {"timeout", "unreachable"}
    assert time.monotonic() - started < 4 * 15  # what the default would take; a busy machine starts slowly


def test_a_busy_ontap_is_named(world: World) -> None:
    with world.fault("status", status=503, count=0):
        run = world.run(CANARY_CHECK_SECONDS="3")
    assert run.reasons == dict.fromkeys(CHECKS, "ontap_busy")


def test_a_role_without_permission_is_named(world: World) -> None:
    with world.fault("status", path="/api/security/certificates", status=403, count=0):
        run = world.run()
    assert run.reasons == {**dict.fromkeys(CHECKS, ""), "CertificateExpiry": "forbidden"}


def test_a_certificate_near_its_end_is_named(world: World) -> None:
    run = world.run(CANARY_CERTIFICATE_DAYS="30")
    assert run.reasons == {**dict.fromkeys(CHECKS, ""), "CertificateExpiry": "certificate_expiring"}
    assert "in 6 days; 30 are asked for" in run.error


def test_a_secret_that_is_not_there_is_named(world: World) -> None:
    arn = world.environment["ONTAP_SECRET_ID"].replace(":secret:ontap", ":secret:nothing")
    run = world.run(ONTAP_SECRET_ID=arn)
    assert run.reasons == dict.fromkeys(CHECKS, "misconfigured")


def test_an_svm_that_is_not_there_is_named(world: World) -> None:
    run = world.run(CANARY_POLICIES=f"{POLICY},svm9/p")
    failed = [line for line in run.lines if line.get("event") == "check.failed"]
    assert {(line["target"], line["reason"]) for line in failed} == {("svm9/p", "not_found")}


def test_checks_that_do_not_fit_into_the_time_limit_are_not_begun(world: World) -> None:
    run = world.run(CANARY_CHECK_SECONDS="60", CANARY_TIMEOUT_SECONDS="240")
    assert (run.status, run.lines) == (1, [])
    assert "4 steps of 60 s and 15 s in reserve need 255 s; the time limit is 240 s" in run.error


def test_a_lost_connection_is_named_with_its_nodes(world: World) -> None:
    with world.without_server():
        run = world.run()
    assert run.reasons == {**dict.fromkeys(CHECKS, ""), "FPolicyConnections": "fpolicy_disconnected"}
    assert "0 of 2 nodes are connected" in run.error


def test_a_store_that_fills_is_named(world: World) -> None:
    """While the server is away, every operation goes into the store."""
    with world.without_server():
        world.simulator.client.storm(200)
        run = world.run(CANARY_STORE_PERCENT="1")
    assert run.reasons["StoreSpace"] == "store_filling"
    assert "% of the persistent store's volume are used" in run.error


def test_a_disabled_policy_is_named(world: World) -> None:
    """It comes last: the policy stays so."""
    world.simulator.client.disable_fpolicy("svm1")
    run = world.run()
    assert run.reasons["FPolicyConnections"] == "fpolicy_not_enabled"
