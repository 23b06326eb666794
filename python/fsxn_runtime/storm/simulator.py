"""Perform a storm through the control interface of the laboratory's simulated file system."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Self

import urllib3

from fsxn_runtime.errors import RejectedError, TransientError
from fsxn_runtime.storm.model import Act

_TIMEOUT = urllib3.Timeout(connect=5, read=120)  # a group is answered when it is done on disk


class Simulator:
    """A storm's driver; the simulator keeps the ledger. `url` is the `control` of its ready line."""

    def __init__(self, url: str, volume: str = "") -> None:
        self._url = url.rstrip("/")
        self._volume = {"volume": volume} if volume else {}
        self._pool = urllib3.PoolManager(retries=False, timeout=_TIMEOUT)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._pool.clear()

    def perform(self, group: Sequence[Act]) -> None:
        """Perform these operations in order. Raises RejectedError or TransientError."""
        self._post("/operations", {"operations": [self._operation(act) for act in group]})

    def mark(self, event: str) -> None:
        """Write down that something happened to the run, such as `server_down`."""
        self._post("/mark", {"event": event})

    def finish(self) -> None:
        """Write what exists now into the ledger."""
        self.mark("snapshot")
        self._post("/snapshot", {})

    def _operation(self, act: Act) -> dict[str, Any]:
        entry: dict[str, Any] = {
            "op": act.action,
            "path": act.path,
            "protocol": act.protocol,
            "client_ip": act.client_ip,
            **self._volume,
        }
        if act.target is not None:
            entry["target"] = act.target
        if act.length:
            entry["length"] = act.length
        return entry

    def _post(self, path: str, body: dict[str, Any]) -> None:
        try:
            answer = self._pool.request("POST", f"{self._url}{path}", body=json.dumps(body))
        except urllib3.exceptions.HTTPError as exc:
            raise TransientError(
                f"no simulator answers at {self._url}: {exc}", code="simulator_unreachable"
            ) from exc
        if answer.status != 200:
            said = answer.data[:500].decode("utf-8", "replace")
            raise RejectedError(f"the simulator refused {path}: {said}", code="simulator_refused")
