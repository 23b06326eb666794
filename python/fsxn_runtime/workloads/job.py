"""One attempt at one piece of work: what the state machine hands to the process function."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fsxn_runtime.errors import RejectedError
from fsxn_runtime.events import FileEvent, parse_timestamp
from fsxn_runtime.lineage import LineageRecord, LineageStatus, RetentionProfile
from fsxn_runtime.workloads.core import MAX_KEY_BYTES, normalise, object_key
from fsxn_runtime.workloads.model import Action, ObjectVersion


@dataclass(frozen=True, slots=True)
class Job:
    """One execution's input. `started_at` is when the attempt began: the same for every repetition."""

    uc_id: str
    work_key: str
    action: Action
    event: FileEvent
    version: ObjectVersion | None
    execution_arn: str
    started_at: str
    labels: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_input(cls, given: Mapping[str, Any]) -> Job:
        """Check the input. Raises RejectedError naming what is wrong."""
        try:
            return cls(
                uc_id=given["uc_id"],
                work_key=given["work_key"],
                action=Action(given["action"]),
                event=FileEvent.from_dict(given["event"]),
                version=None if given["object"] is None else _version(given["object"]),
                execution_arn=given["execution_arn"],
                started_at=given["started_at"],
                labels={str(name): str(value) for name, value in given.get("labels", {}).items()},
            )
        except (AttributeError, KeyError, TypeError, ValueError) as exc:
            raise RejectedError(
                f"the input is not a job: {type(exc).__name__} {exc}", code="wrong_input"
            ) from exc


def lineage_record(
    job: Job,
    status: LineageStatus,
    *,
    duration_ms: int,
    output_keys: tuple[str, ...] = (),
    input_checksum: str | None = None,
    output_checksum: str | None = None,
    reason: str | None = None,
) -> LineageRecord:
    """Write a job's lineage; its time is the attempt's begin, so a repetition is the same record."""
    return LineageRecord(
        source_file_key=job.event.file_path,
        processing_timestamp=job.started_at,
        uc_id=job.uc_id,
        status=status,
        step_functions_execution_arn=job.execution_arn,
        work_key=job.work_key,
        event_id=job.event.event_id,
        action=job.action,
        output_keys=output_keys,
        duration_ms=duration_ms,
        target_path=job.event.target_path,
        input_checksum=input_checksum,
        output_checksum=output_checksum,
        # A listed version has no session, and no number in one.
        fpolicy_sequence_number=job.event.sequence_number if job.event.session_id else None,
        reason=reason,
        **_labelled(job.labels),
    )


def event_record(
    event: FileEvent,
    uc_id: str,
    labels: Mapping[str, str],
    status: LineageStatus,
    *,
    work_key: str,
    action: str,
    reason: str,
) -> LineageRecord:
    """Write the lineage of an event that started nothing; its time is the event's."""
    return LineageRecord(
        source_file_key=event.file_path,
        processing_timestamp=event.timestamp,
        uc_id=uc_id,
        status=status,
        work_key=work_key,
        event_id=event.event_id,
        action=action,
        target_path=event.target_path,
        fpolicy_sequence_number=event.sequence_number if event.session_id else None,
        reason=reason,
        **_labelled(labels),
    )


def _labelled(labels: Mapping[str, str]) -> dict[str, Any]:
    """Give the fields of a record that come from the workload's labels."""
    profile, classification = labels.get("retention_profile"), labels.get("data_classification")
    return {
        "policy_version": labels.get("policy_version"),
        "uc_template_version": labels.get("uc_template_version"),
        "retention_profile": RetentionProfile(profile) if profile else None,
        "metadata": {"data_classification": classification} if classification else {},
    }


def output_key(job: Job, prefix: str, junction_path: str) -> str:
    """Give an object key for what a workload writes about a job: below the key of the event's file.

    A key that would be longer than S3 takes has the hash of the file's key in its place.
    """
    name = object_key(normalise(job.event.file_path), junction_path)
    if name is None:
        raise RejectedError(f"the file lies outside the junction path {junction_path}", code="other_volume")
    head = "/".join(part for part in (prefix.strip("/"), job.uc_id) if part)
    key = f"{head}/{name}/{job.work_key}.json"
    if len(key.encode()) > MAX_KEY_BYTES:
        key = f"{head}/{hashlib.sha256(name.encode()).hexdigest()}/{job.work_key}.json"
    return key


def _version(found: Mapping[str, Any]) -> ObjectVersion:
    return ObjectVersion(
        key=found["key"],
        size_bytes=found["size"],
        etag=found["etag"],
        last_modified_us=parse_timestamp(found["last_modified"], "last_modified"),
    )
