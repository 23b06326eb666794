"""Run collectors side by side: each gives its facts or says why not, and none can hold up another."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from fsxn_runtime.diagnose.facts import Fact, Facts
from fsxn_runtime.errors import FsxnError

Collector = Callable[[], Any]


def collect(collectors: Mapping[str, Collector], deadline_seconds: float) -> Facts:
    """Give a fact for each collector, at the latest after `deadline_seconds`.

    A collector that is not done by then is left behind in its thread, which does not keep the process alive.
    """
    found: dict[str, Fact] = {}
    began = time.monotonic()

    def run(name: str, collector: Collector) -> None:
        found[name] = _fact(collector, began)

    threads = {
        name: threading.Thread(target=run, args=(name, collector), daemon=True)
        for name, collector in collectors.items()
    }
    for thread in threads.values():
        thread.start()
    for thread in threads.values():
        thread.join(max(0.0, began + deadline_seconds - time.monotonic()))
    late = Fact(None, f"no answer within {deadline_seconds:g} s", "deadline", deadline_seconds)
    return {name: found.get(name, late) for name in collectors}


def _fact(collector: Collector, began: float) -> Fact:
    try:
        data, why_not, code = collector(), "", ""
    except FsxnError as exc:
        data, why_not, code = None, str(exc), exc.code
    except Exception as exc:  # noqa: BLE001 (the root of a thread: whatever one part does, the others are collected)
        data, why_not, code = None, f"{type(exc).__name__}: {exc}", "failed"
    return Fact(data, why_not, code, round(time.monotonic() - began, 3))
