"""The ONTAP REST interface, as far as the product needs it: cluster, SVMs, volumes, FPolicy.

Source: ONTAP REST reference 2 to 5 (authentication, requests, errors, pages), 8, 10, 11 and 13.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Iterator
from typing import Any

from lab.ontap_sim.cluster import Cluster
from lab.ontap_sim.fpolicy_fields import Record
from lab.ontap_sim.http import HttpRequest, HttpResponse
from lab.ontap_sim.rest_answer import collection, one
from lab.ontap_sim.rest_errors import RestError, not_found
from lab.ontap_sim.rest_fpolicy import FpolicyRest
from lab.ontap_sim.rest_query import Resource
from lab.ontap_sim.volume import VolumeContent


def _fields(text: str) -> frozenset[str]:
    return frozenset(text.split())


_CLUSTER = Resource(
    _fields("name uuid version.full version.generation version.major version.minor timezone.name"),
    ("name", "uuid", "version.full", "version.generation", "version.major", "version.minor"),
)
_SVM = Resource(_fields("uuid name state subtype max_volumes"), ("uuid", "name"))
_VOLUME_EXPENSIVE = _fields("space.percent_used nas.path snaplock.type is_svm_root")
_VOLUME = Resource(
    _fields("uuid name msid svm.name svm.uuid state type style size space.size space.used space.available")
    | _VOLUME_EXPENSIVE,
    ("uuid", "name"),
    _VOLUME_EXPENSIVE,
)


class Rest:
    """Answer requests below /api."""

    def __init__(self, cluster: Cluster, volumes: list[VolumeContent], username: str, password: str) -> None:
        self._cluster = cluster
        self._volumes = volumes
        self._fpolicy = FpolicyRest(cluster)
        self._credentials = base64.b64encode(f"{username}:{password}".encode()).decode()

    async def handle(self, request: HttpRequest) -> HttpResponse:
        """Answer one request; errors become error bodies."""
        try:
            self._authenticate(request)
            return self._route(request)
        except RestError as exc:
            return HttpResponse(exc.status, exc.body())

    def _authenticate(self, request: HttpRequest) -> None:
        """Check HTTP Basic; every request carries it, there are no sessions."""
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if scheme != "Basic" or not hmac.compare_digest(given.encode(), self._credentials.encode()):
            raise RestError(401, "6691623", "User is not authorized.")

    def _route(self, request: HttpRequest) -> HttpResponse:
        match request.segments:
            case ("api", "cluster"):
                return one(request, _CLUSTER, self._cluster_record(request))
            case ("api", "svm", "svms"):
                return collection(request, _SVM, self._svm_records())
            case ("api", "storage", "volumes"):
                return collection(request, _VOLUME, self._volume_records())
            case ("api", "storage", "volumes", uuid):
                found = next((item for item in self._volume_records() if item["uuid"] == uuid), None)
                return one(request, _VOLUME, found or _raise(not_found(f"volume {uuid}")))
            case ("api", "protocols", "fpolicy", *_):
                return self._fpolicy.answer(request)
        raise RestError(404, "4", f"No such path: {request.path}")

    # records -----------------------------------------------------------------------------------------

    def _cluster_record(self, request: HttpRequest) -> Record:
        if dict(request.query).get("fields") == "*":
            raise RestError(400, "262220", "Wildcard fields are not allowed on /api/cluster.")
        return {
            "name": self._cluster.name,
            "uuid": self._cluster.uuid,
            "version": {
                "full": "NetApp Release 9.17.1: simulated",
                "generation": 9,
                "major": 17,
                "minor": 1,
            },
            "timezone": {"name": "Etc/UTC"},
        }

    def _svm_records(self) -> Iterator[Record]:
        for svm in self._cluster.svms.values():
            yield {"uuid": svm.uuid, "name": svm.name, "state": "running", "subtype": "default"}

    def _volume_records(self) -> Iterator[Record]:
        for content in self._volumes:
            volume = content.volume
            record = _volume_record(volume.name, volume.uuid, content.size_bytes, content.used_bytes())
            svm = {"name": volume.svm.name, "uuid": volume.svm.uuid}
            yield record | {"msid": volume.msid, "svm": svm, "nas": {"path": volume.junction_path}}
        for svm_uuid, store in self._cluster.stores.items():  # made by ONTAP itself, not mounted
            uuid = f"{svm_uuid[:-12]}{store.volume.encode().hex():0>12.12}"
            record = _volume_record(store.volume, uuid, store.size_bytes, store.used_bytes)
            svm = {"name": self._cluster.svms[svm_uuid].name, "uuid": svm_uuid}
            yield record | {"svm": svm}


def _volume_record(name: str, uuid: str, size: int, used: int) -> Record:
    return {
        "uuid": uuid,
        "name": name,
        "state": "online",
        "type": "rw",
        "style": "flexvol",
        "size": size,
        "space": {
            "size": size,
            "used": used,
            "available": max(size - used, 0),
            "percent_used": used * 100 // size,
        },
        "snaplock": {"type": "non_snaplock"},
        "is_svm_root": False,
    }


def _raise(error: RestError) -> Any:
    raise error
