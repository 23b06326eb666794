"""Calls of REST for tests: whole answers, error codes."""

from __future__ import annotations

import json
from typing import Any

import urllib3

from lab.ontap_sim.client import SimClient, SimClientError


def call(
    client: SimClient, method: str, path: str, body: Any = None, **headers: str
) -> urllib3.BaseHTTPResponse:
    """Call REST on a connection of its own and return the whole answer; connection errors come through."""
    ready = client.ready
    basic = urllib3.make_headers(basic_auth=f"{ready['username']}:{ready['password']}")
    with urllib3.PoolManager(ca_certs=ready["certificate"], retries=False, timeout=10.0) as pool:
        payload = None if body is None else json.dumps(body)
        return pool.request(method, f"{ready['rest']}/api{path}", body=payload, headers={**basic, **headers})


def code(client: SimClient, method: str, path: str, body: Any = None) -> str:
    """Give the error's code; empty when the call succeeds."""
    try:
        client.rest(method, path, body)
    except SimClientError as exc:
        return exc.code
    return ""


def volume(client: SimClient, name: str = "vol1", fields: str = "*") -> dict[str, Any]:
    (record,) = client.rest("GET", f"/storage/volumes?name={name}&fields={fields}")["records"]
    return dict(record)
