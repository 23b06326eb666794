"""Jobs: work that a REST call starts and does not wait for.

Source: ONTAP REST reference 6. How long a job takes is a switch; it is gone some time after its end.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from lab.ontap_sim.clock import Clock, shown
from lab.ontap_sim.rest_errors import RestError

Work = Callable[[], None]


@dataclass(slots=True)
class Job:
    """One piece of work and its state: queued, running, success, failure."""

    uuid: str
    description: str
    started_at: datetime
    state: str = "queued"
    ended_at: datetime | None = None
    error: RestError | None = None
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    def record(self) -> dict[str, Any]:
        """Show the job as REST does. `code` is an integer here and a string in `error`."""
        shows: dict[str, Any] = {
            "uuid": self.uuid,
            "description": self.description,
            "state": self.state,
            "start_time": shown(self.started_at),
        }
        if self.ended_at:
            shows["end_time"] = shown(self.ended_at)
        if self.error:
            code = int(self.error.code)
            shows |= {"code": code, "message": str(self.error), **self.error.body()}
        return shows


class Jobs:
    """The jobs there are. Used on the event loop."""

    def __init__(
        self, clock: Clock, *, queued_seconds: float, running_seconds: float, kept_seconds: float
    ) -> None:
        self._clock = clock
        self._queued_seconds = queued_seconds
        self._running_seconds = running_seconds
        self._kept_seconds = kept_seconds
        self._jobs: dict[str, Job] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, description: str, work: Work, *, never_ends: bool = False) -> Job:
        """Begin a job. With `never_ends` it runs for ever and its work is never done."""
        job = Job(str(uuid.uuid4()), description, self._clock.now())
        self._jobs[job.uuid] = job
        task = asyncio.get_running_loop().create_task(self._run(job, work, never_ends=never_ends))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return job

    def records(self) -> Iterator[dict[str, Any]]:
        """Show the jobs that are not forgotten yet."""
        return (job.record() for job in self._jobs.values())

    def close(self) -> None:
        """Stop what still runs."""
        for task in self._tasks:
            task.cancel()

    async def _run(self, job: Job, work: Work, *, never_ends: bool) -> None:
        await asyncio.sleep(self._queued_seconds)
        job.state = "running"
        if never_ends:
            return
        await asyncio.sleep(self._running_seconds)
        try:
            work()
            job.state = "success"
        except RestError as exc:
            job.state, job.error = "failure", exc
        job.ended_at = self._clock.now()
        job.ended.set()
        await asyncio.sleep(self._kept_seconds)
        del self._jobs[job.uuid]
