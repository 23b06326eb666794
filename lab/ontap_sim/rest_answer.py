"""Pieces of a REST answer that every part uses: one object, a collection, and the body of a request."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from lab.ontap_sim.http import HttpRequest, HttpResponse
from lab.ontap_sim.rest_errors import RestError
from lab.ontap_sim.rest_query import Record, Resource, page, trim


def one(request: HttpRequest, resource: Resource, record: Record) -> HttpResponse:
    """Answer a GET of one object. Raises RestError for another method."""
    if request.method != "GET":
        raise wrong_method(request)
    wanted = dict(request.query).get("fields", "*")
    body = trim(record, resource.chosen(wanted))
    return HttpResponse(200, body | _self_link(request))


def collection(request: HttpRequest, resource: Resource, records: Iterable[Record]) -> HttpResponse:
    """Answer a GET of a collection. Raises RestError for another method."""
    if request.method != "GET":
        raise wrong_method(request)
    links = bool(_self_link(request))
    return HttpResponse(200, page(resource, records, request.path, request.query, links=links))


def wrong_method(request: HttpRequest) -> RestError:
    """Build the answer for a method that the path does not have."""
    return RestError(405, "3", f"{request.method} is not allowed on {request.path}")


def body_of(request: HttpRequest, *, keep_svm: bool = False) -> dict[str, Any]:
    """Read the JSON object of a request; `svm` mostly names the SVM of the path again. Raises RestError."""
    try:
        body = json.loads(request.body or b"{}")
    except ValueError as exc:
        raise RestError(400, "262199", f"The body is not JSON: {exc}") from exc
    if not isinstance(body, dict):
        raise RestError(400, "262199", "The body is not a JSON object.")
    if not keep_svm:
        body.pop("svm", None)
    return body


def _self_link(request: HttpRequest) -> dict[str, Any]:
    if request.headers.get("accept") == "application/json":
        return {}  # plain JSON has no links but the next page's
    return {"_links": {"self": {"href": request.path}}}
