"""Who we are to AWS: the credentials of the moment, looked up beside the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from fsxn_runtime.errors import FsxnError, TransientError

from fpolicy_server.delivery.signing import Identity
from fpolicy_server.logs import Log

# Looking costs a turn of a thread. botocore renews credentials at least ten minutes before their end.
LOOK_SECONDS: Final = 60.0


class IdentityKeeper:
    """Gives the credentials without waiting, as long as there are any.

    `look` may block and raise FsxnError: it asks the chain of credentials, which may ask the container's or
    the host's endpoint. It runs in a thread, at most once a time.
    """

    def __init__(self, look: Callable[[], Identity], log: Log) -> None:
        self._look = look
        self._log = log
        self._known: Identity | None = None
        self._looking: asyncio.Future[None] | None = None
        self._look_at = 0.0  # loop time

    async def current(self) -> Identity:
        """Give the credentials; wait for them only when there are none. Raises FsxnError then."""
        loop = asyncio.get_running_loop()
        if self._looking is None and (self._known is None or loop.time() >= self._look_at):
            self._look_at = loop.time() + LOOK_SECONDS
            self._looking = loop.create_task(self._look_again())
        if self._known is None:
            assert self._looking is not None
            await asyncio.shield(self._looking)
        if self._known is None:
            raise TransientError("no credentials for AWS were found", code="no_credentials")
        return self._known

    async def _look_again(self) -> None:
        try:
            self._known = await asyncio.to_thread(self._look)
        except FsxnError as exc:
            self._log.warning("credentials.failed", error=exc)  # those that are known may live a while
        finally:
            self._looking = None
