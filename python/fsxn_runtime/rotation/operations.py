"""What a person asks the function: rehearse, recover, certificate; and what its schedule asks: watch."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

from fsxn_runtime.edge import log
from fsxn_runtime.errors import FsxnError, RejectedError
from fsxn_runtime.ontap import OntapSecret
from fsxn_runtime.rotation import core
from fsxn_runtime.rotation.certificates import describe_certificate
from fsxn_runtime.rotation.clients import Ontap, secret_of
from fsxn_runtime.rotation.model import PENDING, Check, Login, Request, Step
from fsxn_runtime.rotation.rotator import Rotator
from fsxn_runtime.rotation.settings import Method, Recovery

_log = log.logger("rotation")


def rehearse(rotator: Rotator) -> list[Check]:
    """Do everything of a rotation but the change. One login, with the current password."""
    checks: list[Check] = []

    def check(name: str, look: Any) -> bool:
        try:
            checks.append(Check(name, True, look()))
        except FsxnError as exc:
            checks.append(Check(name, False, str(exc)))
        return checks[-1].is_ok

    store, settings = rotator.store, rotator.settings
    description = store.describe()
    current = store.current()
    secret = secret_of(current.text)
    ontap = Ontap(secret)

    def rotation() -> str:
        if not description.is_rotation_on:
            raise RejectedError("rotation is off; apply module rotation", code="rotation_off")
        if description.unfinished:
            raise RejectedError(
                f"version {description.unfinished} waits to be finished: fsxn rotation recover",
                code="unfinished",
            )
        return f"on, {description.schedule}"

    def certificate() -> str:
        found = describe_certificate(ontap.require_reach())
        if found.sha256 not in secret.pins:
            raise RejectedError(
                f"{found.sha256} is presented; the secret knows {', '.join(secret.pins) or 'none'}: fsxn "
                "rotation trust",
                code="unknown_certificate",
            )
        return f"{found.sha256}, valid until {found.not_after}"

    def login() -> str:
        if rotator.attempts(description.memory).login(current) is Login.REFUSED:
            raise RejectedError(
                f"user {secret.username!r} is refused: locked, or the password is another one: fsxn rotation "
                "recover",
                code="login_refused",
            )
        return f"user {secret.username!r} is accepted"

    def account() -> str:
        found = core.choose_account(ontap.accounts(), secret.username)
        return f"{found.scope} account of {found.owner_uuid}, not locked"

    def role() -> str:
        denied = dict(ontap.probe(settings.probes))
        if denied:
            raise RejectedError(f"may not read {', '.join(denied)}", code="role_too_small")
        return f"may read {', '.join(settings.probes)}"

    def password() -> str:
        made = rotator.make_password(secret.username, description.memory.strength)
        return f"{len(made)} characters of four classes; whether ONTAP's rules take it shows at the change"

    check("rotation", rotation)
    check("password", password)
    if check("certificate", certificate) and check("login", login):
        if settings.method is Method.ACCOUNT:
            check("account", account)
        check("role", role)
    return checks


def recover(
    rotator: Rotator, *, is_through_fsx: bool = False, is_abandoned: bool = False
) -> dict[str, object]:
    """Finish a rotation that stopped, or end it. A person asks, so the count of refusals begins anew.

    is_through_fsx: let FSx set fsxadmin's password to the pending one first.
    is_abandoned: take AWSPENDING off, if ONTAP accepts the current password: the change never happened.
    Raises RejectedError when there is nothing to recover or it may not be done.
    """
    store, settings = rotator.store, rotator.settings
    description = store.describe()
    memory = replace(description.memory, refused=0, refused_at_us=0)
    store.remember(memory)
    token = description.unfinished
    if token is None:
        return {"outcome": "nothing_unfinished", "version": ""}
    if is_abandoned:
        if rotator.attempts(memory).login(store.current()) is Login.REFUSED:
            raise RejectedError(
                "ONTAP refuses the current password; the pending one may be the only one that works",
                code="still_needed",
            )
        store.drop_pending(token)
        return {"outcome": "abandoned", "version": token}
    if is_through_fsx:
        if settings.recovery is Recovery.OFF:
            raise RejectedError(
                "recovery through FSx is off; set fsx_recovery of module rotation", code="recovery_off"
            )
        pending = store.read(PENDING, token)
        if pending is None or pending.is_blank:
            raise RejectedError(f"version {token} has no value yet; ask again", code="no_pending")
        secret = secret_of(pending.text)
        core.require_fsx_recovery(secret.username)
        rotator.fsx.set_password(secret.password, f"{token}-recover"[:63])
        _log.warning("password.reset_through_fsx", version=token)
    for step in Step:
        rotator.run(Request(step, description.arn, token))
    return {"outcome": "finished", "version": token}


def certificate(address: str) -> dict[str, object]:
    """Show the certificate that an address presents, whoever it is."""
    probe = OntapSecret(username="nobody", password="none", management_ip=address)  # noqa: S106 (never sent)
    pem = Ontap(probe).require_reach()
    return {**asdict(describe_certificate(pem)), "pem": pem}


def watch(rotator: Rotator) -> dict[str, object]:
    """Publish the age of the password and how long a rotation has not ended."""
    description = rotator.store.describe()
    unfinished = description.unfinished
    begun_us = rotator.store.begun_us(unfinished) if unfinished else None
    status = core.status_of(description, rotator.now_us(), begun_us)
    rotator.emf.put("RotationAge_days", status.age_days, "None")
    rotator.emf.put("RotationUnfinished_hours", status.unfinished_hours or 0.0, "None")
    return {"age_days": round(status.age_days, 2), "unfinished_hours": status.unfinished_hours}
