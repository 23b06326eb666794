"""Settings of the rotation Lambda."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from fsxn_runtime.edge.settings import choice, integer, log_level, metric_namespace, text
from fsxn_runtime.errors import MisconfiguredError
from fsxn_runtime.rotation.model import Limits


class Method(StrEnum):
    """Ways to change a password over REST (ONTAP REST reference 9.2)."""

    ACCOUNT = "account"  # A: the account's record
    OWN = "own"  # B: one's own password, for roles that may not change accounts


class Recovery(StrEnum):
    """Whether FSx may set fsxadmin's password (reference 9.2, C)."""

    OFF = "off"
    ASKED = "asked"  # by `fsxn rotation recover --through-fsx`
    AUTOMATIC = "automatic"  # also by a rotation whose passwords are all refused


@dataclass(frozen=True, slots=True)
class Settings:
    """What Terraform sets on the function."""

    secret_id: str
    file_system_id: str
    method: Method
    recovery: Recovery
    probes: tuple[str, ...]
    limits: Limits
    metric_namespace: str
    log_level: str

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Settings:
        """Read the environment. Raises MisconfiguredError with the value seen and allowed."""
        probes = tuple(part.strip() for part in text(env, "ROTATION_PROBES", "/api/cluster").split(","))
        for probe in probes:
            if not probe.startswith("/api/"):
                raise MisconfiguredError(
                    f"ROTATION_PROBES holds {probe!r}; each must be a path that begins with /api/",
                    code="wrong_setting",
                )
        recovery = Recovery(choice(env, "ROTATION_FSX_RECOVERY", tuple(Recovery), Recovery.OFF))
        return cls(
            secret_id=text(env, "ONTAP_SECRET_ID"),
            file_system_id=text(env, "FILE_SYSTEM_ID", "" if recovery is Recovery.OFF else None),
            method=Method(choice(env, "ROTATION_METHOD", tuple(Method), Method.ACCOUNT)),
            recovery=recovery,
            probes=probes,
            limits=Limits(
                # ONTAP locks after six by default (ONTAP REST reference 9.3); FSx's number is unknown. Four
                # leave two to the other users of the account. Three is one round over all versions.
                refused_logins=integer(env, "ROTATION_REFUSED_LOGINS", 4, minimum=3, maximum=20),
                pause_seconds=integer(env, "ROTATION_PAUSE_SECONDS", 30, minimum=0, maximum=60),
            ),
            metric_namespace=metric_namespace(env),
            log_level=log_level(env),
        )
