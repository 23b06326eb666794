"""The process: settings, clients, listener, signals, health, metrics, and how it ends."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NoReturn

from botocore.exceptions import BotoCoreError, ClientError
from fsxn_runtime.edge.clients import client
from fsxn_runtime.edge.clock import now_us
from fsxn_runtime.edge.log import logger, set_level
from fsxn_runtime.edge.metrics import Emf
from fsxn_runtime.errors import MisconfiguredError, TransientError

from fpolicy_server import health, inspect, statistics
from fpolicy_server.delivery import SqsQueue, sqs_service
from fpolicy_server.framing import MAX_MESSAGE_BYTES
from fpolicy_server.publish import prometheus_text, publish_emf
from fpolicy_server.server import Server
from fpolicy_server.settings import Settings, field_map_of, health_address
from fpolicy_server.statistics import Statistics
from fpolicy_server.tls import TlsKeeper, make_context
from fpolicy_server.volume_keeper import VolumeKeeper

EXIT_WRONG_USE: Final = 2
EXIT_NOT_UNDERSTOOD: Final = 1  # inspect: no framing fits
FIRST_MAP_SECONDS: Final = 10.0  # the start waits so long for the volume map, then goes on without


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; give the exit status."""
    parser = argparse.ArgumentParser(prog="fpolicy-server", description=__doc__)
    parser.add_argument("command", nargs="?", choices=["run", "healthcheck", "inspect"], default="run")
    parser.add_argument("file", nargs="?", type=Path, help="inspect: the captured bytes of one connection")
    parser.add_argument("--check", action="store_true", help="check the settings and stop")
    parser.add_argument("--ready", action="store_true", help="healthcheck: ask /readyz instead of /livez")
    options = parser.parse_args(arguments)
    try:
        if options.command == "healthcheck":
            is_well = health.ask(health_address(os.environ), "/readyz" if options.ready else "/livez")
            return 0 if is_well else 1
        if options.command == "inspect":
            return _inspect(options.file)
        settings = Settings.from_env(os.environ)
        if options.check:
            if settings.tls:
                make_context(settings.tls)
            if settings.spool:
                _check_writable("FPOLICY_SPOOL_DIR", settings.spool.directory)
            if settings.capture_dir:
                made = settings.capture_dir if settings.capture_dir.exists() else settings.capture_dir.parent
                _check_writable("FPOLICY_CAPTURE_DIR", made)
            sys.stdout.write("fpolicy-server: the settings are right\n")
            return 0
        set_level(settings.log_level)
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(_run(settings))
    except MisconfiguredError as exc:
        sys.stderr.write(f"fpolicy-server: {exc}\n")
        return EXIT_WRONG_USE
    return 0


def _check_writable(name: str, directory: Path) -> None:
    if not directory.is_dir() or not os.access(directory, os.W_OK | os.X_OK):
        raise MisconfiguredError(
            f"{name} is {directory}; it must be a directory that this user may write",
            code="wrong_setting",
        )


def _inspect(path: Path | None) -> int:
    if path is None:
        raise MisconfiguredError("inspect needs a FILE of captured bytes", code="wrong_use")
    data = inspect.read_capture(path)
    found = inspect.readings(data, MAX_MESSAGE_BYTES)
    field_map = field_map_of(os.environ)
    sys.stdout.writelines(f"{line}\n" for line in inspect.report(data, found, field_map))
    return 0 if found[0].understood else EXIT_NOT_UNDERSTOOD


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:  # a platform without it gets the standard loop, with the same behaviour
        return None
    return uvloop.new_event_loop


async def _run(settings: Settings) -> None:
    """Serve until a signal comes, then end in order and by that signal."""
    loop = asyncio.get_running_loop()
    log = logger("fpolicy-server")
    counters = Statistics()
    stop: asyncio.Future[signal.Signals] = loop.create_future()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, _stop_once, stop, signum)
    volumes = VolumeKeeper(
        fetcher(settings.volume_map),
        settings.volume_map_refresh_seconds,
        on_failure=lambda: counters.count(statistics.VOLUME_MAP_FAILURES),
        log=log,
    )
    sqs = sqs_service(time.time, log)
    server = Server(
        settings,
        SqsQueue(settings.queue_url, sqs.call),
        SqsQueue(settings.quarantine_url, sqs.call),
        volumes,
        TlsKeeper(settings.tls, lambda: counters.count(statistics.CERTIFICATE_FAILURES), log),
        counters,
        now_us,
        log,
    )
    began = loop.time()
    emf = Emf(settings.metric_namespace)

    def condition() -> health.Condition:
        return health.Condition(
            is_listening=server.is_listening,
            is_stopping=stop.done(),
            has_had_session=server.has_had_session,
            age_seconds=loop.time() - began,
        )

    def gauges() -> dict[str, float]:
        return {
            statistics.OPEN: server.active_sessions,
            statistics.UNACKED: server.accounting.count + server.unacked_on_disk,
            statistics.SPOOL_BYTES: server.spool_bytes,
        }

    def publish() -> None:
        peak, counters.peak_unacked = counters.peak_unacked, server.accounting.count
        changing = {
            statistics.UNACKED: float(peak + server.unacked_on_disk),
            statistics.REPLAY_TIME: server.take_replay_seconds(),
        }
        publish_emf(emf, counters, {**gauges(), **changing}, server.source_gauges())

    async def publish_regularly() -> None:
        while True:
            await asyncio.sleep(settings.metrics_interval_seconds)
            publish()

    try:
        endpoint = await health.serve(
            settings.health_listen,
            condition,
            lambda: prometheus_text(counters, gauges(), server.source_gauges()),
        )
        await asyncio.wait([asyncio.ensure_future(volumes.refresh())], timeout=FIRST_MAP_SECONDS)
        server.listen()
    except OSError as exc:
        raise MisconfiguredError(
            f"cannot listen on {settings.listen} with health on {settings.health_listen}: {exc}",
            code="cannot_listen",
        ) from exc
    async with asyncio.TaskGroup() as tasks:  # a task that dies takes the process along, visibly
        for work in (server.tick(), server.overflow(), volumes.run(), publish_regularly()):
            tasks.create_task(work)
        signum = await stop
        log.info("server.stopping", signal=signum.name)
        await server.drain()
        publish()
        endpoint.close()
        _end_by(signum)


def _stop_once(stop: asyncio.Future[signal.Signals], signum: signal.Signals) -> None:
    if not stop.done():  # a second signal does not shorten the shutdown; its deadline does
        stop.set_result(signum)


def _end_by(signum: signal.Signals) -> NoReturn:
    """End by the signal that asked for it, so that whoever waits sees why.

    At once, because a thread that reads the volume map could hold up an ordinary exit.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    signal.signal(signum, signal.SIG_DFL)
    signal.raise_signal(signum)
    # Only the first process of a container comes here: the kernel spares it from its own signals.
    os._exit(128 + signum)


def fetcher(location: str) -> Callable[[], bytes] | None:
    """Give the blocking call that reads the volume map, or None when there is none."""
    if not location:
        return None
    if not location.startswith("s3://"):
        return Path(location).read_bytes
    bucket, _, key = location.removeprefix("s3://").partition("/")

    def fetch() -> bytes:
        try:
            data: bytes = client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
        except (ClientError, BotoCoreError) as exc:
            raise TransientError(f"{location}: {exc}", code="volume_map_unreadable") from exc
        return data

    return fetch


if __name__ == "__main__":
    sys.exit(main())
