"""The checks of an S3 access point, real data calls each, and the evidence that is asked for after a failure.

HeadBucket is evidence, not a check: it succeeds while no file can be read
(docs/reference/s3-access-points.md).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from fsxn_runtime.canary.diagnosis import Evidence
from fsxn_runtime.canary.model import Check, CheckName, FindingError, Reason, S3RefusedError
from fsxn_runtime.canary.runner import NotInTimeError, bounded
from fsxn_runtime.edge.aws_errors import error_code, failure_parts

PROBE_KEY: Final = ".fsxn-canary/probe"
MARKER_BYTES: Final = 1024  # read at most this much of the marker: the check is of the path, not of its speed
# While one of these, a change is being made (FSx API model, AdministrativeAction).
_UNDER_WAY: Final = frozenset({"PENDING", "IN_PROGRESS"})


class AccessPoint:
    """Calls through one access point. `name` is its short name, and the metrics' dimension Target."""

    def __init__(self, s3: Any, alias: str, name: str, marker_key: str) -> None:
        self._s3 = s3
        self._alias = alias
        self._name = name
        self._marker_key = marker_key

    def checks(self, probe_body: bytes | None) -> list[Check]:
        """List and read, and with a body also write, read back and delete it."""
        checks = [
            Check(CheckName.S3AP_LIST, self._name, self._list),
            Check(CheckName.S3AP_GET, self._name, self._get),
        ]
        if probe_body is not None:
            checks.append(Check(CheckName.S3AP_PROBE, self._name, lambda: self._probe(probe_body)))
        return checks

    def head_bucket_allowed(self) -> bool | None:
        """Whether AWS's layer lets this caller list: HeadBucket asks for that, and no file is touched."""
        try:
            self._s3.head_bucket(Bucket=self._alias)
        except ClientError as exc:
            return False if failure_parts(exc)[0] == 403 else None
        return True

    def _list(self) -> str:
        with _s3_call("ListObjectsV2"):
            answer = self._s3.list_objects_v2(Bucket=self._alias, MaxKeys=1)
        return f"listed {answer.get('KeyCount', 0)} of the first 1"

    def _get(self) -> str:
        return f"read {len(self._read(self._marker_key))} bytes of {self._marker_key}"

    def _probe(self, body: bytes) -> str:
        with _s3_call("PutObject"):
            self._s3.put_object(Bucket=self._alias, Key=PROBE_KEY, Body=body)
        try:
            found = self._read(PROBE_KEY)
        finally:
            with _s3_call("DeleteObject"):
                self._s3.delete_object(Bucket=self._alias, Key=PROBE_KEY)
        if found != body:
            raise FindingError(Reason.PROBE_MISMATCH, f"read {len(found)} bytes, other than what was written")
        return f"wrote, read and deleted {len(body)} bytes"

    def _read(self, key: str) -> bytes:
        with _s3_call("GetObject"):
            return bytes(self._s3.get_object(Bucket=self._alias, Key=key)["Body"].read(MARKER_BYTES))


class Witnesses:
    """Who is asked after a failure: the access point's own description and the file system's."""

    def __init__(self, s3control: Any, fsx: Any, *, account_id: str, name: str, file_system_id: str) -> None:
        self._s3control = s3control
        self._fsx = fsx
        self._access_point = {"AccountId": account_id, "Name": name}
        self._file_system_id = file_system_id

    def gather(self, access_point: AccessPoint, seconds: float) -> Evidence:
        """Ask all of them, each for at most `seconds`. Who does not answer leaves a None."""
        is_vpc_origin, policy_denies = _ask(self._origin_and_policy, seconds) or (None, None)
        return Evidence(
            head_bucket_allowed=_ask(access_point.head_bucket_allowed, seconds),
            is_vpc_origin=is_vpc_origin,
            policy_denies=policy_denies,
            throughput_changing=_ask(self._throughput_changing, seconds),
        )

    def _origin_and_policy(self) -> tuple[bool, bool]:
        found = self._s3control.get_access_point(**self._access_point)
        try:
            policy = self._s3control.get_access_point_policy(**self._access_point)["Policy"]
        except ClientError as exc:
            if error_code(exc) != "NoSuchAccessPointPolicy":
                raise
            policy = '{"Statement": []}'
        statements = json.loads(policy)["Statement"]
        listed = statements if isinstance(statements, list) else [statements]
        denies = any(statement["Effect"] == "Deny" for statement in listed)
        return found["NetworkOrigin"] == "VPC", denies

    def _throughput_changing(self) -> bool:
        answer = self._fsx.describe_file_systems(FileSystemIds=[self._file_system_id])
        actions = answer["FileSystems"][0].get("AdministrativeActions", [])
        return any(_changes_throughput(action) for action in actions)


def _changes_throughput(action: Mapping[str, Any]) -> bool:
    target = action.get("TargetFileSystemValues", {}).get("OntapConfiguration", {})
    return (
        action.get("AdministrativeActionType") == "FILE_SYSTEM_UPDATE"
        and action.get("Status") in _UNDER_WAY
        and bool(target.get("ThroughputCapacity") or target.get("ThroughputCapacityPerHAPair"))
    )


def _ask(question: Callable[[], Any], seconds: float) -> Any:
    """Give the answer, or None when there is none: evidence may be missing, it must not become a failure."""
    try:
        return bounded(question, seconds)
    except (BotoCoreError, ClientError, KeyError, NotInTimeError, ValueError):
        return None


@contextmanager
def _s3_call(operation: str) -> Iterator[None]:
    try:
        yield
    except (BotoCoreError, ClientError) as exc:
        raise S3RefusedError(operation, *failure_parts(exc)) from exc
