"""FPolicy over REST: whole configurations, engines, events, persistent stores, policies, connections.

Source: ONTAP REST reference 13.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from lab.ontap_sim.cluster import Cluster
from lab.ontap_sim.fpolicy import FpolicyConfig, shown
from lab.ontap_sim.fpolicy_fields import Record
from lab.ontap_sim.rest_engine import Call, Collection, Made
from lab.ontap_sim.rest_errors import invalid, not_found
from lab.ontap_sim.rest_query import Resource, get

_KEYS = "svm.uuid name"
_ENGINE = Resource.of(
    "svm.name primary_servers secondary_servers port type format ssl_option keep_alive_interval "
    "status_request_interval session_timeout request_cancel_timeout request_abort_timeout "
    "server_progress_timeout max_server_requests max_connection_retries buffer_size.send_buffer "
    "buffer_size.recv_buffer certificate resiliency.enabled resiliency.directory_path "
    "resiliency.retention_duration",
    _KEYS,
)
_EVENT = Resource.of(
    "svm.name protocol file_operations filters volume_monitoring monitor_fileop_failure", _KEYS
)
_STORE = Resource.of("svm.name volume size autosize_mode", _KEYS)
_POLICY = Resource.of(
    "svm.name enabled priority engine.name events mandatory persistent_store passthrough_read "
    "allow_privileged_access privileged_user scope",
    _KEYS,
)
_WHOLE = Resource.of("svm.name engines events persistent_stores policies", "svm.uuid")
_CONNECTION = Resource.of(
    "svm.name node.name type state disconnected_reason.code disconnected_reason.message session_uuid "
    "update_time",
    "svm.uuid node.uuid policy.name server",
    "passthrough_read",
)

Create = Callable[[FpolicyConfig, Mapping[str, Any]], Record]
Change = Callable[[FpolicyConfig, str, Mapping[str, Any]], None]
Delete = Callable[[FpolicyConfig, str], None]
Records = Callable[[FpolicyConfig], Mapping[str, Record]]

# by kind: what the SVM has, what the cluster lends it (listed, but not to be read by name), the three changes
_KINDS: Mapping[str, tuple[Resource, Records, Records, Create, Change, Delete]] = {
    "engines": (
        _ENGINE,
        lambda config: config.engines,
        lambda config: config.cluster_engines,
        FpolicyConfig.create_engine,
        FpolicyConfig.change_engine,
        FpolicyConfig.delete_engine,
    ),
    "events": (
        _EVENT,
        lambda config: config.events,
        lambda _: {},
        FpolicyConfig.create_event,
        FpolicyConfig.change_event,
        FpolicyConfig.delete_event,
    ),
    "persistent-stores": (
        _STORE,
        lambda config: config.stores,
        lambda _: {},
        FpolicyConfig.create_store,
        FpolicyConfig.change_store,
        FpolicyConfig.delete_store,
    ),
    "policies": (
        _POLICY,
        lambda config: config.policies,
        lambda config: config.cluster_policies,
        FpolicyConfig.create_policy,
        FpolicyConfig.change_policy,
        FpolicyConfig.delete_policy,
    ),
}


def collections(cluster: Cluster, adopt_stores: Callable[[], None]) -> Iterator[Collection]:
    """Describe FPolicy's resources. `adopt_stores` is called after every change: a store makes its volume."""
    rest = _FpolicyRest(cluster, adopt_stores)
    yield Collection(
        "protocols/fpolicy",
        "{svm.uuid}",
        _WHOLE,
        lambda _: (rest.whole(uuid) for uuid in cluster.svms),
        rest.create_all,
        delete=rest.delete_all,
    )
    for kind in _KINDS:
        yield rest.collection(kind)
    yield Collection(
        "protocols/fpolicy/{svm.uuid}/connections",
        "{node.uuid}/{policy.name}/{server}",
        _CONNECTION,
        rest.connections,
        change=rest.change_connection,
        find=rest.find_connection,
    )


class _FpolicyRest:
    """What the descriptions call."""

    def __init__(self, cluster: Cluster, adopt_stores: Callable[[], None]) -> None:
        self._cluster = cluster
        self._adopt_stores = adopt_stores

    # whole configurations ----------------------------------------------------------------------------

    def whole(self, svm_uuid: str) -> Record:
        config = self._cluster.configs[svm_uuid]
        parts: Record = {
            "engines": [shown(record) for record in config.engines.values()],
            "events": [shown(record) for record in config.events.values()],
            "persistent_stores": [shown(record) for record in config.stores.values()],
            "policies": [shown(record) for record in config.policies.values()],
        }
        return self._shown(svm_uuid, parts)

    def create_all(self, call: Call) -> Made:
        named = call.body.get("svm", {})
        for svm in self._cluster.svms.values():
            if named and named in (
                {"name": svm.name},
                {"uuid": svm.uuid},
                {"name": svm.name, "uuid": svm.uuid},
            ):
                with self._applied(svm.uuid) as config:
                    config.create_all(_body(call))
                return Made(self.whole(svm.uuid))
        raise invalid("svm", named, "name or uuid of an SVM")

    def delete_all(self, _: Call, record: Record) -> None:
        with self._applied(record["svm"]["uuid"]) as config:
            config.delete_all()

    # engines, events, stores, policies ---------------------------------------------------------------

    def collection(self, kind: str) -> Collection:
        resource, own, lent, create, change, delete = _KINDS[kind]

        def records(call: Call) -> Iterable[Record]:
            for uuid in self._svm_uuids(call):
                config = self._cluster.configs[uuid]
                for record in (*own(config).values(), *lent(config).values()):
                    yield self._shown(uuid, record)

        def find(call: Call, key: tuple[str, ...]) -> Record:
            uuid, (name,) = call.names["svm.uuid"], key
            config = self._config(uuid)
            changes = call.request.method in ("PATCH", "DELETE")  # refused with a code of their own
            known = {**own(config), **lent(config)} if changes else own(config)
            if name not in known:
                raise not_found(name)
            return self._shown(uuid, known[name])

        def made(call: Call) -> Made:
            with self._applied(call.names["svm.uuid"]) as config:
                return Made(self._shown(call.names["svm.uuid"], create(config, _body(call))))

        def changed(call: Call, record: Record) -> None:
            with self._applied(record["svm"]["uuid"]) as config:
                change(config, record["name"], _body(call))

        def deleted(_: Call, record: Record) -> None:
            with self._applied(record["svm"]["uuid"]) as config:
                delete(config, record["name"])

        path = f"protocols/fpolicy/{{svm.uuid}}/{kind}"
        return Collection(path, "{name}", resource, records, made, changed, deleted, find=find)

    # connections -------------------------------------------------------------------------------------

    def connections(self, call: Call) -> Iterator[Record]:
        """List the connections; there are no channels of passthrough-read (13.5)."""
        for uuid in self._svm_uuids(call):
            for record in self._cluster.connection_records(uuid):
                yield {**record, "passthrough_read": False}

    def find_connection(self, call: Call, key: tuple[str, ...]) -> Record:
        for record in self.connections(call):
            if key == (get(record, "node.uuid"), get(record, "policy.name"), record["server"]):
                return record
        if call.request.method == "PATCH":
            self._cluster.connection(call.names["svm.uuid"], *key)  # raises with the code for what is wrong
        raise not_found("/".join(key))

    def change_connection(self, call: Call, record: Record) -> None:
        body = call.body
        if set(body) != {"state"} or body["state"] not in ("connected", "disconnected"):
            raise invalid("state", body.get("state"), "connected|disconnected")
        names = record["node"]["uuid"], record["policy"]["name"], record["server"]
        connection = self._cluster.connection(record["svm"]["uuid"], *names)
        if body["state"] == "connected":
            connection.dial()
        else:
            connection.disconnect()

    # all of them -------------------------------------------------------------------------------------

    @contextmanager
    def _applied(self, svm_uuid: str) -> Iterator[FpolicyConfig]:
        """Let a change take effect, also one that failed half way (9765027 and its like)."""
        config = self._config(svm_uuid)
        try:
            yield config
        finally:
            self._cluster.apply(svm_uuid)
            self._adopt_stores()

    def _config(self, svm_uuid: str) -> FpolicyConfig:
        if svm_uuid not in self._cluster.configs:
            raise not_found(f"SVM {svm_uuid}")
        return self._cluster.configs[svm_uuid]

    def _svm_uuids(self, call: Call) -> list[str]:
        uuid = call.names["svm.uuid"]
        if uuid == "*":
            return list(self._cluster.svms)
        self._config(uuid)
        return [uuid]

    def _shown(self, svm_uuid: str, record: Record) -> Record:
        """Show a record with its SVM, as GET does."""
        svm = self._cluster.svms[svm_uuid]
        return {"svm": {"uuid": svm.uuid, "name": svm.name}} | shown(record)


def _body(call: Call) -> Record:
    """Leave out the SVM, which may name that of the path again."""
    return {name: value for name, value in call.body.items() if name != "svm"}
