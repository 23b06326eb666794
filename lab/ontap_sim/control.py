"""The control interface: plain HTTP on loopback, for the demo and for tests."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from lab.ontap_sim.http import HttpRequest, HttpResponse
from lab.ontap_sim.model import SimError
from lab.ontap_sim.requests import parse
from lab.ontap_sim.simulator import Simulator
from lab.ontap_sim.storm import Storm


class Control:
    """Answer GET /status, and POST of the rest.

    /operations, /storm, /snapshot, /mark, /node/{n}/restart, /svm/{name}/start, /svm/{name}/stop,
    /switches (`Cluster.switch`), /fpolicy/{svm}/fail (`FpolicyConfig.fail_partly`), /fsx/{action}
    (`FsxFace.control`), and what `Management.control` knows.
    """

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    async def handle(self, request: HttpRequest) -> HttpResponse:
        """Answer one request; what the caller did wrong is 400 with the reason."""
        try:
            return HttpResponse(200, await self._route(request))
        except (SimError, ValueError, TypeError, KeyError) as exc:
            return HttpResponse(400, {"error": f"{type(exc).__name__}: {exc}"})

    async def _route(self, request: HttpRequest) -> Mapping[str, Any]:
        simulator = self._simulator
        match request.method, *request.segments:
            case ["GET", "status"]:
                return simulator.status()
            case ["POST", "operations"]:
                return await self._operations(json.loads(request.body))
            case ["POST", "storm"]:
                return await self._storm(json.loads(request.body))
            case ["POST", "snapshot"]:
                return {"files": await simulator.snapshot()}
            case ["POST", "mark"]:
                simulator.mark(str(json.loads(request.body)["event"]))
                return {}
            case ["POST", "node", number, "restart"]:
                simulator.cluster.restart(int(number), **json.loads(request.body or b"{}"))
                return {}
            case ["POST", "svm", name, ("start" | "stop") as action]:
                simulator.cluster.set_running(name, running=action == "start")
                return {}
            case ["POST", "switches"]:
                simulator.cluster.switch(json.loads(request.body))
                return {}
            case ["POST", "fpolicy", svm, "fail"]:
                simulator.cluster.config_of(svm).fail_partly(**json.loads(request.body))
                return {}
            case ["POST", "fsx", action]:
                return await simulator.fsx.control(action, json.loads(request.body or b"{}"))
        body = json.loads(request.body or b"{}")
        return simulator.management.control(request.method, request.segments, dict(request.query), body)

    async def _operations(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        config, volume = self._simulator.config, self._simulator.default_volume()
        wanted = [
            parse(entry, config.default_client, config.default_protocol, volume)
            for entry in body["operations"]
        ]
        await self._simulator.look()  # what others did before comes first, also in the ledger
        return {"operations": await self._simulator.perform(wanted)}

    async def _storm(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """Run a storm; with "wait": false answer at once and let it run on."""
        settings = dict(body)
        wait = settings.pop("wait", True)
        storm = Storm.parse(settings, self._simulator.default_volume())
        task = self._simulator.background(self._simulator.storm(storm))
        return {"operations": await task} if wait else {"running": True}
