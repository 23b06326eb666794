"""A secret of the local AWS and an account of the simulated ONTAP, rotated in this process.

Secrets Manager's part is played by `drive`: the steps in their order, all of them again after an error or a
death. Every call to AWS passes a gate that a test may set: it fails, loses the answer, or kills. Each
password that ever existed is remembered, and what a rotation lets out is kept: a test looks for them there.
"""

from __future__ import annotations

import io
import json
import sys
import time
import traceback
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError
from fsxn_runtime.edge.metrics import Emf
from fsxn_runtime.errors import FsxnError
from fsxn_runtime.rotation import rotator as rotator_module
from fsxn_runtime.rotation.clients import Fsx, Ontap
from fsxn_runtime.rotation.model import Request, Step
from fsxn_runtime.rotation.passwords import generate
from fsxn_runtime.rotation.rotator import Rotator
from fsxn_runtime.rotation.settings import Settings
from fsxn_runtime.rotation.store import SecretStore

from lab.cloud.clients import ACCOUNT_ID
from lab.cloud.emulator import Emulator
from lab.ontap_sim.client import SimClient, SimClientError
from lab.ontap_sim.process import SimProcess
from tests.lab.cloud.functions import make_function

STAND_IN = "rotation-stand-in"
FIRST_PASSWORD = "First-Passw0rd"
ROTATION_TOKEN = "rotation-token-of-36-characters-or-more"
PASSES = 8


class Killed(BaseException):
    """The process dies here: nothing of ours may catch it."""


@dataclass
class Gate:
    """What happens at the n-th call to AWS. effect: "", "error", "lost", "kill_before", "kill_after"."""

    effect: str = ""
    at: int = -1
    calls: list[str] = field(default_factory=list)

    def around(self, name: str, call: Callable[[], Any]) -> Any:
        """Make one call, or what the test wants in its place."""
        is_struck = len(self.calls) == self.at
        self.calls.append(name)
        if not is_struck:
            return call()
        if self.effect == "kill_before":
            raise Killed(name)
        if self.effect == "error":
            raise _server_error(name)
        answer = call()
        if self.effect == "kill_after":
            raise Killed(name)
        if self.effect == "lost":
            raise _server_error(name)
        return answer


def _server_error(name: str) -> ClientError:
    error = {"Code": "InternalServiceError", "Message": "on purpose"}
    return ClientError({"Error": error, "ResponseMetadata": {"HTTPStatusCode": 500}}, name)  # type: ignore[arg-type]


class GatedClient:
    """A boto3 client whose calls pass the gate."""

    def __init__(self, client: Any, gate: Gate) -> None:
        self._client = client
        self._gate = gate

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)
        return lambda *given, **named: self._gate.around(name, lambda: method(*given, **named))


@dataclass
class RotationWorld:
    """One account and its secret. `passwords`: every one that existed; `said`: all that was let out."""

    emulator: Emulator
    sim: SimProcess
    username: str
    passwords: list[str] = field(default_factory=lambda: [FIRST_PASSWORD])
    said: io.StringIO = field(default_factory=io.StringIO)
    offset_us: int = 0
    variables: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        ready = self.sim.ready
        self.secrets = self.emulator.client("secretsmanager")
        self.secret_id = f"ontap-{self.username}"
        self.gate = Gate()
        value = {
            "username": self.username,
            "password": self.passwords[0],
            "management_ip": urlsplit(ready["rest"]).netloc,
            "ca_certificate": Path(ready["certificate"]).read_text(),
            "note": "a member of its own",
        }
        self.arn = self.secrets.create_secret(Name=self.secret_id, SecretString=json.dumps(value))["ARN"]

    # Secrets Manager's part ---------------------------------------------------------------------------

    def begin(self) -> str:
        """Begin a rotation: the local Secrets Manager makes the version, a stand-in does nothing for it."""
        token = str(uuid.uuid4())
        function = f"arn:aws:lambda:{self.emulator.region}:{ACCOUNT_ID}:function:{STAND_IN}"
        self.secrets.rotate_secret(
            SecretId=self.secret_id, ClientRequestToken=token, RotationLambdaARN=function
        )
        return token

    def drive(self, token: str, passes: int = PASSES) -> bool:
        """Call the steps as Secrets Manager does, until a pass succeeds; False when none did."""
        return any(self.run_pass(token) for _ in range(passes))

    def run_pass(self, token: str) -> bool:
        """Call the four steps; stop at the first that fails or dies."""
        return all(self.run_step(token, step) for step in Step)

    def run_step(self, token: str, step: Step) -> bool:
        """Call one step in a process of its own, as far as memory goes."""
        request = Request(step, self.arn, token, ROTATION_TOKEN if step is Step.CREATE else "")
        with redirect_stdout(self.said):
            try:
                rotator = self.rotator()
                try:
                    rotator.run(request)
                finally:
                    rotator.emf.flush()
            except (FsxnError, Killed) as exc:
                self.said.write("".join(traceback.format_exception(exc)) + repr(exc))
                return False
        return True

    def rotator(self) -> Rotator:
        """Make the product's rotator for this secret."""
        settings = Settings.from_env({"ONTAP_SECRET_ID": self.secret_id, **self.variables})
        store = SecretStore(GatedClient(self.secrets, self.gate), self.secret_id)
        fsx = Fsx(
            GatedClient(self.emulator_fsx(), self.gate), self.variables.get("FILE_SYSTEM_ID", ""), self.sleep
        )
        return Rotator(
            settings,
            store,
            fsx,
            Emf("Test"),
            now_us=lambda: time.time_ns() // 1000 + self.offset_us,
            sleep=self.sleep,
            make_password=self.make_password,
        )

    def emulator_fsx(self) -> Any:
        """The simulated file system's AWS side."""
        from lab.cloud.clients import local_client

        return local_client("fsx", self.sim.ready["fsx"])

    def sleep(self, seconds: float) -> None:
        """Let our clock run ahead; wait a moment for what happens elsewhere."""
        self.offset_us += int(seconds * 1_000_000)
        time.sleep(min(seconds, 0.05))

    def make_password(self, username: str, strength: int) -> str:
        """Make a password as the product does, and remember it."""
        made = generate(username, strength)
        self.passwords.append(made)
        return made

    # looking from outside ------------------------------------------------------------------------------

    def stages(self) -> dict[str, list[str]]:
        """Stages by version."""
        return dict(self.secrets.describe_secret(SecretId=self.secret_id)["VersionIdsToStages"])

    def value(self, stage: str = "AWSCURRENT") -> dict[str, Any]:
        """The value with a stage, read past the gate."""
        text = self.secrets.get_secret_value(SecretId=self.secret_id, VersionStage=stage)["SecretString"]
        return dict(json.loads(text))

    def stored_passwords(self) -> set[str]:
        """Passwords of all versions that have a stage and a value."""
        found = set()
        for version in self.stages():
            try:
                answer = self.secrets.get_secret_value(SecretId=self.secret_id, VersionId=version)
            except self.secrets.exceptions.ResourceNotFoundException:
                continue
            found.add(json.loads(answer["SecretString"])["password"])
        return found

    def account(self) -> Mapping[str, Any]:
        """The account as an administrator sees it."""
        fields = "fields=locked,owner,applications"
        (found,) = self.sim.client.rest("GET", f"/security/accounts?name={self.username}&{fields}")["records"]
        return dict(found)

    def accepts(self, password: str) -> bool:
        """Whether ONTAP accepts a password. A refusal counts there: ask for what should be accepted."""
        try:
            self.sim.client.as_user(self.username, password).rest("GET", "/cluster")
        except SimClientError as exc:
            assert exc.status == 401
            return False
        return True

    def assert_well(self) -> None:
        """What must hold at the end of every rotation, however it went."""
        assert self.account()["locked"] is False
        current = self.value()
        assert self.accepts(current["password"])
        assert current["note"] == "a member of its own"
        assert [stages for stages in self.stages().values() if "AWSPENDING" in stages] == []

    def assert_silent(self) -> None:
        """No password was let out: in logs, metrics, errors, or the simulator's log of requests."""
        let_out = self.said.getvalue() + json.dumps(self.sim.client.requests())
        assert [password for password in self.passwords if password in let_out] == []


@contextmanager
def every_change_is_stored_first(world: RotationWorld) -> Iterator[None]:
    """Fail when ONTAP is asked for a password that no version of the secret holds at that moment."""
    patch = pytest.MonkeyPatch()

    def guard(name: str) -> None:
        real = getattr(Ontap, name)

        def guarded(self: Ontap, *arguments: Any) -> None:
            assert arguments[-1] in world.stored_passwords(), "a password that no secret version holds"
            real(self, *arguments)

        patch.setattr(Ontap, name, guarded)

    guard("change_by_account")
    guard("change_own")
    try:
        yield
    finally:
        patch.undo()


@contextmanager
def lines_of_rotation(number: int = 0) -> Iterator[list[str]]:
    """Collect the lines that run in fsxn_runtime.rotation, in order; raise Killed at the n-th of them."""
    folder = str(Path(rotator_module.__file__).parent)
    seen: list[str] = []

    def trace(frame: Any, event: str, _: Any) -> Any:
        if not frame.f_code.co_filename.startswith(folder):
            return None
        if event == "line":
            seen.append(f"{frame.f_code.co_filename}:{frame.f_lineno}")
            if len(seen) == number:
                raise Killed(seen[-1])
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        yield seen
    finally:
        sys.settrace(before)


def make_stand_in(emulator: Emulator) -> None:
    """Make the function that does nothing in the steps' place, so that Secrets Manager begins rotations."""
    make_function(emulator, STAND_IN, "def handler(event, context):\n    pass\n")
    emulator.client("lambda").add_permission(
        FunctionName=STAND_IN,
        StatementId="SecretsManager",
        Action="lambda:InvokeFunction",
        Principal="secretsmanager.amazonaws.com",
        SourceAccount=ACCOUNT_ID,
    )


def make_account(sim: SimClient, username: str, svm: str = "") -> None:
    """Make an account that may rotate itself."""
    body: dict[str, Any] = {"name": username, "password": FIRST_PASSWORD, "role": {"name": "fsxadmin"}}
    if svm:
        body |= {"owner": {"name": svm}, "role": {"name": "vsadmin"}}
    sim.rest("POST", "/security/accounts", body)
