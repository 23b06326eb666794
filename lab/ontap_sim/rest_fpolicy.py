"""The FPolicy part of the ONTAP REST interface. Source: ONTAP REST reference 13."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from lab.ontap_sim.cluster import Cluster
from lab.ontap_sim.fpolicy import FpolicyConfig, shown
from lab.ontap_sim.fpolicy_fields import Record
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
        "buffer_size.recv_buffer certificate resiliency.enabled resiliency.directory_path "
        "resiliency.retention_duration"
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
_WHOLE = Resource(_SVM_FIELDS | _fields("engines events persistent_stores policies"), ("svm.uuid",))
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
Records = Callable[[FpolicyConfig], dict[str, Record]]  # what can be read by name
Listed = Callable[[FpolicyConfig], Iterable[Record]]  # what the collection shows

_KINDS: Mapping[str, tuple[Resource, Records, Listed, Create, Change, Delete]] = {
    "engines": (
        _ENGINE,
        lambda config: config.engines,
        lambda config: [*config.engines.values(), *config.cluster_engines.values()],
        FpolicyConfig.create_engine,
        FpolicyConfig.change_engine,
        FpolicyConfig.delete_engine,
    ),
    "events": (
        _EVENT,
        lambda config: config.events,
        lambda config: config.events.values(),
        FpolicyConfig.create_event,
        FpolicyConfig.change_event,
        FpolicyConfig.delete_event,
    ),
    "persistent-stores": (
        _STORE,
        lambda config: config.stores,
        lambda config: config.stores.values(),
        FpolicyConfig.create_store,
        FpolicyConfig.change_store,
        FpolicyConfig.delete_store,
    ),
    "policies": (
        _POLICY,
        lambda config: config.policies,
        lambda config: [*config.policies.values(), *config.cluster_policies.values()],
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
            case ():
                return self._every_svm(request)
            case (svm_uuid,):
                return self._one_svm(request, svm_uuid)
            case (svm_uuid, "connections", *names):
                return self._connections(request, svm_uuid, names)
            case (svm_uuid, kind, *names) if kind in _KINDS:
                return self._fpolicy(request, svm_uuid, kind, names)
        raise RestError(404, "4", f"No such path: {request.path}")

    def _every_svm(self, request: HttpRequest) -> HttpResponse:
        if request.method != "POST":
            return collection(request, _WHOLE, [self._whole(uuid) for uuid in self._cluster.svms])
        named = body_of(request, keep_svm=True).get("svm", {})
        for svm in self._cluster.svms.values():
            if named and named in (
                {"name": svm.name},
                {"uuid": svm.uuid},
                {"name": svm.name, "uuid": svm.uuid},
            ):
                with self._applied(svm.uuid) as config:
                    config.create_all(body_of(request))
                return HttpResponse(201, {}, {"location": f"{request.path}/{svm.uuid}"})
        raise invalid("svm", named, "name or uuid of an SVM")

    def _one_svm(self, request: HttpRequest, svm_uuid: str) -> HttpResponse:
        self._config(svm_uuid)
        if request.method != "DELETE":
            return one(request, _WHOLE, self._whole(svm_uuid))
        with self._applied(svm_uuid) as config:
            config.delete_all()
        return HttpResponse(200, {})

    def _whole(self, svm_uuid: str) -> Record:
        config = self._config(svm_uuid)
        parts: Record = {
            "engines": [shown(record) for record in config.engines.values()],
            "events": [shown(record) for record in config.events.values()],
            "persistent_stores": [shown(record) for record in config.stores.values()],
            "policies": [shown(record) for record in config.policies.values()],
        }
        return self._shown(svm_uuid, parts)

    @contextmanager
    def _applied(self, svm_uuid: str) -> Iterator[FpolicyConfig]:
        """Let a change take effect, also one that failed half way (9765027 and its like)."""
        try:
            yield self._config(svm_uuid)
        finally:
            if svm_uuid in self._cluster.configs:
                self._cluster.apply(svm_uuid)

    def _fpolicy(self, request: HttpRequest, svm_uuid: str, kind: str, names: list[str]) -> HttpResponse:
        resource, records, listed, create, change, delete = _KINDS[kind]
        match request.method, names:
            case "GET", []:
                found = [
                    self._shown(uuid, record)
                    for uuid in self._svm_uuids(svm_uuid)
                    for record in listed(self._cluster.configs[uuid])
                ]
                return collection(request, resource, found)
            case "GET", [name]:
                config = self._config(svm_uuid)
                record = records(config).get(name) or _raise(not_found(name))
                return one(request, resource, self._shown(svm_uuid, record))
            case "POST", []:
                with self._applied(svm_uuid) as config:
                    made = create(config, body_of(request))
                location = {"location": f"{request.path}/{quote(made['name'], safe='')}"}
                wanted = dict(request.query).get("return_records") == "true"
                body = {"num_records": 1, "records": [self._shown(svm_uuid, made)]} if wanted else {}
                return HttpResponse(201, body, location)
            case "PATCH", [name]:
                with self._applied(svm_uuid) as config:
                    change(config, name, body_of(request))
                return HttpResponse(200, {})
            case "DELETE", [name]:
                with self._applied(svm_uuid) as config:
                    delete(config, name)
                return HttpResponse(200, {})
        raise wrong_method(request)

    def _connections(self, request: HttpRequest, svm_uuid: str, names: list[str]) -> HttpResponse:
        found = [
            record for uuid in self._svm_uuids(svm_uuid) for record in self._cluster.connection_records(uuid)
        ]
        request, passthrough = _without_passthrough(request)
        if passthrough:
            found = []  # the channels of passthrough-read, which the simulator does not have (13.5)
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
        """Show a record with its SVM, as GET does."""
        svm = self._cluster.svms[svm_uuid]
        return {"svm": {"uuid": svm.uuid, "name": svm.name}} | shown(record)


def _without_passthrough(request: HttpRequest) -> tuple[HttpRequest, bool]:
    query = dict(request.query)
    wanted = query.pop("passthrough_read", "false")
    return replace(request, query=tuple(query.items())), wanted == "true"


def _raise(error: RestError) -> Any:
    raise error
