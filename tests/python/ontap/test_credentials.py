"""A password that changed, or that is wrong: never a lock-out, never a storm of tries."""

from __future__ import annotations

import threading
import time
import uuid
from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from fsxn_runtime.errors import MisconfiguredError, TransientError
from fsxn_runtime.ontap import MAX_TRIES, REFUSE_SECONDS, OntapClient, OntapSecret, Refusals, connect, path
from fsxn_runtime.ontap.credentials import Versioned
from fsxn_runtime.ontap.errors import OntapForbiddenError, OntapUnauthorizedError

from lab.cloud.emulator import Emulator
from lab.ontap_sim.client import SimClientError
from lab.ontap_sim.process import SimProcess
from tests.support.https_server import Asked, HttpsServer, Reply, https_server, make_certificate

CLUSTER, VOLUMES = path("cluster"), path("storage", "volumes")
REFUSAL = Reply.json({"error": {"message": "User is not authorized.", "code": "6691623"}}, 401)


class Clock:
    """A clock that a test puts forward."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Stored:
    """A stored secret: its version in use, the one under way, and how often it was read."""

    def __init__(self, secret: OntapSecret) -> None:
        self.versions = {"1": secret}
        self.current_id, self.pending_id = "1", ""
        self.reads = 0

    def current(self) -> Versioned:
        self.reads += 1
        return Versioned(self.current_id, self.versions[self.current_id])

    def pending(self) -> Versioned | None:
        return Versioned(self.pending_id, self.versions[self.pending_id]) if self.pending_id else None

    def put(self, version: str, password: str, *, pending: bool = False) -> None:
        self.versions[version] = replace(self.versions["1"], password=password)
        if pending:
            self.pending_id = version
        else:
            self.current_id, self.pending_id = version, ""


class Gate:
    """A node that lets one password in. `closed_paths` answer 401 to anybody, as some paths of ONTAP do."""

    def __init__(self, server: HttpsServer, password: str) -> None:
        self.server, self.password = server, password
        self.closed_paths: set[str] = set()
        self.failures = 0
        server.answering = self.answer

    def answer(self, asked: Asked) -> Reply:
        expected = b64encode(f"fsxadmin:{self.password}".encode()).decode()
        if asked.headers["authorization"] != f"Basic {expected}":
            self.failures += 1
            return REFUSAL
        if asked.target.partition("?")[0] in self.closed_paths:
            return REFUSAL
        return Reply.json({"uuid": "u", "records": []})


@pytest.fixture
def server(tmp_path: Path) -> Iterator[HttpsServer]:
    certificate = make_certificate()
    with https_server(tmp_path, certificate) as running:
        yield running


@pytest.fixture
def gate(server: HttpsServer) -> Gate:
    return Gate(server, "one")


@pytest.fixture
def stored(server: HttpsServer) -> Stored:
    return Stored(OntapSecret("fsxadmin", "one", server.address, server.bundle))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def client(stored: Stored, clock: Clock) -> Iterator[OntapClient]:
    with OntapClient(stored, clock=clock, sleep=lambda _: None) as made:
        yield made


def test_the_secret_is_read_once_while_its_password_holds(
    client: OntapClient, gate: Gate, stored: Stored
) -> None:
    for _ in range(5):
        client.get(VOLUMES)
    assert (stored.reads, gate.failures) == (1, 0)


def test_a_new_password_costs_one_failed_login(client: OntapClient, gate: Gate, stored: Stored) -> None:
    client.get(VOLUMES)
    gate.password = "two"
    stored.put("2", "two")
    assert client.get(VOLUMES)["uuid"] == "u"
    assert gate.failures == 1


def test_a_rotation_that_ends_between_the_two_reads_is_not_missed(
    client: OntapClient, gate: Gate, stored: Stored
) -> None:
    """The password has changed; the secret is read once, the rotation ends, and the secret is read again."""
    assert client.get(CLUSTER)
    gate.password = "two"
    stored.put("2", "two", pending=True)
    reads = (stored.current, stored.pending)

    def and_then_it_ends(read: Callable[[], Versioned | None]) -> Callable[[], Versioned | None]:
        def reading() -> Versioned | None:
            found = read()
            stored.current_id, stored.pending_id = "2", ""
            return found

        return reading

    stored.current, stored.pending = map(and_then_it_ends, reads)  # type: ignore[method-assign, assignment]
    assert client.get(CLUSTER)


def test_a_password_that_a_rotation_has_just_set_is_used_before_the_rotation_ends(
    client: OntapClient, gate: Gate, stored: Stored
) -> None:
    client.get(VOLUMES)
    stored.put("2", "two", pending=True)
    client.get(VOLUMES)
    assert gate.failures == 0
    gate.password = "two"
    client.get(VOLUMES)
    failures = gate.failures
    assert failures == 1
    stored.current_id, stored.pending_id = "2", ""
    client.get(VOLUMES)
    assert gate.failures == failures


def test_a_wrong_password_is_tried_once_and_then_refused_without_asking(
    client: OntapClient, gate: Gate, clock: Clock
) -> None:
    gate.password = "another"
    for _ in range(20):
        with pytest.raises(OntapUnauthorizedError) as caught:
            client.get(VOLUMES)
        clock.now += REFUSE_SECONDS / 25
    assert gate.failures == 1
    assert len(gate.server.asked) == 1
    assert (caught.value.status, caught.value.code) == (401, "ontap_unauthorized")


def test_a_change_is_not_sent_with_a_wrong_password(client: OntapClient, gate: Gate) -> None:
    gate.password = "another"
    with pytest.raises(OntapUnauthorizedError):
        client.patch(VOLUMES, {"size": 1})
    assert [asked.method for asked in gate.server.asked] == ["GET"]


def test_after_minutes_one_more_try_is_made(client: OntapClient, gate: Gate, clock: Clock) -> None:
    gate.password = "another"
    with pytest.raises(OntapUnauthorizedError):
        client.get(VOLUMES)
    clock.now += REFUSE_SECONDS
    with pytest.raises(OntapUnauthorizedError):
        client.get(VOLUMES)
    assert gate.failures == 2
    gate.password = "one"  # somebody set it back
    clock.now += 3600
    assert client.get(VOLUMES)


@pytest.mark.parametrize("was_accepted", [False, True])
def test_a_week_with_a_wrong_password_costs_three_failed_logins(
    client: OntapClient, gate: Gate, stored: Stored, clock: Clock, was_accepted: bool
) -> None:
    """A call a minute. Then the account is repaired, which nobody finds out; then the secret is put anew."""
    if was_accepted:
        client.get(VOLUMES)
    gate.password = "another"
    refused_at: list[float] = []
    for _ in range(7 * 24 * 60):
        before = gate.failures
        with pytest.raises(OntapUnauthorizedError) as caught:
            client.get(VOLUMES)
        refused_at += [clock.now] * (gate.failures - before)
        clock.now += 60
    pauses = [later - earlier for earlier, later in pairwise(refused_at)]
    assert pauses == ([0, 3600] if was_accepted else [REFUSE_SECONDS, 3600])
    assert "not asked again with this version" in str(caught.value)
    assert "put the secret anew" in str(caught.value)
    gate.password = "one"
    with pytest.raises(OntapUnauthorizedError):
        client.get(VOLUMES)
    stored.put("2", "one")
    clock.now += 10
    assert client.get(VOLUMES)
    assert gate.failures == MAX_TRIES


def test_an_accepted_login_forgets_the_refused_ones(client: OntapClient, gate: Gate, clock: Clock) -> None:
    """Three times the password is wrong and put right: each time has all its tries."""
    for _ in range(3):
        gate.password = "another"
        with pytest.raises(OntapUnauthorizedError):
            client.get(VOLUMES)
        gate.password = "one"
        clock.now += 3600
        assert client.get(VOLUMES)
    assert gate.failures == 1 + 2 * 2  # the first time it had never been accepted


def test_a_pending_version_that_is_refused_is_tried_once(
    client: OntapClient, gate: Gate, stored: Stored, clock: Clock
) -> None:
    gate.password = "another"
    stored.put("2", "two", pending=True)
    for _ in range(24 * 60):
        with pytest.raises(OntapUnauthorizedError):
            client.get(VOLUMES)
        clock.now += 60
    assert gate.failures == MAX_TRIES + 1


class Kept:
    """A memory that outlives processes and can be out of reach."""

    def __init__(self) -> None:
        self.text, self.is_readable, self.is_writable = "", True, True

    def read(self) -> str:
        if not self.is_readable:
            raise TransientError("the memory cannot be read", code="memory")
        return self.text

    def write(self, text: str) -> None:
        if not self.is_writable:
            raise TransientError("the memory cannot be written", code="memory")
        self.text = text


@pytest.fixture
def kept() -> Kept:
    return Kept()


@pytest.fixture
def process(stored: Stored, clock: Clock, kept: Kept) -> Callable[[], OntapClient]:
    """A process that knows of others what the memory says."""
    return lambda: OntapClient(stored, clock=clock, sleep=lambda _: None, refusals=Refusals(kept, clock))


def test_every_call_in_a_process_of_its_own_costs_no_more_than_one_process_would(
    process: Callable[[], OntapClient], gate: Gate, clock: Clock
) -> None:
    gate.password = "another"
    for _ in range(12 * 24):
        with process() as client, pytest.raises(OntapUnauthorizedError):
            client.get(VOLUMES)
        clock.now += 300
    assert gate.failures == MAX_TRIES


def test_two_warm_processes_that_take_turns_share_the_tries(
    process: Callable[[], OntapClient], gate: Gate, clock: Clock
) -> None:
    """Both were let in before. The login that shows each the change cannot be helped."""
    with process() as one, process() as other:
        one.get(VOLUMES)
        other.get(VOLUMES)
        gate.password = "another"
        for _ in range(24 * 60):
            for client in (one, other):
                with pytest.raises(OntapUnauthorizedError):
                    client.get(VOLUMES)
            clock.now += 60
    assert gate.failures == MAX_TRIES


def test_while_the_memory_cannot_be_read_only_an_accepted_version_is_used(
    process: Callable[[], OntapClient], gate: Gate, kept: Kept
) -> None:
    with process() as client:
        client.get(VOLUMES)
        kept.is_readable = False
        assert client.get(VOLUMES)
    asked = len(gate.server.asked)
    with process() as client, pytest.raises(TransientError, match="cannot be read"):
        client.get(VOLUMES)
    assert len(gate.server.asked) == asked


def test_while_the_memory_cannot_be_written_nothing_more_is_tried(
    process: Callable[[], OntapClient], gate: Gate, kept: Kept, clock: Clock
) -> None:
    gate.password, kept.is_writable = "another", False
    with process() as client:
        for _ in range(24 * 60):
            with pytest.raises((TransientError, OntapUnauthorizedError)):
                client.get(VOLUMES)
            clock.now += 60
        assert gate.failures == 1
        kept.is_writable, gate.password = True, "one"
        assert client.get(VOLUMES)
    assert kept.text == "{}"


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"1": 3}',
        '{"1": {"tries": 0, "at": 0}}',
        '{"1": {"tries": Infinity, "at": 0}}',
        '{"1": {"tries": "x", "at": 0}}',
    ],
)
def test_a_memory_that_is_none_is_misconfigured_and_nothing_is_tried(
    process: Callable[[], OntapClient], gate: Gate, kept: Kept, text: str
) -> None:
    kept.text = text
    with process() as client, pytest.raises(MisconfiguredError, match="nothing is tried"):
        client.get(VOLUMES)
    assert gate.server.asked == []


def test_a_new_version_of_the_secret_ends_the_wait(
    client: OntapClient, gate: Gate, stored: Stored, clock: Clock
) -> None:
    gate.password = "two"
    with pytest.raises(OntapUnauthorizedError):
        client.get(VOLUMES)
    stored.put("2", "two")
    clock.now += 10
    assert client.get(VOLUMES)
    assert gate.failures == 1


def test_the_secret_is_not_read_at_every_refusal(client: OntapClient, gate: Gate, stored: Stored) -> None:
    gate.password = "another"
    for _ in range(50):
        with pytest.raises(OntapUnauthorizedError):
            client.get(VOLUMES)
    assert stored.reads == 1


def test_401_of_a_path_is_the_roles_when_the_cluster_still_answers(client: OntapClient, gate: Gate) -> None:
    gate.closed_paths = {VOLUMES}
    for _ in range(3):
        with pytest.raises(OntapForbiddenError) as caught:
            client.get(VOLUMES)
    assert (caught.value.status, caught.value.ontap_code, gate.failures) == (401, "6691623", 0)
    assert client.get(CLUSTER)


def test_many_threads_find_a_wrong_password_out_together(client: OntapClient, gate: Gate) -> None:
    client.get(VOLUMES)
    gate.password = "another"
    outcomes: list[type[BaseException]] = []

    def ask() -> None:
        try:
            client.get(VOLUMES)
        except OntapUnauthorizedError as exc:
            outcomes.append(type(exc))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(outcomes) == 8
    assert gate.failures == 2


# with the simulator's accounts and Secrets Manager ---------------------------------------------------


@pytest.fixture
def strict_simulator(tmp_path: Path) -> Iterator[SimProcess]:
    """Four wrong passwords in a row lock the account: two fewer than ONTAP's default."""
    config = {
        "svms": [{"name": "svm1", "volumes": [{"name": "vol1", "directory": str(tmp_path / "vol1")}]}],
        "switches": {"max_failed_logins": 4, "lockout_seconds": 600},
    }
    with SimProcess(config, tmp_path / "ontap") as process:
        yield process


class Rotation:
    """What a rotation does to the stored secret and to the account, step by step."""

    def __init__(self, secretsmanager: Any, simulator: SimProcess, secret: OntapSecret) -> None:
        self.secretsmanager, self.simulator, self.secret = secretsmanager, simulator, secret
        made = secretsmanager.create_secret(Name=f"ontap-{uuid.uuid4()}", SecretString=secret.to_json())
        self.id, self.current = made["ARN"], made["VersionId"]

    def create(self, password: str) -> None:
        self.new = replace(self.secret, password=password)
        self.pending = str(uuid.uuid4())
        self.secretsmanager.put_secret_value(
            SecretId=self.id,
            ClientRequestToken=self.pending,
            SecretString=self.new.to_json(),
            VersionStages=["AWSPENDING"],
        )

    def set(self) -> None:
        with OntapClient(self.secret) as admin:
            (account,) = admin.records(
                path("security", "accounts"),
                query={"name": self.secret.username, "scope": "cluster"},
                fields=("owner",),
            )
            admin.patch(
                path("security", "accounts", account["owner"]["uuid"], self.secret.username),
                {"password": self.new.password},
            )

    def finish(self) -> None:
        self.secretsmanager.update_secret_version_stage(
            SecretId=self.id,
            VersionStage="AWSCURRENT",
            MoveToVersionId=self.pending,
            RemoveFromVersionId=self.current,
        )
        self.secretsmanager.update_secret_version_stage(
            SecretId=self.id, VersionStage="AWSPENDING", RemoveFromVersionId=self.pending
        )
        self.secret, self.current = self.new, self.pending


@pytest.fixture
def rotation(emulator: Emulator, strict_simulator: SimProcess) -> Rotation:
    return Rotation(emulator.client("secretsmanager"), strict_simulator, secret_of(strict_simulator))


def secret_of(simulator: SimProcess) -> OntapSecret:
    ready = simulator.ready
    pem = Path(ready["certificate"]).read_text()
    return OntapSecret(ready["username"], ready["password"], urlsplit(ready["rest"]).netloc, pem)


def test_clients_under_load_survive_rotations(rotation: Rotation) -> None:
    """1. Three clients ask without pause, from two threads each. 2. Three rotations in their steps, with time
    for every thread between them, so also between the change in ONTAP and the end. 3. No call failed, nothing
    locked the account, and each client failed one login a rotation at most."""
    stop = threading.Event()
    failed: list[BaseException] = []
    calls = [0] * 6
    clients = [connect(rotation.id, secretsmanager=rotation.secretsmanager) for _ in range(3)]

    def load(number: int) -> None:
        try:
            while not stop.is_set():
                clients[number % 3].get(VOLUMES, fields=("name",))
                calls[number] += 1
        except Exception as exc:  # noqa: BLE001 (whatever it is, it is a failed call)
            failed.append(exc)

    def let_everybody_ask() -> None:
        before = list(calls)
        wait_for(lambda: failed or all(new > old + 3 for new, old in zip(calls, before, strict=True)))

    threads = [threading.Thread(target=load, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for number in range(3):
        let_everybody_ask()
        rotation.create(f"Rotated-{number}-Passw0rd")
        let_everybody_ask()
        rotation.set()
        let_everybody_ask()
        rotation.finish()
    let_everybody_ask()
    stop.set()
    for thread in threads:
        thread.join()
    assert failed == []
    statuses = [row["status"] for row in rotation.simulator.client.requests()]
    assert 0 < statuses.count(401) <= 3 * len(clients)


def test_stale_clients_never_lock_the_account(rotation: Rotation) -> None:
    """A process that keeps an old password for good, with eight threads, fails fewer logins than lock it."""
    stale = replace(rotation.secret, password="Stale-Passw0rd")
    with OntapClient(stale) as client:
        for _ in range(100):
            with pytest.raises(OntapUnauthorizedError):
                client.get(VOLUMES)
    rotation.simulator.client.rest("GET", "/cluster?fields=name")  # the account still opens


def test_the_simulator_would_lock_the_account(strict_simulator: SimProcess) -> None:
    """Shows that the test above can fail: as many failed logins as the switch says do lock it."""
    stranger = strict_simulator.client.as_user("fsxadmin", "Stale-Passw0rd")
    for _ in range(4):
        with pytest.raises(SimClientError):
            stranger.rest("GET", "/cluster?fields=name")
    with pytest.raises(SimClientError):
        strict_simulator.client.rest("GET", "/cluster?fields=name")


def test_a_secret_that_is_not_there_or_no_secret_of_ours_is_misconfigured(emulator: Emulator) -> None:
    secretsmanager = emulator.client("secretsmanager")
    with pytest.raises(MisconfiguredError, match="no-such-secret"):
        connect("no-such-secret", secretsmanager=secretsmanager).get(CLUSTER)
    made = secretsmanager.create_secret(Name=f"junk-{uuid.uuid4()}", SecretString='{"password": "hush"')
    with pytest.raises(MisconfiguredError) as caught:
        connect(made["ARN"], secretsmanager=secretsmanager).get(CLUSTER)
    assert "hush" not in str(caught.value)


def wait_for(condition: Callable[[], object], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the load stands still"
        time.sleep(0.01)
