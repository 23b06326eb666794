"""How fast the FPolicy server is, from the nodes' sockets to the queue, on one core.

The server is the real process on one core; nodes and the fake queue run on the others. Two clocks: `per
second` is events by wall time, and `per CPU second` events by the server's own processor time, which is what
one core gives when nobody shares it. The ratio compares processor time with that of lxml parsing the same
frames' two documents and nothing else, on the same core, immediately before and after. Each rate is the best
of three rounds: what else runs can only make one slower.
"""

from __future__ import annotations

import os
import socket
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import boto3
from fpolicy_server.measures import BOUNDS_MS
from lxml import etree

from tools.bench import nodes, parse
from tools.bench.figures import Figure
from tools.bench.processes import OTHER_CORES, SERVER_CORE, FakeQueue, Server, server, started, until

EVENTS: Final = 20_000  # in a round
ROUNDS: Final = 3
BOUND: Final = 10_000  # the default of FPOLICY_MAX_UNACKED_EVENTS
PACED_RATE: Final = 2_000
PACED_SECONDS: Final = 10
IDLE_CONNECTIONS: Final = 256
IDLE_SECONDS: Final = 10
SLICE_SECONDS: Final = 0.001

# Issue "Speed": each figure with what it should be. A miss is printed and explained in docs/performance.md.
TARGETS: Final = {
    "real queue, 1 a message, 1 connection": 25_000,
    "real queue, 1 a message, 8 connections": 25_000,
    "real queue, 50 a message, 1 connection": 25_000,
    "real queue, 50 a message, 8 connections": 25_000,
    "null queue, 1 a message, 1 connection": 25_000,
    "null queue, 50 a message, 8 connections": 25_000,
}
ANSWER_TARGETS: Final = {"synchronous, 1 a message": 15_000, "synchronous, 50 a message": 15_000}
# Requests that wait for answers: ONTAP allows up to 10,000 for each node (docs/wire/synchronous.md).
WAITING_REQUESTS: Final = 2_000
ANSWER_END: Final = b"</NotfResp>"
CHUNK: Final = 64  # frames that a node writes at once
RATIO_TARGET: Final = 0.2
P99_TARGET_MS: Final = 60
FULL_TARGET_MB: Final = 150
IDLE_TARGET_MB: Final = 30
IDLE_TARGET_PCT: Final = 1

LXML: Final = "lxml alone"
REFERENCES: Final = {"bare socket copy": "socket_copy", "bare SQS client, ten a call": "sqs_client"}

Json = dict[str, Any]


def measure() -> Json:
    """Measure everything, one thing after the other."""
    frames = [nodes.notification(n, f"contract-{n:08}.pdf") for n in range(EVENTS * (ROUNDS + 1))]
    os.sched_setaffinity(0, OTHER_CORES)
    with (
        tempfile.TemporaryDirectory() as directory,
        started(OTHER_CORES, "tools.bench.fake_queue") as process,
    ):
        volume_map = Path(directory, "volume-map.json")
        volume_map.write_text(nodes.VOLUME_MAP)
        queue = FakeQueue(process)
        rates: dict[str, Json] = {}
        for name in TARGETS:
            print(f"measuring: {name}", file=sys.stderr)
            rates[name] = rate_of(name, queue, volume_map, frames)
        answers: dict[str, Json] = {}
        for name in ANSWER_TARGETS:
            print(f"measuring: {name}", file=sys.stderr)
            answers[name] = answer_rate_of(name, queue, volume_map, frames)
        return {
            "lxml_alone": lxml_alone(frames[:EVENTS]),
            "socket_copy": socket_copy(frames[:EVENTS]),
            "sqs_client": sqs_client(queue, frames[:EVENTS]),
            "rates": rates,
            "answers": answers,
            "paced": paced(queue, volume_map),
            "memory": memory(queue, volume_map, frames[:EVENTS]),
            "idle": idle(queue, volume_map),
            "spool": spool(queue, volume_map, frames[:EVENTS], Path(directory, "spool")),
            "load_average": round(os.getloadavg()[0], 1),
            "interpreter": f"{sys.executable}, Python {sys.version.split()[0]}",
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


def socket_copy(frames: list[bytes]) -> Json:
    """Take the same bytes from a socket on the server's core, and look at nothing."""
    total = sum(map(len, frames))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        writer = threading.Thread(target=_write_all, args=(listener.getsockname()[1], b"".join(frames)))
        writer.start()
        sock, _ = listener.accept()
        os.sched_setaffinity(0, SERVER_CORE)
        with sock:
            began, cpu_began, got = time.perf_counter(), time.thread_time(), 0
            while got < total:
                got += len(sock.recv(1 << 18))
            wall, cpu = time.perf_counter() - began, time.thread_time() - cpu_began
        os.sched_setaffinity(0, OTHER_CORES)
        writer.join()
    return {"per_second": round(len(frames) / wall), "per_cpu_second": round(len(frames) / cpu)}


def _write_all(port: int, data: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port)) as sock:
        sock.sendall(data)


def sqs_client(queue: FakeQueue, frames: list[bytes]) -> Json:
    """Send as many events, ready as text, with the SDK's client: ten a call, one in a message."""
    text = parse.read(frames[0][parse.QUOTED_HEAD :]).decode()
    url = f"http://127.0.0.1:{queue.port}/000000000000/ingestion"
    client = boto3.client(
        "sqs",
        endpoint_url=f"http://127.0.0.1:{queue.port}",
        region_name="us-east-1",
        aws_access_key_id="bench",
        aws_secret_access_key="bench",  # noqa: S106 (nobody checks it)
    )
    entries: Any = [{"Id": str(place), "MessageBody": text} for place in range(10)]
    client.send_message_batch(QueueUrl=url, Entries=entries)
    os.sched_setaffinity(0, SERVER_CORE)
    began, cpu_began = time.perf_counter(), time.thread_time()
    for _ in range(len(frames) // len(entries)):
        client.send_message_batch(QueueUrl=url, Entries=entries)
    wall, cpu = time.perf_counter() - began, time.thread_time() - cpu_began
    os.sched_setaffinity(0, OTHER_CORES)
    return {"per_second": round(len(frames) / wall), "per_cpu_second": round(len(frames) / cpu)}


def rate_of(name: str, queue: FakeQueue, volume_map: Path, frames: list[bytes]) -> Json:
    """Send all frames as fast as the server takes them; a round ends with its last event at the queue."""
    kind, per_message, connections = name.split(", ")
    count = int(connections.split()[0])
    settings = {"FPOLICY_EVENTS_PER_MESSAGE": per_message.split()[0]}
    with server(queue, volume_map, settings, is_null=kind.startswith("null")) as running:

        def one_round(share: list[bytes]) -> None:
            wanted = delivered(running) + len(share)
            send(running, share, count)
            until(lambda: delivered(running) == wanted)

        found = best_round(running, queue, frames, one_round)
        if found["calls"] and found.pop("arrived") < EVENTS * ROUNDS:
            raise SystemExit("not all events arrived")
    return found


def answer_rate_of(name: str, queue: FakeQueue, volume_map: Path, frames: list[bytes]) -> Json:
    """Ask on one connection, with so many requests waiting; a round ends with its last answer."""
    settings = {"FPOLICY_MODE": "synchronous", "FPOLICY_EVENTS_PER_MESSAGE": name.split(", ")[1].split()[0]}
    with server(queue, volume_map, settings) as running:
        sock = nodes.connect(running.port, 0)
        found = best_round(running, queue, frames, lambda share: ask(sock, share))
        finish(sock)
        allowed = running.metric('fpolicy_answers_sent_total{reason="allowed"}')
        if allowed < EVENTS * ROUNDS:
            raise SystemExit(f"only {allowed:.0f} answers came by acceptance, the others at their deadline")
    return found


def best_round(
    running: Server, queue: FakeQueue, frames: list[bytes], one_round: Callable[[list[bytes]], None]
) -> Json:
    """Warm up with a tenth, then give the best of the rounds, each beside lxml alone."""
    one_round(frames[EVENTS * ROUNDS :][: EVENTS // 10])  # caches, connections, the first volume map
    queue.forget()
    rounds: list[Json] = []
    for first in range(0, EVENTS * ROUNDS, EVENTS):
        share = frames[first : first + EVENTS]
        alone = lxml_alone(share)["per_cpu_second"]
        cpu_began, began = running.cpu_seconds(), time.monotonic()
        one_round(share)
        seconds, cpu = time.monotonic() - began, running.cpu_seconds() - cpu_began
        alone = (alone + lxml_alone(share)["per_cpu_second"]) / 2
        rounds.append(
            {
                "per_second": round(EVENTS / seconds),
                "per_cpu_second": round(EVENTS / cpu),
                "ratio": round(EVENTS / cpu / alone, 3),
            }
        )
    arrived = queue.arrived()
    return {
        **{what: max(each[what] for each in rounds) for what in rounds[0]},
        "rounds": rounds,
        "calls": arrived["calls"],
        "arrived": arrived["events"],
    }


def ask(sock: socket.socket, share: list[bytes]) -> None:
    """Write requests while not too many wait for their answers, until all are answered."""
    answered, asked, rest = 0, 0, b""
    sock.settimeout(60)
    while answered < len(share):
        while asked < len(share) and asked - answered <= WAITING_REQUESTS - CHUNK:
            sock.sendall(b"".join(share[asked : asked + CHUNK]))
            asked = min(len(share), asked + CHUNK)
        rest += sock.recv(1 << 18)
        answered += rest.count(ANSWER_END)
        rest = rest[rest.rfind(ANSWER_END) + len(ANSWER_END) :] if ANSWER_END in rest else rest


def delivered(running: Server) -> int:
    """How many events the server says it has delivered."""
    time.sleep(0.05)  # asking takes a little of the server's core
    return int(running.metric("fpolicy_events_delivered_total"))


def send(running: Server, frames: list[bytes], connections: int) -> None:
    """Write the frames over so many connections, each from a thread, and close in order."""

    def write(sock: socket.socket, share: list[bytes]) -> None:
        for first in range(0, len(share), CHUNK):
            sock.sendall(b"".join(share[first : first + CHUNK]))

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
    """At 2,000 events a second, one in a message, with the default linger, after a second of the same.

    From written to arrived by the node's and the queue's common clock; from read to accepted by the server's
    histogram, whose bounds say "at most".
    """
    with server(queue, volume_map) as running:
        sock = nodes.connect(running.port, 0)
        write_paced(sock, PACED_RATE)
        until(lambda: delivered(running) == PACED_RATE)
        queue.forget()
        before = histogram(running)
        began, cpu_began = time.monotonic(), running.cpu_seconds()
        sent = PACED_RATE * PACED_SECONDS
        write_paced(sock, sent)
        cpu, seconds = running.cpu_seconds() - cpu_began, time.monotonic() - began
        until(lambda: delivered(running) == sent + PACED_RATE)
        latencies = [after - earlier for after, earlier in zip(histogram(running), before, strict=True)]
        delays = sorted(queue.arrived()["delays_ms"])
        sock.close()
    at_most = (bound for bound, count in zip(BOUNDS_MS, latencies, strict=True) if count >= 0.99 * sent)
    return {
        "per_second": round(sent / seconds),
        "read_to_accepted_p99_at_most_ms": next(at_most, None),
        "p50_ms": round(statistics.median(delays), 1),
        "p99_ms": round(delays[len(delays) * 99 // 100], 1),
        "cpu_pct": round(100 * cpu / seconds, 1),
    }


def write_paced(sock: socket.socket, count: int) -> None:
    """Write so many notifications at PACED_RATE, each with its time in the file's name."""
    began, sent = time.monotonic(), 0
    while sent < count:
        due = min(count, int((time.monotonic() - began) * PACED_RATE))
        for _ in range(due - sent):
            sock.sendall(nodes.notification(sent, f"sent-{time.monotonic_ns()}"))
            sent += 1
        time.sleep(SLICE_SECONDS)


def histogram(running: Server) -> list[float]:
    """How many events took at most so long from read to accepted, for each of BOUNDS_MS."""
    return [running.metric(f'fpolicy_delivery_latency_ms_bucket{{le="{bound}"}}') for bound in BOUNDS_MS]


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
    yield row("lxml alone, the same documents", {**alone, "ratio": 1}) + "   -"
    for name, key in REFERENCES.items():
        yield (
            row(name, {**found[key], "ratio": found[key]["per_cpu_second"] / alone["per_cpu_second"]})
            + "   -"
        )
    for name, rate in found["rates"].items():
        yield row(name, rate) + f"   {TARGETS[name]:,} and {RATIO_TARGET}"
    for name, rate in found["answers"].items():
        yield row(name, rate) + f"   {ANSWER_TARGETS[name]:,}"
    for name, rate in found["spool"].items():
        ratio = rate["per_cpu_second"] / alone["per_cpu_second"]
        yield (
            row(f"queue away, spool {name}", {**rate, "ratio": ratio})
            + f"   back at {rate['back_per_second']:,}"
        )
    yield (
        f"{pace['per_second']:,} a second: read to accepted p99 at most"
        f" {pace['read_to_accepted_p99_at_most_ms']} ms (target {P99_TARGET_MS}); written to arrived p50"
        f" {pace['p50_ms']} ms, p99 {pace['p99_ms']} ms; {pace['cpu_pct']} % of the core"
    )
    yield (
        f"memory: {mb['started_mb']} MB at start; {mb['bound_full_mb']} MB with {BOUND:,} events (target"
        f" {FULL_TARGET_MB}); {mb['idle_connections_mb']} MB for {IDLE_CONNECTIONS} idle connections (target"
        f" {IDLE_TARGET_MB})"
    )
    yield f"idle: {found['idle']['cpu_pct']} % of the core (target {IDLE_TARGET_PCT})"
    yield f"load average of the machine: {found['load_average']}; {found['interpreter']}"


def figures(found: Json) -> Iterator[Figure]:
    """Give what the page shows."""
    group, bare = "server, events per CPU second", found["lxml_alone"]["per_cpu_second"]
    for name, key in REFERENCES.items():
        yield Figure(group, name, found[key]["per_cpu_second"], LXML, bare)
    for name, rate in {**found["rates"], **found["answers"]}.items():
        yield Figure(group, name, rate["per_cpu_second"], LXML, bare)
    for name, rate in found["spool"].items():
        yield Figure(group, f"queue away, spool {name}", rate["per_cpu_second"], LXML, bare)


def row(name: str, rate: Json) -> str:
    """Write one rate beside that of lxml alone."""
    return f"  {name:<42}{rate['per_second']:>12,}{rate['per_cpu_second']:>12,}{rate['ratio']:>9.3f}"
