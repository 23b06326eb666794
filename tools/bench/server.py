"""How fast the FPolicy server is, from the nodes' sockets to the queue, on one core.

The server is the real process on one core; nodes and the fake queue run on the others. Two clocks: `per
second` is events by wall time, and `per CPU second` events by the server's own processor time, which is what
one core gives when nobody shares it. The ratio compares processor time with that of lxml parsing the same
frames' two documents and nothing else, in the same run and on the same core.
"""

from __future__ import annotations

import os
import socket
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from lxml import etree

from tools.bench import nodes
from tools.bench.processes import OTHER_CORES, SERVER_CORE, FakeQueue, Server, server, started, until

EVENTS: Final = 20_000
BOUND: Final = 10_000  # the default of FPOLICY_MAX_UNACKED_EVENTS
PACED_RATE: Final = 2_000
PACED_SECONDS: Final = 10
IDLE_CONNECTIONS: Final = 256
IDLE_SECONDS: Final = 10
SLICE_SECONDS: Final = 0.01

# Issue "Speed": each figure with what it should be. A miss is printed and explained in docs/performance.md.
TARGETS: Final = {
    "real queue, 1 a message, 1 connection": 25_000,
    "real queue, 1 a message, 8 connections": 25_000,
    "real queue, 50 a message, 1 connection": 25_000,
    "real queue, 50 a message, 8 connections": 25_000,
    "null queue, 1 a message, 1 connection": 25_000,
    "null queue, 50 a message, 8 connections": 25_000,
}
RATIO_TARGET: Final = 0.2
P99_TARGET_MS: Final = 60
FULL_TARGET_MB: Final = 150
IDLE_TARGET_MB: Final = 30
IDLE_TARGET_PCT: Final = 1

Json = dict[str, Any]


def measure() -> Json:
    """Measure everything, one thing after the other."""
    frames = [nodes.notification(number, f"contract-{number:08}.pdf") for number in range(EVENTS)]
    os.sched_setaffinity(0, OTHER_CORES)
    with (
        tempfile.TemporaryDirectory() as directory,
        started(OTHER_CORES, "tools.bench.fake_queue") as process,
    ):
        volume_map = Path(directory, "volume-map.json")
        volume_map.write_text(nodes.VOLUME_MAP)
        queue = FakeQueue(process)
        alone = lxml_alone(frames)
        rates: dict[str, Json] = {}
        for name in TARGETS:
            print(f"measuring: {name}", file=sys.stderr)
            rates[name] = rate = rate_of(name, queue, volume_map, frames)
            rate["ratio"] = round(rate["per_cpu_second"] / alone["per_cpu_second"], 3)
        return {
            "lxml_alone": alone,
            "rates": rates,
            "paced": paced(queue, volume_map),
            "memory": memory(queue, volume_map, frames),
            "idle": idle(queue, volume_map),
            "spool": spool(queue, volume_map, frames, Path(directory, "spool")),
            "load_average": round(os.getloadavg()[0], 1),
        }


def failures(_found: Json) -> list[str]:
    """Nothing here must be so on any machine: targets are printed beside the figures."""
    return []


def lxml_alone(frames: list[bytes]) -> Json:
    """Parse header and body of every frame on the server's core, and look at nothing."""
    os.sched_setaffinity(0, SERVER_CORE)
    documents = [frame[6:-1].partition(b"\n\n") for frame in frames]
    began, cpu_began = time.perf_counter(), time.thread_time()
    for header, _, body in documents:
        etree.fromstring(header)
        etree.fromstring(body)
    wall, cpu = time.perf_counter() - began, time.thread_time() - cpu_began
    os.sched_setaffinity(0, OTHER_CORES)
    return {"per_second": round(len(frames) / wall), "per_cpu_second": round(len(frames) / cpu)}


def rate_of(name: str, queue: FakeQueue, volume_map: Path, frames: list[bytes]) -> Json:
    """Send all frames as fast as the server takes them; the end is the last event at the queue."""
    kind, per_message, connections = name.split(", ")
    count = int(connections.split()[0])
    is_null = kind.startswith("null")
    settings = {"FPOLICY_EVENTS_PER_MESSAGE": per_message.split()[0]}
    with server(queue, volume_map, settings, is_null=is_null) as running:
        send(running, frames[: EVENTS // 10], 1)  # caches, connections, the first volume map
        until(lambda: delivered(running) == EVENTS // 10)
        queue.forget()
        cpu_began, began = running.cpu_seconds(), time.monotonic_ns()
        send(running, frames, count)
        until(lambda: delivered(running) == EVENTS // 10 + EVENTS)
        cpu = running.cpu_seconds() - cpu_began
        arrived = queue.arrived()
        ended = time.monotonic_ns() if is_null else int(arrived["last_ns"])
        if not is_null and arrived["events"] < EVENTS:
            raise SystemExit(f"{arrived['events']} of {EVENTS} events arrived")
    return {
        "per_second": round(EVENTS / ((ended - began) / 1e9)),
        "per_cpu_second": round(EVENTS / cpu),
        "calls": arrived["calls"],
    }


def delivered(running: Server) -> int:
    """How many events the server says it has delivered."""
    time.sleep(0.05)  # asking takes a little of the server's core
    return int(running.metric("fpolicy_events_delivered_total"))


def send(running: Server, frames: list[bytes], connections: int) -> None:
    """Write the frames over so many connections, each from a thread, and close in order."""

    def write(sock: socket.socket, share: list[bytes]) -> None:
        for first in range(0, len(share), 64):
            sock.sendall(b"".join(share[first : first + 64]))

    socks = [nodes.connect(running.port, number) for number in range(connections)]
    threads = [
        threading.Thread(target=write, args=(sock, frames[number::connections]))
        for number, sock in enumerate(socks)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for sock in socks:
        finish(sock)


def finish(sock: socket.socket) -> None:
    """Close in order: closing with unread bytes would reset, and throw away what is not sent yet."""
    sock.shutdown(socket.SHUT_WR)
    while sock.recv(4096):
        pass
    sock.close()


def paced(queue: FakeQueue, volume_map: Path) -> Json:
    """From writing an event to its arrival at the queue, at 2,000 events a second with the default linger."""
    with server(queue, volume_map) as running:
        sock = nodes.connect(running.port, 0)
        queue.forget()
        began, cpu_began = time.monotonic(), running.cpu_seconds()
        sent = 0
        while sent < PACED_RATE * PACED_SECONDS:
            due = int((time.monotonic() - began) * PACED_RATE)
            for _ in range(due - sent):
                sock.sendall(nodes.notification(sent, f"sent-{time.monotonic_ns()}"))
                sent += 1
            time.sleep(SLICE_SECONDS / 10)
        cpu, seconds = running.cpu_seconds() - cpu_began, time.monotonic() - began
        until(lambda: delivered(running) >= sent)
        delays = sorted(queue.arrived()["delays_ms"])
        sock.close()
    return {
        "per_second": round(sent / seconds),
        "p50_ms": round(statistics.median(delays), 1),
        "p99_ms": round(delays[len(delays) * 99 // 100], 1),
        "cpu_pct": round(100 * cpu / seconds, 1),
    }


def memory(queue: FakeQueue, volume_map: Path, frames: list[bytes]) -> Json:
    """Resident memory with 256 idle nodes, and with as many events as the bound allows."""
    with server(queue, volume_map) as running:
        empty = running.resident_mb()
        socks = [nodes.connect(running.port, number) for number in range(IDLE_CONNECTIONS)]
        idle_mb = running.resident_mb()
        for sock in socks:
            sock.close()
    queue.refuse(True)
    with server(queue, volume_map) as running:
        sock = nodes.connect(running.port, 0)
        sock.settimeout(5)
        for frame in frames[:BOUND]:
            sock.sendall(frame)
        until(lambda: running.metric("fpolicy_events_unacked_count") >= BOUND)
        full = running.resident_mb()
        sock.close()
    queue.refuse(False)
    return {
        "started_mb": round(empty, 1),
        "idle_connections_mb": round(idle_mb - empty, 1),
        "bound_full_mb": round(full, 1),
    }


def idle(queue: FakeQueue, volume_map: Path) -> Json:
    """Processor time with 256 connections on which nothing happens."""
    with server(queue, volume_map) as running:
        socks = [nodes.connect(running.port, number) for number in range(IDLE_CONNECTIONS)]
        began, cpu_began = time.monotonic(), running.cpu_seconds()
        time.sleep(IDLE_SECONDS)
        share = (running.cpu_seconds() - cpu_began) / (time.monotonic() - began)
        for sock in socks:
            sock.close()
    return {"cpu_pct": round(100 * share, 2)}


def spool(queue: FakeQueue, volume_map: Path, frames: list[bytes], directory: Path) -> Json:
    """Events taken to disk a second while the queue is away, synced and not; and back again."""
    found: Json = {}
    for name, lasting in (("synced", "true"), ("not synced", "false")):
        place = directory / name
        place.mkdir(parents=True)
        settings = {
            "FPOLICY_EVENTS_PER_MESSAGE": "50",
            "FPOLICY_SPOOL_DIR": str(place),
            "FPOLICY_SPOOL_LASTING": lasting,
        }
        queue.refuse(True)
        with server(queue, volume_map, settings) as running:
            began, cpu_began = time.monotonic(), running.cpu_seconds()
            send(running, frames, 1)
            until(lambda r=running: r.metric("fpolicy_events_received_total") == EVENTS)  # type: ignore[misc]
            seconds, cpu = time.monotonic() - began, running.cpu_seconds() - cpu_began
            on_disk = running.metric("fpolicy_events_spooled_total")
            queue.refuse(False)
            back = time.monotonic()
            until(lambda r=running: delivered(r) >= EVENTS)  # type: ignore[misc]
            found[name] = {
                "per_second": round(EVENTS / seconds),
                "per_cpu_second": round(EVENTS / cpu),
                "spooled": round(on_disk),
                "back_per_second": round(EVENTS / (time.monotonic() - back)),
            }
    return found


def table(found: Json) -> Iterator[str]:
    """Give the lines that are printed."""
    alone, pace, mb = found["lxml_alone"], found["paced"], found["memory"]
    yield f"{'events, one core':<44}{'per second':>12}{'per CPU s':>12}{'to lxml':>9}   target"
    yield row("lxml alone, the same documents", alone, alone) + "   -"
    for name, rate in found["rates"].items():
        yield row(name, rate, alone) + f"   {TARGETS[name]:,} and {RATIO_TARGET}"
    for name, rate in found["spool"].items():
        yield row(f"queue away, spool {name}", rate, alone) + f"   back at {rate['back_per_second']:,}"
    yield (
        f"{pace['per_second']:,} a second, written to arrived: p50 {pace['p50_ms']} ms, p99"
        f" {pace['p99_ms']} ms (target {P99_TARGET_MS}), {pace['cpu_pct']} % of the core"
    )
    yield (
        f"memory: {mb['started_mb']} MB at start; {mb['bound_full_mb']} MB with {BOUND:,} events (target"
        f" {FULL_TARGET_MB}); {mb['idle_connections_mb']} MB for {IDLE_CONNECTIONS} idle connections (target"
        f" {IDLE_TARGET_MB})"
    )
    yield f"idle: {found['idle']['cpu_pct']} % of the core (target {IDLE_TARGET_PCT})"
    yield f"load average of the machine: {found['load_average']}"


def row(name: str, rate: Json, alone: Json) -> str:
    """Write one rate beside that of lxml alone."""
    ratio = rate["per_cpu_second"] / alone["per_cpu_second"]
    return f"  {name:<42}{rate['per_second']:>12,}{rate['per_cpu_second']:>12,}{ratio:>9.2f}"
