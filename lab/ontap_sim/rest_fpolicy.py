"""The FPolicy part of the ONTAP REST interface. Source: ONTAP REST reference 13."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from lab.ontap_sim.cluster import Cluster
from lab.ontap_sim.fpolicy import FpolicyConfig, Record
from lab.ontap_sim.http import HttpRequest, HttpResponse
from lab.ontap_sim.rest_answer import body_of, collection, one, wrong_method
from lab.ontap_sim.rest_errors import RestError, invalid, not_found
from lab.ontap_sim.rest_query import Resource

_SVM_FIELDS = frozenset({"svm.uuid", "svm.name"})


def _fields(text: str) -> frozenset[str]:
    return frozenset(text.split())


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


class FpolicyRest:
    """Answer requests below /api/protocols/fpolicy."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    def answer(self, request: HttpRequest) -> HttpResponse:
        """Answer one request. Raises RestError."""
        match request.segments[3:]:
            case (svm_uuid, "connections", *names):
                return self._connections(request, svm_uuid, names)
            case (svm_uuid, kind, *names) if kind in _KINDS:
                return self._fpolicy(request, svm_uuid, kind, names)
        raise RestError(404, "4", f"No such path: {request.path}")

    def _fpolicy(self, request: HttpRequest, svm_uuid: str, kind: str, names: list[str]) -> HttpResponse:
        resource, records, create, change, delete = _KINDS[kind]
        match request.method, names:
            case "GET", []:
                found = [
                    self._shown(uuid, record)
                    for uuid in self._svm_uuids(svm_uuid)
                    for record in records(self._cluster.configs[uuid]).values()
                ]
                return collection(request, resource, found)
            case "GET", [name]:
                config = self._config(svm_uuid)
                record = records(config).get(name) or _raise(not_found(name))
                return one(request, resource, self._shown(svm_uuid, record))
            case "POST", []:
                try:
                    made = create(self._config(svm_uuid), body_of(request))
                finally:
                    self._cluster.apply(svm_uuid)  # 9765027 leaves a policy behind
                location = {"location": f"{request.path}/{quote(made['name'], safe='')}"}
                wanted = dict(request.query).get("return_records") == "true"
                body = {"num_records": 1, "records": [self._shown(svm_uuid, made)]} if wanted else {}
                return HttpResponse(201, body, location)
            case "PATCH", [name]:
                try:
                    change(self._config(svm_uuid), name, body_of(request))
                finally:
                    self._cluster.apply(svm_uuid)  # 9765029 leaves a changed policy behind
                return HttpResponse(200, {})
            case "DELETE", [name]:
                delete(self._config(svm_uuid), name)
                self._cluster.apply(svm_uuid)
                return HttpResponse(200, {})
        raise wrong_method(request)

    def _connections(self, request: HttpRequest, svm_uuid: str, names: list[str]) -> HttpResponse:
        found = [
            record for uuid in self._svm_uuids(svm_uuid) for record in self._cluster.connection_records(uuid)
        ]
        match request.method, names:
            case "GET", []:
                return collection(request, _CONNECTION, found)
            case "GET", [node, policy, server]:
                keys = (node, policy, server)
                for record in found:
                    if (record["node"]["uuid"], record["policy"]["name"], record["server"]) == keys:
                        return one(request, _CONNECTION, record)
                raise not_found("/".join(keys))
            case "PATCH", [node, policy, server]:
                self._config(svm_uuid)
                connection = self._cluster.connection(svm_uuid, node, policy, server)
                body = body_of(request)
                if set(body) != {"state"} or body["state"] not in ("connected", "disconnected"):
                    raise invalid("state", body.get("state"), "connected|disconnected")
                if body["state"] == "connected":
                    connection.dial()
                else:
                    connection.stop("FPolicy server was disconnected by an administrator.")
                return HttpResponse(200, {})
        raise wrong_method(request)

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


def _raise(error: RestError) -> Any:
    raise error
