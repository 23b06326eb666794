"""Reads a secret of Secrets Manager: the version in use, and the one that a rotation is making."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from fsxn_runtime.edge.aws_errors import aws_call, error_code
from fsxn_runtime.errors import MisconfiguredError


@dataclass(frozen=True, slots=True)
class SecretVersion:
    """One version's id and text; the text is never shown."""

    version_id: str
    text: str = field(repr=False)


class SecretReader:
    """Reads one secret, each time anew. `secret_id` is its name or ARN."""

    def __init__(self, secretsmanager: Any, secret_id: str) -> None:
        self._client = secretsmanager
        self.secret_id = secret_id

    def current(self) -> SecretVersion:
        """Read the version in use. Raises MisconfiguredError when there is none, or no text in it."""
        found = self._read("AWSCURRENT")
        if found is None:
            raise MisconfiguredError(
                f"secret {self.secret_id} has no value with the stage AWSCURRENT; it must be there before "
                "it is used",
                code="no_secret",
            )
        return found

    def pending(self) -> SecretVersion | None:
        """Read the version that a rotation under way has made; None when there is none."""
        return self._read("AWSPENDING")

    def _read(self, stage: str) -> SecretVersion | None:
        with aws_call(f"secretsmanager:GetSecretValue {self.secret_id}"):
            try:
                answer = self._client.get_secret_value(SecretId=self.secret_id, VersionStage=stage)
            except ClientError as exc:
                if error_code(exc) == "ResourceNotFoundException":
                    return None
                raise
        if "SecretString" not in answer:
            raise MisconfiguredError(
                f"secret {self.secret_id} is binary; it must hold JSON text", code="wrong_secret"
            )
        return SecretVersion(answer["VersionId"], answer["SecretString"])
