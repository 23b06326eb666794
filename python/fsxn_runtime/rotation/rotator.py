"""The four steps. Each may run twice and may die at any line; versions and ONTAP tell what is left to do.

What holds it together: a password is stored before ONTAP hears of it; a stored one never changes; which one
ONTAP has is found out by logging in. Idempotency key: the version's id, Secrets Manager's token.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from fsxn_runtime.edge import log
from fsxn_runtime.edge.metrics import Emf
from fsxn_runtime.errors import ConflictError, FsxnError, MisconfiguredError, TransientError
from fsxn_runtime.ontap.errors import OntapForbiddenError, OntapOutcomeUnknownError, OntapRejectedError
from fsxn_runtime.rotation import core
from fsxn_runtime.rotation.clients import Fsx, Ontap, secret_of
from fsxn_runtime.rotation.model import (
    CURRENT,
    PENDING,
    PREVIOUS,
    US_PER_SECOND,
    Finish,
    Login,
    Memory,
    MoveKind,
    Request,
    Step,
    Version,
)
from fsxn_runtime.rotation.passwords import STRONGEST, generate
from fsxn_runtime.rotation.settings import Method, Recovery, Settings
from fsxn_runtime.rotation.store import SecretStore

_log = log.logger("rotation")
# After a change the next request needs the new password; whether a node remembers the old one for a moment is
# unknown (ONTAP REST reference 2). One more try after this, never a loop.
SETTLE_SECONDS = 3.0


@dataclass
class Attempts:
    """Logins of one invocation, counted in the secret's memory before they are sent."""

    store: SecretStore
    settings: Settings
    now_us: Callable[[], int]
    sleep: Callable[[float], None]
    memory: Memory
    made: int = field(default=0, init=False)

    def login(self, version: Version) -> Login:
        """Log in once with a version's password. Raises what pause_before_attempt and the login raise."""
        ontap = Ontap(secret_of(version.text))
        ontap.require_reach()
        before = self.memory
        pause = core.pause_before_attempt(before, self.now_us(), self.settings.limits, self.made)
        if pause:
            self.sleep(pause)
        self._remember(core.attempt_begun(before, self.now_us()))
        self.made += 1
        try:
            cluster = ontap.login()
        except FsxnError as exc:
            if getattr(exc, "status", 0):  # an answer other than a refusal: ONTAP counted nothing
                self._remember(before)
            raise
        if cluster is None:
            return Login.REFUSED
        self._remember(core.attempt_accepted(self.memory, cluster))
        core.require_cluster(self._expected(version), cluster)
        return Login.ACCEPTED

    def _expected(self, version: Version) -> str:
        """Give the cluster's UUID: the secret's own word, else what was learnt at the first login."""
        named = version.data().get("cluster_uuid")
        return named if isinstance(named, str) and named else self.memory.cluster_uuid

    def _remember(self, memory: Memory) -> None:
        if memory != self.memory:
            self.store.remember(memory)
            self.memory = memory


class Rotator:
    """Runs the steps of one secret."""

    def __init__(
        self,
        settings: Settings,
        store: SecretStore,
        fsx: Fsx,
        emf: Emf,
        *,
        now_us: Callable[[], int],
        sleep: Callable[[float], None] = time.sleep,
        make_password: Callable[[str, int], str] = generate,
    ) -> None:
        self.settings = settings
        self.store = store
        self.fsx = fsx
        self.emf = emf
        self.now_us = now_us
        self._sleep = sleep
        self.make_password = make_password

    def run(self, request: Request) -> None:
        """Run one step, count how it ended, and keep the end for `fsxn rotation status`."""
        with self._told(request.step):
            description = self.store.describe()
            if request.secret_id not in (self.store.secret_id, description.arn):
                raise MisconfiguredError(
                    f"asked to rotate {request.secret_id}; this function rotates {self.store.secret_id}",
                    code="other_secret",
                )
            if core.is_done(description, request):
                if core.finish(description, request) is Finish.CLEAN:
                    self._clean(request)
                return
            match request.step:
                case Step.CREATE:
                    self._create(request, description.memory)
                case Step.SET:
                    self.set_password(request.token, self.attempts(description.memory))
                case Step.TEST:
                    self._test(request, self.attempts(description.memory))
                case Step.FINISH:
                    self._finish(request)

    def attempts(self, memory: Memory) -> Attempts:
        """Begin to count logins."""
        return Attempts(self.store, self.settings, self.now_us, self._sleep, memory)

    # createSecret ------------------------------------------------------------------------------------

    def _create(self, request: Request, memory: Memory) -> None:
        """Store the next password, unless this version has one."""
        current = self.store.current()
        if self._kept(request.token, current):
            return
        username = secret_of(current.text).username
        text = current.with_password(self.make_password(username, memory.strength))
        try:
            self.store.put_pending(request.token, text, request.rotation_token)
        except ConflictError:
            if not self._kept(request.token, current):
                raise

    def _kept(self, token: str, current: Version) -> bool:
        """Say whether the pending version has a value that can be used; what it has can never be replaced."""
        pending = self.store.read(PENDING, token)
        if pending is None or pending.is_blank:
            return False
        secret_of(pending.text)
        core.require_same_account(pending, current)
        return True

    # setSecret ---------------------------------------------------------------------------------------

    def set_password(self, token: str, attempts: Attempts) -> None:
        """Bring ONTAP to the pending password, whichever of the known ones it has."""
        versions = self._versions(token)
        logins: dict[str, Login] = {}
        while True:
            move = core.next_move(tuple(versions), logins)
            match move.kind:
                case MoveKind.TRY:
                    logins[move.stage] = attempts.login(versions[move.stage])
                case MoveKind.CHANGE:
                    self._change(versions[move.stage], versions[PENDING], attempts)
                    return
                case MoveKind.DONE:
                    return
                case MoveKind.STUCK:
                    self._recover(versions[PENDING], attempts)
                    return

    def _versions(self, token: str) -> dict[str, Version]:
        """Read the versions to try, in their order, each password once."""
        pending, current = self._pending(token), self.store.current()
        core.require_same_account(pending, current)
        found = {PENDING: pending, CURRENT: current}
        previous = self.store.read(PREVIOUS)
        if previous is not None and not previous.is_blank:
            old, now = previous.data(), current.data()
            known = {version.data().get("password") for version in found.values()}
            if old.get("username") == now.get("username") and old.get("password") not in known:
                # Only its password is of use: address and certificate are the current version's.
                text = current.with_password(secret_of(previous.text).password)
                found[PREVIOUS] = replace(previous, text=text)
        return {stage: found[stage] for stage in core.ORDER if stage in found}

    def _pending(self, token: str) -> Version:
        """Read the pending version. Raises TransientError when it has no value."""
        found = self.store.read(PENDING, token)
        if found is None or found.is_blank:
            raise TransientError(
                f"version {token} has no value yet; createSecret comes first", code="no_pending"
            )
        return found

    def _change(self, used: Version, pending: Version, attempts: Attempts) -> None:
        """Change the password once, after a look at everything that could make it useless."""
        secret, password = secret_of(used.text), secret_of(pending.text).password
        ontap = Ontap(secret)
        self._require_role(ontap)
        try:
            if self.settings.method is Method.OWN:
                ontap.change_own(password)
            else:
                account = core.choose_account(ontap.accounts(), secret.username)
                ontap.change_by_account(account, password)
        except OntapOutcomeUnknownError as exc:
            # It may have happened. The new password tells.
            if attempts.login(pending) is Login.REFUSED:
                raise TransientError(
                    f"the change of the password is not to be seen in ONTAP: {exc}", code="not_changed"
                ) from exc
        except OntapRejectedError as exc:
            if exc.ontap_code not in core.PASSWORD_REFUSALS:
                raise
            self._refuse_password(pending, attempts.memory, exc.ontap_code)
        except OntapForbiddenError as exc:
            raise MisconfiguredError(
                f"user {secret.username!r} may not change its password by method {self.settings.method}; the "
                f"role must allow it, or take the other method ({', '.join(Method)})",
                code="may_not_change",
            ) from exc

    def _refuse_password(self, pending: Version, memory: Memory, ontap_code: str) -> None:
        """Give up a password that ONTAP's rules refuse. Raises TransientError: the next rotation has another.

        A version's value never changes, so this version can never be set. Without its stage Secrets Manager
        begins a new rotation, with a new version, when it is asked next (docs/decisions/0008-rotation.md).
        """
        self.store.remember(core.after_refused_password(memory, ontap_code, STRONGEST))
        self.store.drop_pending(pending.version_id)
        raise TransientError(
            f"ONTAP's rules refuse the password (code {ontap_code}), so version {pending.version_id} was "
            "given up; the next rotation makes another: fsxn rotation recover asks for it now",
            code="password_refused",
        )

    def _recover(self, pending: Version, attempts: Attempts) -> None:
        """Let FSx set the password, where that is wanted without a person. Raises MisconfiguredError."""
        username = secret_of(pending.text).username
        if self.settings.recovery is not Recovery.AUTOMATIC:
            raise MisconfiguredError(
                f"ONTAP refuses user {username!r} with pending, current, previous password: it is locked or "
                "somebody changed it. See docs/runbooks/rotation-failed.md, then: fsxn rotation recover",
                code="all_refused",
            )
        core.require_fsx_recovery(username)
        self.fsx.set_password(secret_of(pending.text).password, pending.version_id)
        _log.warning("password.reset_through_fsx", version=pending.version_id)
        if attempts.login(pending) is Login.REFUSED:
            raise TransientError(
                "FSx has set the password and ONTAP refuses it still; ask again", code="login_refused"
            )

    # testSecret --------------------------------------------------------------------------------------

    def _test(self, request: Request, attempts: Attempts) -> None:
        """Prove that the version works; without a value in it (no immediate rotation) test the current."""
        version = self.store.read(PENDING, request.token)
        if version is None or version.is_blank:
            version = self.store.current()
        if attempts.login(version) is Login.REFUSED:
            self._sleep(SETTLE_SECONDS)
            if attempts.login(version) is Login.REFUSED:
                raise TransientError(
                    f"ONTAP refuses the password of version {version.version_id}", code="login_refused"
                )
        self._require_role(Ontap(secret_of(version.text)))

    def _require_role(self, ontap: Ontap) -> None:
        denied = dict(ontap.probe(self.settings.probes))
        if denied:
            raise MisconfiguredError(
                f"the account may not read {', '.join(denied)}, which its users need; give its role readonly "
                "there, or change probes of module rotation",
                code="role_too_small",
            )

    # finishSecret ------------------------------------------------------------------------------------

    def _finish(self, request: Request) -> None:
        """Put the version in use, then take AWSPENDING off it."""
        description = self.store.describe()
        if core.finish(description, request) is Finish.PROMOTE:
            self._pending(request.token)  # one without a value would leave everybody without a password
            self.store.promote(request.token, self.store.current().version_id)
        self._clean(request)

    def _clean(self, request: Request) -> None:
        try:
            self.store.drop_pending(request.token)
        except ConflictError:
            _log.info("stage.gone", version=request.token)  # another run was first

    # counted -----------------------------------------------------------------------------------------

    @contextmanager
    def _told(self, step: Step) -> Iterator[None]:
        """Count a step and its end; keep a failure's reason where a person looks for it."""
        started = self.now_us()
        self.emf.count("RotationSteps_count", Step=step)
        try:
            yield
        except FsxnError as exc:
            self.emf.count("RotationFailures_count", Step=step, Reason=exc.code)
            _log.error("step.failed", step=step, reason=exc.code, error=exc)
            self._keep_result(f"{step}:{exc.code}")
            raise
        seconds = (self.now_us() - started) / US_PER_SECOND
        self.emf.count("RotationFailures_count", 0, Step=step, Reason="none")
        _log.info("step.done", step=step, seconds=round(seconds, 3))
        if step is Step.FINISH:
            self._keep_result(f"{step}:ok", is_strength_kept=False)

    def _keep_result(self, result: str, *, is_strength_kept: bool = True) -> None:
        """Write down how a step ended. It is for people: a failure here changes nothing."""
        try:
            memory = self.store.describe().memory
            strength = memory.strength if is_strength_kept else 0
            self.store.remember(replace(memory, result=result, strength=strength))
        except FsxnError as exc:
            _log.warning("result.not_kept", error=exc)
