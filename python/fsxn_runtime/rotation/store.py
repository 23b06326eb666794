"""The secret in Secrets Manager: its versions, its stages, and the tag that remembers between steps."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from botocore.exceptions import ClientError

from fsxn_runtime.edge.aws_errors import aws_call, error_code
from fsxn_runtime.errors import ConflictError, MisconfiguredError
from fsxn_runtime.rotation.model import CURRENT, PENDING, Description, Memory, Version

TAG: Final = "fsxn:rotation"
STORED: Final = "FSXN_STORED"  # on a value from a person, until it is in use
_CONFLICTS: Final = frozenset({"ResourceExistsException", "InvalidParameterException"})


class SecretStore:
    """One secret, read anew with each call."""

    def __init__(self, secretsmanager: Any, secret_id: str) -> None:
        self._client = secretsmanager
        self.secret_id = secret_id

    def describe(self) -> Description:
        """Read versions, stages, schedule and memory."""
        with aws_call(f"secretsmanager:DescribeSecret {self.secret_id}"):
            found = self._client.describe_secret(SecretId=self.secret_id)
        tags = {tag["Key"]: tag["Value"] for tag in found.get("Tags") or ()}
        return Description(
            arn=found["ARN"],
            is_rotation_on=bool(found.get("RotationEnabled")),
            stages={
                version: frozenset(stages) for version, stages in found.get("VersionIdsToStages", {}).items()
            },
            memory=Memory.from_text(tags.get(TAG, "")),
            created_us=_us(found["CreatedDate"]) or 0,
            rotated_us=_us(found.get("LastRotatedDate")),
            next_rotation_us=_us(found.get("NextRotationDate")),
            schedule=_schedule(found.get("RotationRules") or {}),
        )

    def read(self, stage: str = CURRENT, version_id: str = "") -> Version | None:
        """Read a version that has this stage; None when there is none, or no value in it."""
        which = {"VersionId": version_id} if version_id else {}
        with aws_call(f"secretsmanager:GetSecretValue {self.secret_id} {stage}"):
            try:
                found = self._client.get_secret_value(SecretId=self.secret_id, VersionStage=stage, **which)
            except ClientError as exc:
                if error_code(exc) == "ResourceNotFoundException":
                    return None
                raise
        return Version(found["VersionId"], found.get("SecretString", ""), _us(found["CreatedDate"]) or 0)

    def current(self) -> Version:
        """Read the version in use. Raises MisconfiguredError when there is none."""
        found = self.read()
        if found is None or found.is_blank:
            raise MisconfiguredError(
                f"secret {self.secret_id} has no value with the stage {CURRENT}; store one: fsxn rotation "
                "trust --create",
                code="no_secret",
            )
        return found

    def put_pending(self, token: str, text: str, rotation_token: str) -> None:
        """Give the pending version its value. Idempotency key: the token.

        Raises ConflictError when the version has another value already: a version never changes.
        """
        extra = {"RotationToken": rotation_token} if rotation_token else {}
        self._change(
            "PutSecretValue",
            ClientRequestToken=token,
            SecretString=text,
            VersionStages=[PENDING],
            **extra,
        )

    def replace_current(self, text: str, current: str) -> None:
        """Put another value in use in place of the version `current`, which becomes AWSPREVIOUS.

        Raises ConflictError when another version is current by now: a rotation's new password is not undone.
        """
        token = str(uuid.uuid4())
        self._change("PutSecretValue", ClientRequestToken=token, SecretString=text, VersionStages=[STORED])
        self.promote(token, current)
        self._change("UpdateSecretVersionStage", VersionStage=STORED, RemoveFromVersionId=token)

    def begun_us(self, version_id: str) -> int | None:
        """Say when a version was made, without reading it."""
        arguments = {"SecretId": self.secret_id}
        with aws_call(f"secretsmanager:ListSecretVersionIds {self.secret_id}"):
            while True:  # older SDKs have no paginator for this call
                page = self._client.list_secret_version_ids(**arguments)
                for entry in page["Versions"]:
                    if entry["VersionId"] == version_id:
                        return _us(entry.get("CreatedDate"))
                if not page.get("NextToken"):
                    return None
                arguments["NextToken"] = page["NextToken"]

    def promote(self, token: str, current: str) -> None:
        """Put the pending version in use. Raises ConflictError when another one is current by now."""
        self._change(
            "UpdateSecretVersionStage",
            VersionStage=CURRENT,
            MoveToVersionId=token,
            RemoveFromVersionId=current,
        )

    def drop_pending(self, token: str) -> None:
        """Take AWSPENDING off a version. Raises ConflictError when it has it no more."""
        self._change("UpdateSecretVersionStage", VersionStage=PENDING, RemoveFromVersionId=token)

    def remember(self, memory: Memory) -> None:
        """Write the memory whole."""
        self._change("TagResource", Tags=[{"Key": TAG, "Value": memory.to_text()}])

    def ask_rotation(self) -> None:
        """Let Secrets Manager begin a rotation, under the caller's own permissions."""
        self._change("RotateSecret")

    def _change(self, action: str, **arguments: Any) -> None:
        """Call one action. An error's text is the service's; none of them repeats a value."""
        method = "".join(f"_{c.lower()}" if c.isupper() else c for c in action).lstrip("_")
        with aws_call(f"secretsmanager:{action} {self.secret_id}"):
            try:
                getattr(self._client, method)(SecretId=self.secret_id, **arguments)
            except ClientError as exc:
                if error_code(exc) in _CONFLICTS and action != "RotateSecret":
                    raise ConflictError(
                        f"secretsmanager:{action} {self.secret_id} answered {error_code(exc)}: the versions "
                        "are not as they were read",
                        code="secret_changed",
                    ) from exc
                raise


def _us(moment: datetime | None) -> int | None:
    return None if moment is None else int(moment.timestamp() * 1_000_000)


def _schedule(rules: Mapping[str, Any]) -> str:
    days = rules.get("AutomaticallyAfterDays")
    return str(rules.get("ScheduleExpression") or (f"every {days} days" if days else ""))
