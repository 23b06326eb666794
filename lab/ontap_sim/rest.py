"""The ONTAP REST interface, as far as the product needs it: cluster, SVMs, volumes, FPolicy.

Source: ONTAP REST reference 2 to 5 (authentication, requests, errors, pages), 8, 10, 11 and 13.
"""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

from lab.ontap_sim.cluster import Cluster
from lab.ontap_sim.fpolicy import FpolicyConfig, Record
from lab.ontap_sim.http import HttpRequest, HttpResponse
from lab.ontap_sim.rest_errors import RestError, invalid, not_found
from lab.ontap_sim.rest_query import Resource, page, trim
from lab.ontap_sim.volume import VolumeContent

_SVM_FIELDS = frozenset({"svm.uuid", "svm.name"})


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
_ENGINE = Resource(
    _SVM_FIELDS
    | _fields(
        "name primary_servers secondary_servers port type format ssl_option keep_alive_interval "
        "status_request_interval session_timeout request_cancel_timeout request_abort_timeout "
        "server_progress_timeout max_server_requests max_connection_retries buffer_size.send_buffer "
        "buffer_size.recv_buffer"
    ),
    ("svm.uuid", "name"),
)
_EVENT = Resource(
    _SVM_FIELDS | _fields("name protocol file_operations filters volume_monitoring monitor_fileop_failure"),
    ("svm.uuid", "name"),
)
_STORE = Resource(_SVM_FIELDS | _fields("name volume size autosize_mode"), ("svm.uuid", "name"))
_POLICY = Resource(
    _SVM_FIELDS
    | _fields(
        "name enabled priority engine.name events mandatory persistent_store passthrough_read "
        "allow_privileged_access privileged_user scope"
    ),
    ("svm.uuid", "name"),
)
_CONNECTION_KEYS = ("svm.uuid", "node.uuid", "policy.name", "server")
_CONNECTION = Resource(
    _SVM_FIELDS
    | _fields(
        "node.uuid node.name policy.name server type state disconnected_reason.code "
        "disconnected_reason.message session_uuid update_time"
    ),
    _CONNECTION_KEYS,
)

Create = Callable[[FpolicyConfig, Mapping[str, Any]], Record]
Change = Callable[[FpolicyConfig, str, Mapping[str, Any]], None]
Delete = Callable[[FpolicyConfig, str], None]
Records = Callable[[FpolicyConfig], dict[str, Record]]

_KINDS: Mapping[str, tuple[Resource, Records, Create, Change, Delete]] = {
    "engines": (
        _ENGINE,
        lambda config: config.engines,
        FpolicyConfig.create_engine,
        FpolicyConfig.change_engine,
        FpolicyConfig.delete_engine,
    ),
    "events": (
        _EVENT,
        lambda config: config.events,
        FpolicyConfig.create_event,
        FpolicyConfig.change_event,
        FpolicyConfig.delete_event,
    ),
    "persistent-stores": (
        _STORE,
        lambda config: config.stores,
        FpolicyConfig.create_store,
        FpolicyConfig.change_store,
        FpolicyConfig.delete_store,
    ),
    "policies": (
        _POLICY,
        lambda config: config.policies,
        FpolicyConfig.create_policy,
        FpolicyConfig.change_policy,
        FpolicyConfig.delete_policy,
    ),
}


class Rest:
    """Answer requests below /api."""

    def __init__(self, cluster: Cluster, volumes: list[VolumeContent], username: str, password: str) -> None:
        self._cluster = cluster
        self._volumes = volumes
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
                return self._object(request, _CLUSTER, self._cluster_record(request))
            case ("api", "svm", "svms"):
                return self._collection(request, _SVM, self._svm_records())
            case ("api", "storage", "volumes"):
                return self._collection(request, _VOLUME, self._volume_records())
            case ("api", "storage", "volumes", uuid):
                found = next((item for item in self._volume_records() if item["uuid"] == uuid), None)
                return self._object(request, _VOLUME, found or _raise(not_found(f"volume {uuid}")))
            case ("api", "protocols", "fpolicy", svm_uuid, "connections", *rest):
                return self._connections(request, svm_uuid, rest)
            case ("api", "protocols", "fpolicy", svm_uuid, kind, *names) if kind in _KINDS:
                return self._fpolicy(request, svm_uuid, kind, names)
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

    # FPolicy -----------------------------------------------------------------------------------------

    def _fpolicy(self, request: HttpRequest, svm_uuid: str, kind: str, names: list[str]) -> HttpResponse:
        resource, records, create, change, delete = _KINDS[kind]
        match request.method, names:
            case "GET", []:
                found = [
                    self._shown(uuid, record)
                    for uuid in self._svm_uuids(svm_uuid)
                    for record in records(self._cluster.configs[uuid]).values()
                ]
                return self._collection(request, resource, found)
            case "GET", [name]:
                config = self._config(svm_uuid)
                record = records(config).get(name) or _raise(not_found(name))
                return self._object(request, resource, self._shown(svm_uuid, record))
            case "POST", []:
                try:
                    made = create(self._config(svm_uuid), _json(request))
                finally:
                    self._cluster.apply(svm_uuid)  # 9765027 leaves a policy behind
                location = {"location": f"{request.path}/{quote(made['name'], safe='')}"}
                wanted = dict(request.query).get("return_records") == "true"
                body = {"num_records": 1, "records": [self._shown(svm_uuid, made)]} if wanted else {}
                return HttpResponse(201, body, location)
            case "PATCH", [name]:
                try:
                    change(self._config(svm_uuid), name, _json(request))
                finally:
                    self._cluster.apply(svm_uuid)  # 9765029 leaves a changed policy behind
                return HttpResponse(200, {})
            case "DELETE", [name]:
                delete(self._config(svm_uuid), name)
                self._cluster.apply(svm_uuid)
                return HttpResponse(200, {})
        raise RestError(405, "3", f"{request.method} is not allowed on {request.path}")

    def _connections(self, request: HttpRequest, svm_uuid: str, names: list[str]) -> HttpResponse:
        found = [
            record for uuid in self._svm_uuids(svm_uuid) for record in self._cluster.connection_records(uuid)
        ]
        match request.method, names:
            case "GET", []:
                return self._collection(request, _CONNECTION, found)
            case "GET", [node, policy, server]:
                keys = (node, policy, server)
                for record in found:
                    if (record["node"]["uuid"], record["policy"]["name"], record["server"]) == keys:
                        return self._object(request, _CONNECTION, record)
                raise not_found("/".join(keys))
            case "PATCH", [node, policy, server]:
                self._config(svm_uuid)
                connection = self._cluster.connection(svm_uuid, node, policy, server)
                body = _json(request)
                if set(body) != {"state"} or body["state"] not in ("connected", "disconnected"):
                    raise invalid("state", body.get("state"), "connected|disconnected")
                if body["state"] == "connected":
                    connection.dial()
                else:
                    connection.stop("FPolicy server was disconnected by an administrator.")
                return HttpResponse(200, {})
        raise RestError(405, "3", f"{request.method} is not allowed on {request.path}")

    def _config(self, svm_uuid: str) -> FpolicyConfig:
        return self._cluster.configs.get(svm_uuid) or _raise(not_found(f"SVM {svm_uuid}"))

    def _svm_uuids(self, svm_uuid: str) -> list[str]:
        if svm_uuid == "*":
            return list(self._cluster.svms)
        self._config(svm_uuid)
        return [svm_uuid]

    def _shown(self, svm_uuid: str, record: Record) -> Record:
        """Show a record as GET does: with its SVM, without empty and false members of maps."""
        shown = {name: value for name, value in record.items() if value not in ([], {})}
        for name in ("file_operations", "filters"):
            if name in shown:
                shown[name] = {key: True for key, value in record[name].items() if value}
        svm = self._cluster.svms[svm_uuid]
        return {"svm": {"uuid": svm.uuid, "name": svm.name}} | shown

    # answers -----------------------------------------------------------------------------------------

    def _object(self, request: HttpRequest, resource: Resource, record: Record) -> HttpResponse:
        if request.method != "GET":
            raise RestError(405, "3", f"{request.method} is not allowed on {request.path}")
        wanted = dict(request.query).get("fields", "*")
        body = trim(record, resource.chosen(wanted))
        return HttpResponse(200, body | _self_link(request))

    def _collection(
        self, request: HttpRequest, resource: Resource, records: Iterator[Record] | list[Record]
    ) -> HttpResponse:
        if request.method != "GET":
            raise RestError(405, "3", f"{request.method} is not allowed on {request.path}")
        links = bool(_self_link(request))
        return HttpResponse(200, page(resource, records, request.path, request.query, links=links))


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


def _self_link(request: HttpRequest) -> Record:
    if request.headers.get("accept") == "application/json":
        return {}  # plain JSON has no links but the next page's
    return {"_links": {"self": {"href": request.path}}}


def _json(request: HttpRequest) -> dict[str, Any]:
    try:
        body = json.loads(request.body or b"{}")
    except ValueError as exc:
        raise RestError(400, "262199", f"The body is not JSON: {exc}") from exc
    if not isinstance(body, dict):
        raise RestError(400, "262199", "The body is not a JSON object.")
    body.pop("svm", None)  # may name the SVM of the path again
    return body


def _raise(error: RestError) -> Any:
    raise error
