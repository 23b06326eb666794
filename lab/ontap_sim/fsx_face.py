"""The AWS side of the running simulator: clock, state, metrics, and what the control interface may do."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from lab.ontap_sim.accounts import Accounts
from lab.ontap_sim.config import Config
from lab.ontap_sim.faults import Faults, suffer
from lab.ontap_sim.fsx_api import FsxApi, action_of, failure
from lab.ontap_sim.fsx_attachments import Attachment
from lab.ontap_sim.fsx_metrics import Datum, Metrics, current, history
from lab.ontap_sim.fsx_state import FsxState, FsxVolume
from lab.ontap_sim.http import HttpRequest, HttpResponse
from lab.ontap_sim.model import SimError
from lab.ontap_sim.rest_errors import RestError
from lab.ontap_sim.volume import VolumeContent


class FsxFace:
    """One file system's FSx API and metrics."""

    def __init__(
        self, config: Config, contents: Sequence[VolumeContent], accounts: Accounts, faults: Faults
    ) -> None:
        self._skew_seconds = 0.0
        self._settings = config.file_system
        self.state = FsxState(config.file_system, contents)
        self._metrics = Metrics(config.s3) if config.s3 else None
        account, region = (
            (config.s3.account, config.s3.region) if config.s3 else ("000000000000", "us-east-1")
        )
        self._accounts = accounts
        self._faults = faults
        self._reset_seconds = config.switches.reset_seconds
        self.api = FsxApi(self.state, self.now, account, region, self._reset_password)

    async def handle(self, request: HttpRequest) -> HttpResponse:
        """Answer a request to the FSx API, which may meet a fault."""
        fault = self._faults.strike(action_of(request), "/fsx")
        return await suffer(fault, lambda: self.api.handle(request), failure)

    def now(self) -> float:
        """Give the file system's time: the clock's, and what it was put forward by."""
        return time.time() + self._skew_seconds

    def _reset_password(self, owner_uuid: str | None, name: str, password: str) -> None:
        """Set a password some time from now, as AWS does; the file system's without an owner."""
        owner = owner_uuid or self._accounts.cluster_uuid

        def reset() -> None:
            try:
                self._accounts.reset(owner, name, password)
            except RestError as exc:  # AWS took the password, ONTAP does not: nothing changes
                print(f"ontap_sim: password of {name}: {exc}", file=sys.stderr)

        asyncio.get_running_loop().call_later(self._reset_seconds, reset)

    def attach(self, volume: str, name: str, alias: str, arn: str) -> None:
        """Show an access point of a volume in the FSx API."""
        self.api.attachments[name] = Attachment(name, alias, arn, self._volume(volume).volume_id)

    async def publish(self) -> None:
        """Put the metrics again and again, if the configuration wants that."""
        while self._metrics and self._settings.metrics_seconds:
            try:
                await self._put(list(current(self.state, time.time())))
            except SimError as exc:  # a local AWS that is away comes back, or everything ends
                print(f"ontap_sim: {exc}", file=sys.stderr)
            await asyncio.sleep(self._settings.metrics_seconds)

    async def control(self, action: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """Do what POST /fsx/<action> asks. Raises SimError.

        `attachment` changes what the FSx API says of the access point `name`: `lifecycle`, `reason`,
        `vpc_id`. `mount` with `mounted` false takes a volume's junction path out of it.
        `clock` puts the FSx API's time forward by `advance_seconds` (six hours need not be waited for).
        `fill` lets a volume hold `bytes` more than its files. `history` puts metrics of the past: `points`
        are pairs of seconds ago and bytes held. `metrics` puts those of now.
        """
        if action == "attachment":
            name = str(body["name"])
            if name not in self.api.attachments:
                raise SimError(f"attachment is {name!r}; there are {sorted(self.api.attachments)}")
            self.api.attachments[name] = replace(self.api.attachments[name], **body)
            return {}
        if action == "mount":
            self._volume(str(body["volume"])).unmounted = not body["mounted"]
            return {}
        if action == "clock":
            self._skew_seconds += float(body["advance_seconds"])
            return {"now": self.now()}
        if action == "fill":
            self._volume(str(body["volume"])).content.filled_bytes = int(body["bytes"])
            return {}
        if action == "history":
            now = time.time()
            points = [(now - float(ago), int(held)) for ago, held in body["points"]]
            return await self._put(list(history(self.state, self._volume(str(body["volume"])), points, now)))
        if action == "metrics":
            return await self._put(list(current(self.state, time.time())))
        raise SimError(f"there is no POST /fsx/{action}")

    async def _put(self, data: list[Datum]) -> Mapping[str, Any]:
        if self._metrics is None:
            raise SimError("the configuration has no 's3' connection, so there is no CloudWatch")
        try:
            return {"data": await asyncio.to_thread(self._metrics.put, data)}
        except (ClientError, BotoCoreError) as exc:
            raise SimError(f"metrics: {exc}") from exc

    def _volume(self, name: str) -> FsxVolume:
        for volume in self.state.volumes:
            if volume.content.volume.name == name:
                return volume
        raise SimError(
            f"volume is {name!r}; there are {[item.content.volume.name for item in self.state.volumes]}"
        )
