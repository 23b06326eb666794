"""Run the simulator: `python -m lab.ontap_sim --config FILE.json`.

When everything listens, one JSON line on standard output says where. SIGTERM or SIGINT end it with status 0,
with `--with-stdin` the end of its standard input does too; a configuration that cannot be used ends it with
status 2 and one line.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lab.ontap_sim import config, http
from lab.ontap_sim.control import Control
from lab.ontap_sim.model import SimError
from lab.ontap_sim.simulator import Simulator

_LOOPBACK = "127.0.0.1"


def main() -> int:
    """Read the command line and run until a signal."""
    parser = argparse.ArgumentParser(prog="python -m lab.ontap_sim", description="Simulated FSx for ONTAP.")
    parser.add_argument("--config", type=Path, required=True, help="JSON file, see README.md of this folder")
    parser.add_argument("--with-stdin", action="store_true", help="end when standard input does")
    arguments = parser.parse_args()
    try:
        data = json.loads(arguments.config.read_text())
        asyncio.run(_run(config.load(data), with_stdin=arguments.with_stdin))
    except (SimError, OSError, ValueError, KeyError, TypeError) as exc:
        print(f"ontap_sim: {type(exc).__name__}: {exc}", file=sys.stderr)
        return 2
    return 0


async def _run(settings: config.Config, *, with_stdin: bool) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    if with_stdin:

        def read() -> None:
            if not os.read(sys.stdin.fileno(), 1024):
                loop.remove_reader(sys.stdin.fileno())
                stopped.set()

        loop.add_reader(sys.stdin.fileno(), read)
    simulator = Simulator(settings)
    try:
        faces = await simulator.start()
        management = simulator.management
        rest, tls, opened = management.rest, management.presented.context, management.connections
        control = Control(simulator)
        rest_server = await http.serve(rest.endpoint(), _LOOPBACK, 0, tls, opened)
        svm_servers = {
            svm.name: await http.serve(rest.endpoint(svm.uuid, svm.name), _LOOPBACK, 0, tls, opened)
            for svm in settings.svms
        }
        control_server = await http.serve(control.handle, _LOOPBACK, 0, None)
        fsx_server = await http.serve(simulator.fsx.handle, _LOOPBACK, settings.file_system.port, None)
        ready = {
            "rest": f"https://{_LOOPBACK}:{_port(rest_server)}",
            "svm_rest": {
                name: f"https://{_LOOPBACK}:{_port(server)}" for name, server in svm_servers.items()
            },
            "control": f"http://{_LOOPBACK}:{_port(control_server)}",
            "fsx": f"http://{_LOOPBACK}:{_port(fsx_server)}",
            "file_system_id": settings.file_system.id,
            "certificate": str(management.presented.path),
            "username": settings.username,
            "password": settings.password,
            "ledger": str(settings.ledger),
            "access_points": faces,
            "volumes": [_volume(content) for content in simulator.volumes],
        }
        print(json.dumps(ready), flush=True)
        stop = loop.create_task(stopped.wait())
        await asyncio.wait({stop, simulator.watching}, return_when=asyncio.FIRST_COMPLETED)
        if simulator.watching.done():
            simulator.watching.result()  # raises: a simulator that no longer sees its volumes must not go on
        for server in (rest_server, control_server, fsx_server, *svm_servers.values()):
            server.close()
    finally:
        await simulator.close()


def _port(server: asyncio.Server) -> int:
    return int(server.sockets[0].getsockname()[1])


def _volume(content: Any) -> Mapping[str, object]:
    volume = content.volume
    return {
        "svm": volume.svm.name,
        "svm_uuid": volume.svm.uuid,
        "name": volume.name,
        "uuid": volume.uuid,
        "msid": volume.msid,
        "junction_path": volume.junction_path,
        "directory": str(volume.directory),
    }


if __name__ == "__main__":
    sys.exit(main())
