"""The steps in any order, with any fault and death between two calls: what must hold, holds after each.

Secrets Manager and ONTAP are models here, so that Hypothesis can take thousands of ways through them; the
same steps against the real laboratory are in test_steps_on_laboratory.py.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest
from fsxn_runtime.edge.metrics import Emf
from fsxn_runtime.errors import ConflictError, FsxnError
from fsxn_runtime.ontap.errors import OntapOutcomeUnknownError, OntapRejectedError, OntapUnreachableError
from fsxn_runtime.rotation import rotator as rotator_module
from fsxn_runtime.rotation.model import (
    CURRENT,
    PENDING,
    PREVIOUS,
    Account,
    Description,
    Memory,
    Request,
    Step,
    Version,
)
from fsxn_runtime.rotation.rotator import Rotator
from fsxn_runtime.rotation.settings import Settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

LOCKED_AFTER = 6  # ONTAP's default


class Killed(BaseException):
    """The process dies."""


class World:
    """One secret, one account, and at most one fault waiting."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {"v0": "password-0"}
        self.stages: dict[str, set[str]] = {"v0": {CURRENT}}
        self.memory = Memory()
        self.live = "password-0"
        self.failures = 0
        self.made = 0
        self.calls = 0
        self.fault: tuple[int, str] = (-1, "")
        self.refuses_next_password = False
        self.now_us = 0

    def call(self) -> str:
        """Count a call to the outside; say what goes wrong with it, or die before it."""
        self.calls += 1
        effect = self.fault[1] if self.calls == self.fault[0] else ""
        if effect == "kill_before":
            raise Killed
        return effect

    def lose(self, effect: str) -> None:
        """Die after a call that was made."""
        if effect == "kill_after":
            raise Killed

    @property
    def is_locked(self) -> bool:
        return self.failures >= LOCKED_AFTER

    def version_of(self, stage: str) -> str | None:
        return next((version for version, stages in self.stages.items() if stage in stages), None)


class ModelStore:
    """Secrets Manager as SecretStore shows it."""

    secret_id = "secret"

    def __init__(self, world: World) -> None:
        self.world = world

    def describe(self) -> Description:
        self.world.lose(self.world.call())
        stages = {version: frozenset(stages) for version, stages in self.world.stages.items()}
        return Description("arn", is_rotation_on=True, stages=stages, memory=self.world.memory, created_us=0)

    def read(self, stage: str = CURRENT, version_id: str = "") -> Version | None:
        self.world.lose(self.world.call())
        version = version_id or self.world.version_of(stage)
        if version is None or stage not in self.world.stages[version] or version not in self.world.values:
            return None
        value = {"username": "ann", "management_ip": "10.0.0.1", "password": self.world.values[version]}
        return Version(version, json.dumps(value))

    def current(self) -> Version:
        found = self.read()
        assert found is not None
        return found

    def put_pending(self, token: str, text: str, rotation_token: str) -> None:
        effect = self.world.call()
        password = json.loads(text)["password"]
        if self.world.values.get(token, password) != password:
            raise ConflictError("another value")
        self.world.values[token] = password
        self.world.lose(effect)

    def promote(self, token: str, current: str) -> None:
        effect = self.world.call()
        if CURRENT not in self.world.stages[current]:
            raise ConflictError("not current")
        for stages in self.world.stages.values():
            stages.discard(PREVIOUS)
        self.world.stages[current] = {*self.world.stages[current] - {CURRENT}, PREVIOUS}
        self.world.stages[token].add(CURRENT)
        self.world.lose(effect)

    def drop_pending(self, token: str) -> None:
        effect = self.world.call()
        if PENDING not in self.world.stages[token]:
            raise ConflictError("not pending")
        self.world.stages[token].discard(PENDING)
        self.world.lose(effect)

    def remember(self, memory: Memory) -> None:
        effect = self.world.call()
        self.world.memory = memory
        self.world.lose(effect)


class ModelOntap:
    """ONTAP as the rotation's client shows it. `world` is set by the machine."""

    world: World

    def __init__(self, secret: object) -> None:
        self.password = str(secret.password)  # type: ignore[attr-defined]

    def require_reach(self) -> str:
        if self.world.call() == "error":
            raise OntapUnreachableError("on purpose")
        return ""

    def login(self) -> str | None:
        world = self.world
        effect = world.call()
        if effect == "error":
            raise OntapUnreachableError("on purpose", status=503)
        is_accepted = self.password == world.live and not world.is_locked
        world.failures = 0 if is_accepted else world.failures + 1
        world.lose(effect)
        if effect == "lost":
            raise OntapUnreachableError("on purpose")
        return "cluster" if is_accepted else None

    def accounts(self) -> Iterator[Account]:
        if self.world.call() == "error":
            raise OntapUnreachableError("on purpose")
        yield Account("ann", "cluster", "cluster", is_locked=False, has_password_login=True)

    def probe(self, paths: object) -> Iterator[tuple[str, str]]:
        if self.world.call() == "error":
            raise OntapUnreachableError("on purpose")
        return iter(())

    def change_by_account(self, account: Account, password: str) -> None:
        world = self.world
        effect = world.call()
        assert password in world.values.values(), "a password that no version holds"
        assert self.password == world.live
        if effect == "error":
            raise OntapOutcomeUnknownError("on purpose")
        if world.refuses_next_password:
            world.refuses_next_password = False
            raise OntapRejectedError("rules", status=400, ontap_code="7077921")
        world.live = password
        world.lose(effect)
        if effect == "lost":
            raise OntapOutcomeUnknownError("on purpose")


class Rotations(RuleBasedStateMachine):
    """Secrets Manager's calls, faults, and other people."""

    @initialize()
    def begin_world(self) -> None:
        self.world = World()
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(rotator_module, "Ontap", ModelOntap)
        ModelOntap.world = self.world

    def teardown(self) -> None:
        if hasattr(self, "patch"):
            self.patch.undo()

    def make_password(self, _: str, strength: int) -> str:
        self.world.made += 1
        return f"password-{self.world.made}-{strength}"

    def run(self, step: Step, token: str) -> bool:
        def sleep(seconds: float) -> None:
            self.world.now_us += int(seconds * 1_000_000)

        rotator = Rotator(
            Settings.from_env({"ONTAP_SECRET_ID": "secret"}),
            ModelStore(self.world),  # type: ignore[arg-type]
            None,  # type: ignore[arg-type]
            Emf("Test", write=lambda _: None),
            now_us=lambda: self.world.now_us,
            sleep=sleep,
            make_password=self.make_password,
        )
        try:
            rotator.run(Request(step, "arn", token))
        except (FsxnError, Killed):
            return False
        return True

    def pending(self) -> str | None:
        token = self.world.version_of(PENDING)
        return None if token is None or CURRENT in self.world.stages[token] else token

    @precondition(lambda self: self.pending() is None)
    @rule()
    def secrets_manager_begins(self) -> None:
        for stages in self.world.stages.values():
            stages.discard(PENDING)
        self.world.stages[f"v{len(self.world.stages)}"] = {PENDING}

    @rule(
        step=st.sampled_from(Step),
        at=st.integers(1, 25),
        effect=st.sampled_from(["", "error", "lost", "kill_before", "kill_after"]),
    )
    def a_step_runs_whatever_the_order(self, step: Step, at: int, effect: str) -> None:
        """Secrets Manager skips no step, so finishSecret runs only after a test that succeeded."""
        token = self.world.version_of(PENDING)
        if token is None:
            return
        self.world.calls, self.world.fault = 0, (at, effect)
        if step is not Step.FINISH or self.run(Step.TEST, token):
            self.run(step, token)
        self.world.fault = (-1, "")

    @rule()
    def ontap_will_refuse_a_password_once(self) -> None:
        self.world.refuses_next_password = True

    @rule()
    def all_steps_run_and_the_rotation_ends(self) -> None:
        """Without faults a rotation ends, unless a person has to ask first, or ONTAP's rules refuse once."""
        token = self.pending()
        if token is None:
            return
        for _ in range(2):
            if all(self.run(step, token) for step in Step):
                assert self.world.values[token] == self.world.live
                assert CURRENT in self.world.stages[token]
                return
        is_given_up = PENDING not in self.world.stages[token]
        assert is_given_up or self.world.memory.refused >= 4

    @rule()
    def a_person_asks_to_go_on(self) -> None:
        """Recovery begins to count anew; a person does that after a look at the account."""
        self.world.memory = replace(self.world.memory, refused=0, refused_at_us=0)
        self.world.failures = 0

    @invariant()
    def a_version_with_a_stage_holds_what_ontap_has(self) -> None:
        if not hasattr(self, "world"):
            return
        held = {value for version, value in self.world.values.items() if self.world.stages[version]}
        assert self.world.live in held

    @invariant()
    def the_account_is_never_locked(self) -> None:
        if hasattr(self, "world"):
            assert not self.world.is_locked
            assert self.world.failures <= self.world.memory.refused <= 4


TestRotations = Rotations.TestCase
