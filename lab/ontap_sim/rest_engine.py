"""One engine for every REST resource: a collection is described, and requests are answered by that.

Source: ONTAP REST reference 3 (methods), 4 (statuses), 5 (pages), 6 (jobs).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from lab.ontap_sim.accounts import Account
from lab.ontap_sim.http import HttpRequest, HttpResponse
from lab.ontap_sim.jobs import Job, Jobs, Work
from lab.ontap_sim.rest_errors import RestError, invalid, not_found
from lab.ontap_sim.rest_query import CONTROLS, Resource, count, get, page, select, trim

Record = dict[str, Any]

_PLAIN = "application/json"  # has no links but the next page's; anything else is answered as hal+json
_LONGEST_WAIT_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Call:
    """What is known of one request. `names` are the path's elements by their name in the description."""

    request: HttpRequest
    caller: Account
    svm_uuid: str  # of the SVM whose endpoint was called; empty at the file system's
    names: Mapping[str, str]
    query: Mapping[str, str]
    body: Mapping[str, Any]
    endless_job: bool = False  # two faults
    page_records: int | None = None

    @property
    def links(self) -> bool:
        """Say whether the answer has links."""
        return self.request.headers.get("accept") != _PLAIN


@dataclass(frozen=True, slots=True)
class Made:
    """What a POST makes. With `work` it is there when the job has done that."""

    record: Record | None
    work: Work | None = None


@dataclass(frozen=True, slots=True)
class Collection:
    """Where records lie, what they show, and what may be done with them. Errors are RestError.

    path, key: below /api; "{svm.uuid}" is an element and names a field. A record's own path is path/key.
    single: the path itself is one record, and there is no collection.
    find: finds the record that a path names, where that is not one of those listed with these keys.
    change, delete: do it and return None, or return the work of a job.
    """

    path: str
    key: str
    resource: Resource
    records: Callable[[Call], Iterable[Record]] | None = None
    create: Callable[[Call], Made] | None = None
    change: Callable[[Call, Record], Work | None] | None = None
    delete: Callable[[Call, Record], Work | None] | None = None
    single: bool = False
    find: Callable[[Call, tuple[str, ...]], Record] | None = None
    elements: tuple[str, ...] = field(init=False)
    keys: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "elements", ("api", *self.path.split("/")))
        object.__setattr__(self, "keys", tuple(part[1:-1] for part in self.key.split("/") if part))

    def match(self, segments: tuple[str, ...]) -> tuple[dict[str, str], tuple[str, ...]] | None:
        """Take a path apart: named elements, and the values of the key. None when it is another one."""
        size = len(self.elements)
        if len(segments) not in (size, size + len(self.keys)):
            return None
        names: dict[str, str] = {}
        for element, segment in zip(self.elements, segments, strict=False):
            if element.startswith("{"):
                names[element[1:-1]] = segment
            elif element != segment:
                return None
        return names, segments[size:]

    def allowed(self, *, one: bool) -> list[str]:
        """Name the methods there are on one record, or on the collection."""
        able: dict[str, object] = {"GET": self.records, "HEAD": self.records}
        able |= {"PATCH": self.change, "DELETE": self.delete} if one else {"POST": self.create}
        return [*(method for method, has in able.items() if has), "OPTIONS"]

    def location(self, record: Mapping[str, Any]) -> str:
        """Give the path of a record."""
        names = [*self.elements, *(f"{{{key}}}" for key in self.keys)]
        parts = [str(get(record, name[1:-1])) if name.startswith("{") else name for name in names]
        return "/" + "/".join(quote(part, safe="") for part in parts)


class Engine:
    """Answers requests by descriptions."""

    def __init__(self, collections: Iterable[Collection], jobs: Jobs) -> None:
        self._collections = tuple(collections)
        self._jobs = jobs

    def find(self, request: HttpRequest) -> tuple[Collection, dict[str, str], tuple[str, ...]]:
        """Find what a path means. Raises RestError."""
        for collection in self._collections:
            found = collection.match(request.segments)
            if found:
                return collection, *found
        raise RestError(404, "4", f"No such path: {request.path}")

    async def answer(self, collection: Collection, call: Call, key: tuple[str, ...]) -> HttpResponse:
        """Answer a request. Raises RestError."""
        one = bool(key) or collection.single
        method = call.request.method
        allowed = collection.allowed(one=one)
        if method not in allowed:
            raise RestError(405, "3", f"{method} is not allowed on {call.request.path}")
        if method == "OPTIONS":
            return HttpResponse(200, {}, {"allow": ", ".join(allowed)})
        if call.request.body and method in ("GET", "HEAD", "DELETE"):
            raise RestError(400, "262198", f"A body is not allowed with {method}.")
        if call.svm_uuid and call.names.get("svm.uuid", call.svm_uuid) not in (call.svm_uuid, "*"):
            raise not_found(f"SVM {call.names['svm.uuid']}")
        if method == "POST":
            return await self._create(collection, call)
        if not one:
            return self._page(collection, call, self._records(collection, call))
        if collection.find:
            record = collection.find(call, key)
        else:
            record = _one(collection, self._records(collection, call), key)
        if method in ("GET", "HEAD"):
            return _object(collection, call, record)
        change = collection.change if method == "PATCH" else collection.delete
        assert change is not None
        return await self._finish(call, change(call, record), 200, {}, {})

    @staticmethod
    def _records(collection: Collection, call: Call) -> list[Record]:
        assert collection.records is not None
        found = collection.records(call)
        if not call.svm_uuid:
            return list(found)
        owner = collection.resource.owner
        return [record for record in found if get(record, owner) in (None, call.svm_uuid)]

    @staticmethod
    def _page(collection: Collection, call: Call, found: list[Record]) -> HttpResponse:
        link = collection.location if call.links else None
        path = call.request.path
        body = page(collection.resource, found, path, call.query, link=link, at_most=call.page_records)
        return HttpResponse(200, body)

    async def _create(self, collection: Collection, call: Call) -> HttpResponse:
        assert collection.create is not None
        _only_controls(call)
        made = collection.create(call)
        headers, body = {}, {}
        if made.record is not None:
            headers["location"] = collection.location(made.record)
            if call.query.get("return_records") == "true":
                body = {"num_records": 1, "records": [trim(made.record, collection.resource.fields)]}
        return await self._finish(call, made.work, 201, headers, body)

    async def _finish(
        self, call: Call, work: Work | None, status: int, headers: dict[str, str], body: Record
    ) -> HttpResponse:
        """Answer a change: at once, or with its job, which may end within `return_timeout`."""
        seconds = count(call.query, "return_timeout", 0)
        if seconds > _LONGEST_WAIT_SECONDS:
            raise invalid("return_timeout", seconds, f"0..{_LONGEST_WAIT_SECONDS}")
        if work is None:
            return HttpResponse(status, body, headers)
        description = f"{call.request.method} {call.request.path}"
        job = self._jobs.start(description, work, never_ends=call.endless_job)
        if not await _ended(job, seconds):
            return HttpResponse(202, {"job": _link_to(job, links=call.links)}, headers)
        if job.error:
            raise job.error
        return HttpResponse(status, body | {"job": _link_to(job, links=call.links)}, headers)


def body_of(request: HttpRequest) -> Record:
    """Read the body of a POST or PATCH. Raises RestError."""
    if request.method not in ("POST", "PATCH"):
        return {}
    try:
        body = json.loads(request.body or b"{}")
    except ValueError as exc:
        raise RestError(400, "262199", f"The body is not JSON: {exc}") from exc
    if not isinstance(body, dict):
        raise RestError(400, "262199", "The body is not a JSON object.")
    return body


async def _ended(job: Job, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await job.ended.wait()
    except TimeoutError:
        pass
    return job.ended.is_set()


def _link_to(job: Job, *, links: bool) -> Record:
    link = {"_links": {"self": {"href": f"/api/cluster/jobs/{job.uuid}"}}}
    return {"uuid": job.uuid} | (link if links else {})


def _one(collection: Collection, found: list[Record], key: tuple[str, ...]) -> Record:
    for record in found:
        if all(str(get(record, name)) == value for name, value in zip(collection.keys, key, strict=True)):
            return record
    raise not_found("/".join(key))


def _object(collection: Collection, call: Call, record: Record) -> HttpResponse:
    _only_controls(call)
    shown = trim(record, collection.resource.chosen(call.query.get("fields", "*")))
    return HttpResponse(
        200, shown | ({"_links": {"self": {"href": call.request.path}}} if call.links else {})
    )


def _only_controls(call: Call) -> None:
    select(Resource(frozenset(), ()), (), {k: v for k, v in call.query.items() if k not in CONTROLS})
