"""Ask a workload once for files that are there already, from an operator's command.

The same scope, messages and queue as polling, without a watermark. What was processed before is a duplicate.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from botocore.exceptions import ClientError

from fsxn_runtime.edge.aws_errors import aws_call, error_code
from fsxn_runtime.errors import MisconfiguredError, RejectedError
from fsxn_runtime.routing import parse_pattern
from fsxn_runtime.workloads.clients import Files, Queue
from fsxn_runtime.workloads.core import normalise, object_key
from fsxn_runtime.workloads.listing import Scope

_BATCH: Final = 10  # messages of one call; the rate is kept between calls


@dataclass(frozen=True, slots=True)
class Found:
    """What the account knows of a workload: its starter's settings and its rule's pattern."""

    scope: Scope
    access_point: str
    queue_url: str
    settle_seconds: int


@dataclass(frozen=True, slots=True)
class Progress:
    """What a page gave, and where to go on after it: key prefix and token; ("", "") at the end."""

    counts: Counter[str]
    following: tuple[str, str]


def find_workload(
    lambda_: Any, events: Any, prefix: str, workload: str, *, svm: str = "", volume: str = ""
) -> Found:
    """Read a workload's starter and rule. Raises RejectedError when there is none, or it is not clear whose.

    An access point shows one volume; which one, the scope has to say when it names several.
    """
    name = f"{prefix}-{workload}"
    no_function = f"there is no workload {workload!r} below {prefix!r}: no function {name}-start"
    with _there(no_function), aws_call("lambda:GetFunctionConfiguration"):
        answer = lambda_.get_function_configuration(FunctionName=f"{name}-start")
    settings = answer["Environment"]["Variables"]
    bus = f"{prefix}-events"
    with _there(f"there is no rule {name} on the bus {bus}"), aws_call("events:DescribeRule"):
        pattern = parse_pattern(events.describe_rule(Name=name, EventBusName=bus)["EventPattern"])
    names = {
        field: _one(given, pattern.literals(("detail", field)), option)
        for field, given, option in (("svm_name", svm, "--svm"), ("volume_name", volume, "--volume"))
    }
    return Found(
        scope=Scope(pattern, names["svm_name"], names["volume_name"], settings["JUNCTION_PATH"]),
        access_point=settings["ACCESS_POINT"],
        queue_url=settings["WORKLOAD_QUEUE_URL"],
        settle_seconds=int(settings["SETTLE_SECONDS"]),
    )


def prefixes_below(scope: Scope, path: str) -> list[str]:
    """Give the key prefixes to list, of the scope's those at or below a path.

    Raises RejectedError for a path outside the volume or the scope.
    """
    root = normalise(scope.junction_path)
    wanted = normalise(path) + ("/" if path.endswith("/") else "")
    key = "" if wanted.rstrip("/") == root else object_key(wanted, root)
    if key is None:
        raise RejectedError(f"--below is {path!r}; it must lie in {root}")
    narrowed = {key if key.startswith(each) else each for each in scope.prefixes() if _meet(key, each)}
    if not narrowed:
        raise RejectedError(f"--below is {path!r}; the workload's scope has nothing there")
    return sorted(narrowed)


@dataclass(frozen=True, slots=True)
class Backfill:
    """Walks through a listing and asks at a bounded rate (messages a second)."""

    found: Found
    files: Files
    queue: Queue
    now_us: Callable[[], int]
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    @classmethod
    def of(cls, found: Found, s3: Any, sqs: Any, now_us: Callable[[], int]) -> Backfill:
        """Make one from the clients of S3 and SQS."""
        return cls(found, Files(s3, found.access_point), Queue(sqs, found.queue_url), now_us)

    def run(
        self, prefixes: list[str], since_us: int, rate: float, *, send: bool, begin: tuple[str, str]
    ) -> Iterator[Progress]:
        """Yield the progress page by page; `begin` is where an earlier run stopped, or ("", "")."""
        prefix, token = begin if begin != ("", "") else (prefixes[0], "")
        due = self.clock()
        for place in prefixes[prefixes.index(prefix) :]:
            while True:
                page = self.files.page(place, token)
                messages, counts = self.found.scope.messages(
                    page, since_us, self.now_us(), self.found.settle_seconds
                )
                for first in range(0, len(messages) if send else 0, _BATCH):
                    batch = messages[first : first + _BATCH]
                    self.sleep(max(0.0, due - self.clock()))
                    due = self.clock() + len(batch) / rate
                    self.queue.send_all(batch)
                token = page.token
                if not token:
                    break
                yield Progress(counts, (place, token))
            following = prefixes[prefixes.index(place) + 1 :]
            yield Progress(counts, (following[0], "") if following else ("", ""))


def _meet(one: str, two: str) -> bool:
    return one.startswith(two) or two.startswith(one)


def _one(given: str, named: set[str], option: str) -> str:
    if given:
        return given
    if len(named) == 1:
        return next(iter(named))
    known = ", ".join(sorted(named)) or "none"
    raise RejectedError(f"the workload's rule names {known}: say with {option} what its access point shows")


@contextmanager
def _there(words: str) -> Iterator[None]:
    """Turn "not found" into a RejectedError with these words."""
    try:
        yield
    except MisconfiguredError as exc:
        if (
            isinstance(exc.__cause__, ClientError)
            and error_code(exc.__cause__) == "ResourceNotFoundException"
        ):
            raise RejectedError(words) from exc
        raise
