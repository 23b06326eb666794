"""What the frame of a workload knows: wanted work, file versions, state items, ended executions."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Action(StrEnum):
    """What the process function is asked to do."""

    PROCESS = "process"
    DELETE = "delete"
    RENAME = "rename"


class WorkKeyKind(StrEnum):
    """What counts as one piece of work: a version of a file, or every operation."""

    FILE_VERSION = "file_version"
    EVENT = "event"


class Status(StrEnum):
    """The state of one work key. All but IN_PROGRESS are final, except that FAILED can be redriven."""

    IN_PROGRESS = "IN_PROGRESS"
    DONE = "DONE"
    FAILED = "FAILED"
    SUPERSEDED = "SUPERSEDED"


class SkipReason(StrEnum):
    """Why a listed object is not asked for (a metric dimension)."""

    DIRECTORY = "directory"
    OUT_OF_SCOPE = "out_of_scope"
    PATH_NOT_ADDRESSABLE = "path_not_addressable"
    UNCHANGED = "unchanged"


class FilterReason(StrEnum):
    """Why a workload leaves an event alone (a metric dimension)."""

    DIRECTORY = "directory"
    EVENT_TYPE = "event_type"
    OTHER_VOLUME = "other_volume"
    PATH_NOT_ADDRESSABLE = "path_not_addressable"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Work that an event asks for. `path` and `key` name the file to look at: a rename's target."""

    action: Action
    path: str
    key: str


@dataclass(frozen=True, slots=True)
class ObjectVersion:
    """A file as the access point shows it. `last_modified_us` is microseconds since 1970."""

    key: str
    size_bytes: int
    etag: str
    last_modified_us: int


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a listing. `token` leads to the next one; "" ends the listing."""

    versions: tuple[ObjectVersion, ...]
    token: str


@dataclass(frozen=True, slots=True)
class Pass:
    """A walk through the whole listing that is under way: looks for what changed since a time.

    `prefix` and `token` say where it goes on. Times are microseconds since 1970.
    """

    since_us: int
    started_us: int
    prefix: str
    token: str = ""


@dataclass(frozen=True, slots=True)
class Watermark:
    """What polling knows: every version that was there at `mark_us` has been asked for.

    `begun_us` is when polling began; `revision` counts the writes, so that of two pollers one is refused.
    """

    mark_us: int
    begun_us: int
    under_way: Pass | None = None
    revision: int = 0


@dataclass(frozen=True, slots=True)
class Failure:
    """What a redriven message says of the run that failed before."""

    work_key: str
    attempt: int


@dataclass(frozen=True, slots=True)
class StateItem:
    """One work key of one workload. `execution_input` is the JSON its current attempt runs with.

    `updated_at` is RFC 3339 UTC. A closed item has an empty `execution_input`.
    """

    uc_id: str
    work_key: str
    status: Status
    attempt: int
    execution_arn: str
    event_id: str
    file_path: str
    updated_at: str
    execution_input: str = ""


@dataclass(frozen=True, slots=True)
class Execution:
    """An execution as Step Functions reports it. `superseded` is what a success said of itself."""

    status: str
    superseded: bool = False
    error: str = ""
    cause: str = ""


class StartStep(StrEnum):
    """What the starter does when the work key already has an item."""

    ENSURE = "ensure"  # a duplicate, but the first may have died before its StartExecution
    REOPEN = "reopen"  # an operator sends a failed work key again
    DUPLICATE = "duplicate"


class FinishStep(StrEnum):
    """What the finisher does with an execution's status."""

    CLOSE = "done"
    SUPERSEDE = "superseded"
    RETRY = "retried"
    FAIL = "failed"
    ENSURE = "restarted"
    IGNORE = "ignored"
