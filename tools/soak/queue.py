"""An SQS endpoint that goes wrong in every way that a queue can, and tells what it accepted.

Fates are drawn for each call: answered at once; late; accepted with the answer lost; refused as a whole; some
entries refused for now; some refused for good. Between, it is away altogether. What is refused was not
accepted; what was accepted and not answered is sent again, so it arrives twice.
"""

from __future__ import annotations

import asyncio
import random
import re
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

import orjson

from tools.soak.plan import Plan

_LENGTH: Final = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
LATE_SECONDS: Final = (0.5, 2.0)


class FaultyQueue:
    """Serves in a thread of its own on a free loopback port. Both functions are called in that thread."""

    def __init__(
        self, on_accepted: Callable[[str, str], None], is_away: Callable[[], bool], plan: Plan, seed: int
    ) -> None:
        self._plan = plan
        self._on_accepted = on_accepted
        self._is_away = is_away
        self._dice = random.Random(seed)  # noqa: S311 - repeatable on purpose
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self.fates: Counter[str] = Counter()
        self.entries: Counter[str] = Counter()  # by "accepted" and "refused"
        self.is_faulty = True  # False: every call is accepted, for settling
        self.port = 0

    def __enter__(self) -> FaultyQueue:
        self._thread.start()
        self.port = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _listen(self) -> int:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=4 << 20)
        return int(self._server.sockets[0].getsockname()[1])

    async def _stop(self) -> None:
        self._server.close()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                request = await reader.readuntil(b"\r\n\r\n")
                found = _LENGTH.search(request)
                body = await reader.readexactly(int(found[1]) if found else 0)
                answer = await self._answer(orjson.loads(body))
                if answer is None:
                    return
                status, document = answer
                content = orjson.dumps(document)
                head = f"HTTP/1.1 {status} OK\r\nContent-Type: application/x-amz-json-1.0\r\n"
                writer.write(f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the server was stopped, or gave up waiting
        finally:
            writer.close()

    async def _answer(self, request: dict[str, Any]) -> tuple[int, dict[str, Any]] | None:
        """Decide about one call; None: the connection ends without an answer."""
        fate = self._fate()
        self.fates[fate] += 1
        if fate in ("away", "call refused"):
            return 500, {"__type": "com.amazonaws.sqs#InternalError", "message": "on purpose"}
        if fate == "late":
            await asyncio.sleep(self._dice.uniform(*LATE_SECONDS))
        queue = str(request["QueueUrl"]).rpartition("/")[2]
        accepted: list[dict[str, Any]] = []
        failed: list[dict[str, Any]] = []
        for entry in request["Entries"]:
            is_rejected = fate == "entry rejected" and queue == "ingestion" and not failed
            if is_rejected or (fate == "entries refused" and self._dice.random() < self._plan.refused_share):
                code = "InvalidMessageContents" if is_rejected else "InternalError"
                failed.append({"Id": entry["Id"], "SenderFault": is_rejected, "Code": code})
            else:
                self._on_accepted(queue, entry["MessageBody"])
                accepted.append({"Id": entry["Id"], "MessageId": entry["Id"], "MD5OfMessageBody": ""})
        self.entries["accepted"] += len(accepted)
        self.entries["refused"] += len(failed)
        return None if fate == "answer lost" else (200, {"Successful": accepted, "Failed": failed})

    def _fate(self) -> str:
        if not self.is_faulty:
            return "answered"
        if self._is_away():
            return "away"
        drawn = self._dice.random()
        for fate, share in self._plan.fates.items():
            drawn -= share
            if drawn < 0:
                return fate
        return "answered"
