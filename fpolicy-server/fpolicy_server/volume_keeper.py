"""Keeps the volume map fresh. Events never wait for it: without a map they have empty names."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from fsxn_runtime.errors import FsxnError

from fpolicy_server.logs import Log
from fpolicy_server.volumes import VolumeMap

# One early read for a new volume, not one for each of its events.
EARLY_INTERVAL_SECONDS: Final = 5.0
# The reconciler writes the map every minute; it may have looked just before the change.
CHANGE_SECONDS: Final = 75.0


class VolumeKeeper:
    """Reads the volume map at the start, at an interval, and early when an unknown volume shows up.

    `fetch` is a blocking call that gives the document and raises an FsxnError or OSError. A failure keeps
    the last good map.
    """

    def __init__(
        self,
        fetch: Callable[[], bytes] | None,
        interval_seconds: float,
        on_failure: Callable[[], None],
        log: Log,
    ) -> None:
        self.current = VolumeMap()
        self._fetch = fetch
        self._interval_seconds = interval_seconds
        self._on_failure = on_failure
        self._log = log
        self._wanted = asyncio.Event()
        self._watch_until = 0.0

    def want_refresh(self) -> None:
        """Ask for an early refresh; many calls make one."""
        self._wanted.set()

    def expect_change(self) -> None:
        """A volume was mounted, unmounted or moved: read the map often until the reconciler has seen it."""
        self._watch_until = asyncio.get_running_loop().time() + CHANGE_SECONDS
        self._wanted.set()

    async def refresh(self) -> None:
        """Read the map now. Never raises."""
        if self._fetch is None:
            return
        try:
            fresh = VolumeMap.from_json(await asyncio.to_thread(self._fetch))
        except (FsxnError, OSError) as exc:
            self._on_failure()
            self._log.warning("volume_map.failed", error=exc)
            return
        if fresh != self.current:
            self._log.info("volume_map.read", volumes=len(fresh.volumes))
        self.current = fresh

    async def run(self) -> None:
        """Refresh until cancelled."""
        while True:
            await asyncio.sleep(min(EARLY_INTERVAL_SECONDS, self._interval_seconds))
            remaining = self._interval_seconds - EARLY_INTERVAL_SECONDS
            if remaining > 0 and asyncio.get_running_loop().time() >= self._watch_until:
                try:
                    await asyncio.wait_for(self._wanted.wait(), remaining)
                except TimeoutError:
                    pass  # nobody asked: the regular refresh
            self._wanted.clear()
            await self.refresh()
