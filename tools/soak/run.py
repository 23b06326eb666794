"""One soak: the real server for a while under mixed faults, and the account at the end.

What goes wrong, all at once: the queue in every way it can (`queue.py`), and away altogether now and then;
the network splits, merges and delays what nodes write, and resets connections; one node speaks protobuf; one
does not obey back pressure; SIGTERM and a new start, in the first half. In the second half the same process
lives on, so that one that grows is seen.
"""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
import urllib.request
from base64 import b64decode
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO, Any, Final

from lab.ontap_sim import wire
from lab.ontap_sim.dialect import Dialect
from lab.ontap_sim.protobuf_wire import ProtobufWire
from lab.proxy import Faults, Proxy
from tools.bench.nodes import VOLUME_MAP
from tools.bench.processes import Measured, free_port, until
from tools.soak.ledger import Account, Ledger
from tools.soak.memory import Sample, Verdict, judge
from tools.soak.nodes import SoakNode
from tools.soak.plan import Plan
from tools.soak.queue import FaultyQueue

REPOSITORY: Final = Path(__file__).resolve().parents[2]
FIELD_MAP: Final = REPOSITORY / "tests/data/wire/protobuf/invented_field_map.json"

NODE_EVENTS_PER_SECOND: Final = 150.0
RESTARTS: Final = 4  # in the first half
OUTAGES: Final = 6  # of the queue, over the whole time
OUTAGE_SHARE: Final = 0.03  # of the whole time, each: 18 s of ten minutes
# Architecture's promise with the default bound full; the soak's bound is a fifth of it.
MOST_MB: Final = 150.0
SAMPLE_SECONDS: Final = 1.0
SETTLE_SECONDS: Final = 90.0
STOP_SECONDS: Final = 40.0

_NAME: Final = re.compile(rb"soak-(\d+)-(\d+)(?!\d)")


@dataclass(slots=True)
class Outcome:
    """What a soak showed."""

    seconds: float
    account: Account
    memory: Verdict
    samples: list[Sample]
    rate: float  # events accepted in a second, over the whole time
    restarts: int
    cuts: int
    sessions: int
    spooled: int
    quarantined: int
    fates: dict[str, int]
    entries: dict[str, int]
    most_mb: float
    left_on_spool: int  # events that nobody will deliver
    wrong_exits: list[int] = field(default_factory=list)  # that are not "by SIGTERM"

    @property
    def failures(self) -> list[str]:
        """What must not be; empty when the soak was passed."""
        account, memory = self.account, self.memory
        found = {
            f"{len(account.debts)} events were acknowledged and never arrived": bool(account.debts),
            f"{account.not_sent} events arrived that nobody sent": account.not_sent > 0,
            f"{self.left_on_spool} events stayed on the spool": self.left_on_spool > 0,
            f"exit status {self.wrong_exits} instead of the signal's": bool(self.wrong_exits),
            f"memory grows: {memory.early_mb:.0f} MB, later {memory.late_mb:.0f} MB": memory.grows,
            f"memory was {memory.peak_mb:.0f} MB": memory.peak_mb > self.most_mb,
            "nothing was written": account.owed == 0,
        }
        return [text for text, is_so in found.items() if is_so]


class ServerLives:
    """The real server, one process after the other on one port, spool and log."""

    def __init__(self, directory: Path, queue: FaultyQueue, unacked_events: int) -> None:
        self.port, self._health_port = free_port(), free_port()
        self.spool = directory / "spool"
        self.spool.mkdir(parents=True)
        (directory / "volume-map.json").write_text(VOLUME_MAP)
        self._log: IO[bytes] = (directory / "server.log").open("wb")
        endpoint = f"http://127.0.0.1:{queue.port}"
        self._environment = {
            **os.environ,
            "AWS_ACCESS_KEY_ID": "soak",
            "AWS_SECRET_ACCESS_KEY": "soak",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": endpoint,
            "SQS_QUEUE_URL": f"{endpoint}/000000000000/ingestion",
            "FPOLICY_QUARANTINE_URL": f"{endpoint}/000000000000/quarantine",
            "FPOLICY_LISTEN": f"127.0.0.1:{self.port}",
            "FPOLICY_HEALTH_LISTEN": f"127.0.0.1:{self._health_port}",
            "FPOLICY_VOLUME_MAP": str(directory / "volume-map.json"),
            "FPOLICY_EVENTS_PER_MESSAGE": "5",
            "FPOLICY_MAX_UNACKED_EVENTS": str(unacked_events),
            "FPOLICY_SPOOL_DIR": str(self.spool),
            "FPOLICY_SPOOL_LASTING": "true",
            "FPOLICY_SHUTDOWN_DEADLINE_SECONDS": "20",
            "FPOLICY_PROTOBUF_FIELD_MAP": str(FIELD_MAP),
            "PROTOBUF_FRAMING_MODE": "AUTO_DETECT",
            "LOG_LEVEL": "INFO",
        }
        self.life = 0
        self.spooled = 0.0
        self.wrong_exits: list[int] = []
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start a process and wait until it listens."""
        self.life += 1
        self._process = subprocess.Popen(
            [sys.executable, "-m", "fpolicy_server.main"],
            env=self._environment, stdout=self._log, stderr=self._log,
        )  # fmt: skip
        until(lambda: self._ask("/readyz"), 60)

    def stop(self) -> None:
        """End it by SIGTERM, and note how it ended."""
        assert self._process is not None
        self.spooled += self._spooled_now()
        self._process.send_signal(signal.SIGTERM)
        status = self._process.wait(STOP_SECONDS)
        if status != -signal.SIGTERM:
            self.wrong_exits.append(status)

    def kill(self) -> None:
        """Leave nothing running."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self._log.close()

    def resident_mb(self) -> float:
        """Resident memory of the process now."""
        assert self._process is not None
        return Measured(self._process).resident_mb()

    def left_on_spool(self) -> int:
        """Count the folders that still have something, after the end."""
        return sum(path.name.startswith(("task-", "set-aside-")) for path in self.spool.iterdir())

    def _spooled_now(self) -> float:
        text = self._ask("/metrics") or ""
        found = re.search(r"^fpolicy_events_spooled_total (\S+)$", text, re.MULTILINE)
        return float(found[1]) if found else 0.0

    def _ask(self, path: str) -> str | None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._health_port}{path}", timeout=5) as answer:
                return str(answer.read().decode()) or "-"
        except OSError:
            return None


def mixed(seconds: float) -> Plan:
    """Plan everything that can go wrong, for so long."""
    outages = [seconds * (number + 0.5) / OUTAGES for number in range(OUTAGES)]
    return Plan(
        seconds=seconds,
        rate=NODE_EVENTS_PER_SECOND,
        most_mb=MOST_MB,
        outages=tuple((begin, seconds * OUTAGE_SHARE) for begin in outages),
        restarts=tuple(seconds / 2 * (number + 1) / (RESTARTS + 1) for number in range(RESTARTS)),
    )


def soak(plan: Plan, seed: int, directory: Path, tell: Callable[[str], None]) -> Outcome:
    """Run a plan, then settle. `directory` must be empty; logs and the spool are in it."""
    dialects: list[Dialect] = [wire, wire, wire, ProtobufWire(json.loads(FIELD_MAP.read_text()), "FRAMELESS")]
    ledger, counted = Ledger(len(dialects)), Counter[str]()

    def accepted(queue: str, body: str) -> None:
        raw = body.encode()
        if queue == "quarantine":
            raw = b64decode(json.loads(body)["payload_base64"])
            counted["quarantined"] += 1
        for node, number in {(int(node), int(number)) for node, number in _NAME.findall(raw)}:
            ledger.arrive(node, number)

    dice = random.Random(seed)  # noqa: S311 - repeatable on purpose
    nodes: list[SoakNode] = []
    began = time.monotonic()
    with FaultyQueue(accepted, _away(plan, ledger), plan, seed) as queue:
        lives = ServerLives(directory, queue, plan.unacked_events)
        proxies = [
            Proxy(lives.port, partial(kind, dice), partial(_tell_nodes, nodes))
            for kind in (
                (_split, _merge, _delay, _plain) if plan.breaks_network else (_whole,) * len(dialects)
            )
        ]
        try:
            lives.start()
            for number, (dialect, proxy) in enumerate(zip(dialects, proxies, strict=True)):
                proxy.__enter__()
                obeys = number != 1
                most = plan.events // len(dialects)
                node = SoakNode(number, proxy.port, dialect, ledger, plan.rate, obeys=obeys, most=most)
                nodes.append(node)
                node.start()
            samples = _let_time_pass(plan, nodes, lives, ledger, tell)
            queue.is_faulty = bool(plan.events)
            for node in nodes:
                node.stop()
            _wait(lambda: all(node.is_settled for node in nodes) and not ledger.has_debts)
            seconds = time.monotonic() - began
            lives.stop()
            account = ledger.account()
            return Outcome(
                seconds=seconds,
                account=account,
                memory=judge(samples),
                samples=samples,
                rate=account.arrived / seconds,
                restarts=lives.life - 1,
                cuts=sum(proxy.cuts for proxy in proxies),
                sessions=sum(node.sessions for node in nodes),
                spooled=int(lives.spooled),
                quarantined=counted["quarantined"],
                fates=dict(sorted(queue.fates.items())),
                entries=dict(sorted(queue.entries.items())),
                most_mb=plan.most_mb,
                left_on_spool=lives.left_on_spool(),
                wrong_exits=lives.wrong_exits,
            )
        finally:
            for proxy in proxies:
                proxy.__exit__()
            lives.kill()


def _away(plan: Plan, ledger: Ledger) -> Callable[[], bool]:
    """Say at any time whether the queue is away."""
    began = time.monotonic()
    arrived, seconds = plan.outage
    begun: list[float] = []

    def is_away() -> bool:
        now = time.monotonic() - began
        if seconds and not begun and ledger.arrived_count() >= arrived:
            begun.append(now)
        spans = [*plan.outages, *((begin, seconds) for begin in begun)]
        return any(begin <= now < begin + span for begin, span in spans)

    return is_away


def _let_time_pass(
    plan: Plan, nodes: Sequence[SoakNode], lives: ServerLives, ledger: Ledger, tell: Callable[[str], None]
) -> list[Sample]:
    """Restart the server at its times; sample memory meanwhile, until every event has arrived."""
    began = time.monotonic()
    restarts = list(plan.restarts)
    samples: list[Sample] = []
    told = 0.0
    while (now := time.monotonic() - began) < plan.seconds:
        if all(node.is_finished for node in nodes) and not ledger.is_waiting:
            break
        if restarts and now >= restarts[0]:
            restarts.pop(0)
            lives.stop()
            lives.start()
        samples.append(Sample(now, lives.life, lives.resident_mb()))
        if now >= told:
            told = now + max(min(plan.seconds / 20, 10.0), 1.0)
            tell(
                f"{now:5.0f} s: {samples[-1].resident_mb:5.1f} MB, {ledger.arrived_count():,} events arrived"
            )
        time.sleep(SAMPLE_SECONDS)
    return samples


def _wait(condition: Callable[[], bool]) -> None:
    """Wait for the account to be settled; a debt is found by the account, not here."""
    try:
        until(condition, SETTLE_SECONDS)
    except TimeoutError:
        pass


def _tell_nodes(nodes: list[SoakNode], port: int, acknowledged: int) -> None:
    for node in nodes:
        if node.ended(port, acknowledged):
            return


def _split(dice: random.Random) -> Faults:
    return Faults(piece_bytes=dice.choice([97, 331, 1009]), cut_after_bytes=_place(dice))


def _merge(dice: random.Random) -> Faults:
    return Faults(hold_seconds=0.05, cut_after_bytes=_place(dice))


def _delay(dice: random.Random) -> Faults:
    return Faults(hold_seconds=dice.choice([0.2, 0.5]), cut_after_bytes=_place(dice))


def _whole(_: random.Random) -> Faults:
    return Faults()


def _plain(dice: random.Random) -> Faults:
    return Faults(cut_after_bytes=_place(dice))


def _place(dice: random.Random) -> int:
    """Where a connection is reset: after part of a second to a minute of writing."""
    return int(50_000 * 160 ** dice.random())


def report(outcome: Outcome) -> dict[str, Any]:
    """What `build/soak.json` has."""
    account, memory = outcome.account, outcome.memory
    step = max(len(outcome.samples) // 20, 1)
    return {
        "seconds": outcome.seconds,
        "written": account.written,
        "owed": account.owed,
        "arrived": account.arrived,
        "debts": len(account.debts),
        "first_debts": account.debts[:100],
        "repeated": account.repeated,
        "not_sent": account.not_sent,
        "quarantined": outcome.quarantined,
        "spooled": outcome.spooled,
        "left_on_spool": outcome.left_on_spool,
        "events_per_second": round(outcome.rate),
        "restarts": outcome.restarts,
        "sessions": outcome.sessions,
        "resets": outcome.cuts,
        "queue_calls": outcome.fates,
        "queue_entries": outcome.entries,
        "memory_mb": {
            "judged": memory.is_judged,
            "early": round(memory.early_mb, 1),
            "late": round(memory.late_mb, 1),
            "peak": round(memory.peak_mb, 1),
            "over_time": [[round(s.at_seconds), round(s.resident_mb, 1)] for s in outcome.samples[::step]],
        },
        "failures": outcome.failures,
    }
