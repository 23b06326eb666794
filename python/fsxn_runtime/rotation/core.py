"""Decisions of a rotation. Pure: the state of versions and stages and the answers so far give the next move.

Source: AWS facts 3, ONTAP REST reference 9; docs/decisions/0008-rotation.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from fsxn_runtime.errors import MisconfiguredError, RejectedError
from fsxn_runtime.rotation.model import (
    CURRENT,
    FSXADMIN,
    PENDING,
    PREVIOUS,
    US_PER_DAY,
    US_PER_SECOND,
    Account,
    Description,
    Finish,
    Limits,
    Login,
    Memory,
    Move,
    MoveKind,
    Request,
    Status,
    Version,
)

# The order in which a password is looked for: the change may have happened already; then the one that should
# be in use; then the one before, when somebody took it back.
ORDER: Final = (PENDING, CURRENT, PREVIOUS)

# ONTAP's refusals of a password as such (reference 9.2), and whether a stronger one may help: a repeated
# password only has to be another one.
PASSWORD_REFUSALS: Final[Mapping[str, bool]] = {
    "7077918": False,  # contains the user name; ours never does
    "7077919": True,  # too short
    "7077920": True,  # letters and digits
    "7077921": True,  # too few special characters
    "7077924": False,  # one of the last
    "7077925": False,  # the old one
    "7077940": True,  # longer than supported
    "7077941": True,  # composition
}


def is_done(description: Description, request: Request) -> bool:
    """Make the checks that come before each step; True when there is nothing left to do.

    Raises MisconfiguredError when rotation is off, RejectedError when the version is unknown or is not the
    pending one.
    """
    if not description.is_rotation_on:
        raise MisconfiguredError(
            f"rotation of {description.arn} is off; switch it on before it is asked for", code="rotation_off"
        )
    stages = description.stages.get(request.token)
    if stages is None:
        raise RejectedError(
            f"version {request.token} is not one of {description.arn}", code="unknown_version"
        )
    if CURRENT in stages:
        return True
    if PENDING not in stages:
        raise RejectedError(
            f"version {request.token} of {description.arn} has the stages {sorted(stages)}; it must have "
            f"{PENDING}",
            code="not_pending",
        )
    return False


def next_move(available: Sequence[str], logins: Mapping[str, Login]) -> Move:
    """Say what setSecret does next. available: stages in ORDER whose passwords differ."""
    for stage in available:
        login = logins.get(stage)
        if login is None:
            return Move(MoveKind.TRY, stage)
        if login is Login.ACCEPTED:
            return Move(MoveKind.DONE if stage == PENDING else MoveKind.CHANGE, stage)
    return Move(MoveKind.STUCK)


def finish(description: Description, request: Request) -> Finish:
    """Say what finishSecret does next."""
    stages = description.stages.get(request.token, frozenset())
    if CURRENT not in stages:
        return Finish.PROMOTE
    return Finish.CLEAN if PENDING in stages else Finish.NOTHING


def require_same_account(pending: Version, current: Version) -> None:
    """Refuse a pending version for another account or address: its password is no business of this one.

    Raises MisconfiguredError.
    """
    new, old = pending.data(), current.data()
    for name in ("username", "management_ip", "ontap_mgmt_ip"):
        if new.get(name) != old.get(name):
            raise MisconfiguredError(
                f"{name} is {new.get(name)!r} in the pending version and {old.get(name)!r} in the current; "
                "a rotation changes the password alone. Recover: fsxn rotation recover --abandon",
                code="other_account",
            )
    if new.get("password") == old.get("password"):
        raise MisconfiguredError(
            "the pending version has the current password; nothing would change. Recover: fsxn rotation "
            "recover --abandon",
            code="same_password",
        )


def pause_before_attempt(memory: Memory, now_us: int, limits: Limits, tried_now: int) -> float:
    """Say how many seconds to wait before a login. tried_now: logins of this invocation before it.

    Logins in a row that were refused stay below the limit, whoever asks how often; between two invocations
    that had one there is a pause. Raises MisconfiguredError at the limit.
    """
    if memory.refused >= limits.refused_logins:
        raise MisconfiguredError(
            f"{memory.refused} logins in a row were refused; {limits.refused_logins} is the limit, so that "
            "the account is not locked. See docs/runbooks/rotation-failed.md, then: fsxn rotation recover",
            code="too_many_refusals",
        )
    if not memory.refused or tried_now:
        return 0.0
    wait_us = memory.refused_at_us + limits.pause_seconds * US_PER_SECOND - now_us
    return min(max(wait_us / US_PER_SECOND, 0.0), float(limits.pause_seconds))


def attempt_begun(memory: Memory, now_us: int) -> Memory:
    """Count a login before it is sent."""
    return replace(memory, refused=memory.refused + 1, refused_at_us=now_us)


def attempt_accepted(memory: Memory, cluster_uuid: str) -> Memory:
    """Forget the refusals: ONTAP does after a login that succeeds. Learn the cluster when none is known."""
    return replace(memory, refused=0, refused_at_us=0, cluster_uuid=memory.cluster_uuid or cluster_uuid)


def require_cluster(expected: str, found: str) -> None:
    """Refuse another cluster than the known one. Raises MisconfiguredError."""
    if expected and expected != found:
        raise MisconfiguredError(
            f"the cluster is {found}, expected is {expected}; nothing was changed there. If the file system "
            "was replaced, store its UUID as cluster_uuid in the secret",
            code="other_cluster",
        )


def choose_account(accounts: Iterable[Account], name: str) -> Account:
    """Choose the account that logs in: the file system's, or the only one that an SVM's login sees.

    Raises MisconfiguredError when there is none, several, or one whose password cannot be used.
    """
    found = [account for account in accounts if account.name == name]
    chosen = [account for account in found if account.scope == "cluster"] or found
    if len(chosen) != 1:
        owners = ", ".join(sorted(account.owner_uuid for account in chosen)) or "nobody"
        raise MisconfiguredError(
            f"user {name!r} belongs to {owners}; it must be one account", code="unknown_account"
        )
    (account,) = chosen
    if account.is_locked:
        raise MisconfiguredError(f"user {name!r} is locked", code="account_locked")
    if not account.has_password_login:
        raise MisconfiguredError(
            f"user {name!r} has no application http with method password", code="no_password_login"
        )
    return account


def after_refused_password(memory: Memory, ontap_code: str, strongest: int) -> Memory:
    """Choose the policy of the next password. Raises MisconfiguredError when the last one was refused too."""
    if not PASSWORD_REFUSALS[ontap_code]:
        return memory
    if memory.strength >= strongest:
        raise MisconfiguredError(
            f"ONTAP refuses even the strongest password that is made here (code {ontap_code}); compare the "
            "role's password rules (security login role config show) with docs/howto/rotate-credentials.md",
            code="password_rules",
        )
    return replace(memory, strength=memory.strength + 1)


def require_fsx_recovery(username: str) -> None:
    """Refuse FSx's way for any other account: it sets the password of fsxadmin. Raises RejectedError."""
    if username != FSXADMIN:
        raise RejectedError(
            f"the secret's user is {username!r}; FSx sets the password of {FSXADMIN} alone. Let an "
            "administrator set it, then store it: fsxn rotation trust --create",
            code="not_fsxadmin",
        )


def status_of(description: Description, now_us: int, pending_created_us: int | None) -> Status:
    """Say how the secret is, by what Secrets Manager knows.

    The age is that of the password: storing a certificate makes a version, but no new password.
    """
    since = description.rotated_us or description.created_us
    stages = {
        stage: version
        for stage in (CURRENT, PENDING, PREVIOUS)
        if (version := description.version_of(stage)) is not None
    }
    begun = pending_created_us if description.unfinished else None
    return Status(
        age_days=(now_us - since) / US_PER_DAY,
        unfinished_hours=None if begun is None else (now_us - begun) / (3600 * US_PER_SECOND),
        stages=stages,
        schedule=description.schedule,
        next_rotation_us=description.next_rotation_us,
        refused_logins=description.memory.refused,
        last_result=description.memory.result,
        is_rotation_on=description.is_rotation_on,
    )
