"""The cluster, its nodes, jobs, SVMs, messages and clients over REST.

Source: ONTAP REST reference 6, 8, 10, 14 and 15. On FSx the list of nodes may be empty (section 1).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from lab.ontap_sim.cluster import Cluster
from lab.ontap_sim.ems import EmsLog
from lab.ontap_sim.jobs import Jobs
from lab.ontap_sim.model import Volume
from lab.ontap_sim.rest_engine import Call, Collection, Record
from lab.ontap_sim.rest_errors import RestError
from lab.ontap_sim.rest_query import Resource
from lab.ontap_sim.storage import AGGREGATE

_CLUSTER = Resource.of(
    "timezone.name management_interfaces.name management_interfaces.ip.address",
    "name uuid version.full version.generation version.major version.minor",
)
_NODE = Resource.of("name", "uuid")
_JOB = Resource.of(
    "description state message code start_time end_time error.message error.code error.target", "uuid"
)
_SVM = Resource.of(
    "state subtype max_volumes aggregates.name s3.enabled s3.name ip_interfaces.name "
    "ip_interfaces.ip.address ip_interfaces.services",
    "uuid name",
    owner="uuid",
)
_CIFS = Resource.of(
    "svm.name svm.uuid node.name identifier connection_id client_ip server_ip user protocol open_files "
    "open_shares volumes.name connected_duration idle_duration smb_encryption",
    "svm.uuid node.uuid identifier connection_id",
)
_NFS = Resource.of(
    "svm.name node.name node.uuid server_ip volume.name volume.uuid protocol idle_duration",
    "svm.uuid client_ip",
)
_EMS = Resource.of(
    "parameters.name parameters.value source",
    "node.name node.uuid index message.name message.severity time log_message",
)


_INTERFACES = {
    "nfs_smb_management_1": ["data_nfs", "data_cifs", "management_https", "data_fpolicy_client"],
    "iscsi_1": ["data_iscsi"],
}
_SESSION_DEFAULTS: Record = {"server_ip": "127.0.0.1", "idle_duration": "PT1M"}
Sessions = Mapping[str, Sequence[Mapping[str, Any]]]


def collections(
    cluster: Cluster, volumes: Sequence[Volume], jobs: Jobs, ems: EmsLog, sessions: Callable[[], Sessions]
) -> Iterator[Collection]:
    """Describe these resources. `sessions` gives the clients' sessions below "cifs" and "nfs"."""
    yield Collection("cluster", "", _CLUSTER, lambda call: _cluster(cluster, call), single=True)
    yield Collection("cluster/nodes", "{uuid}", _NODE, lambda _: ())
    yield Collection("cluster/jobs", "{uuid}", _JOB, lambda _: jobs.records())
    yield Collection("svm/svms", "{uuid}", _SVM, lambda _: _svms(cluster, volumes))
    yield Collection(
        "support/ems/events", "{node.name}/{index}", _EMS, lambda call: _events(cluster, ems, call)
    )
    yield Collection(
        "protocols/cifs/sessions",
        "{svm.uuid}/{node.uuid}/{identifier}/{connection_id}",
        _CIFS,
        lambda _: _sessions(cluster, sessions()["cifs"]),
    )
    yield Collection(
        "protocols/nfs/connected-clients", "", _NFS, lambda _: _sessions(cluster, sessions()["nfs"])
    )


def _cluster(cluster: Cluster, call: Call) -> Iterator[Record]:
    if call.query.get("fields") == "*":
        raise RestError(400, "262220", "Wildcard fields are not allowed on /api/cluster.")
    yield {
        "name": cluster.name,
        "uuid": cluster.uuid,
        "version": {"full": "NetApp Release 9.17.1: simulated", "generation": 9, "major": 17, "minor": 1},
        "timezone": {"name": "Etc/UTC"},
        "management_interfaces": [{"name": "fsxadmin_mgmt", "ip": {"address": "127.0.0.1"}}],
    }


def _svms(cluster: Cluster, contents: Sequence[Volume]) -> Iterator[Record]:
    for svm in cluster.svms.values():
        volumes = [volume for volume in contents if volume.svm == svm]
        yield {
            "uuid": svm.uuid,
            "name": svm.name,
            "state": "running" if cluster.is_running(svm.uuid) else "stopped",
            "subtype": "default",
            "aggregates": [{"name": AGGREGATE}],
            "ip_interfaces": [
                {"name": name, "ip": {"address": "127.0.0.1"}, "services": services}
                for name, services in _INTERFACES.items()
            ],
            "s3": _s3(svm.name, any(volume.s3 for volume in volumes)),
        }


def _events(cluster: Cluster, ems: EmsLog, call: Call) -> Iterator[Record]:
    """List messages; those of severity debug only when the query speaks of severities."""
    nodes = {node.number: {"name": node.name, "uuid": node.uuid} for node in cluster.nodes}
    for record in ems.records(nodes):
        if record["message"]["severity"] != "debug" or "message.severity" in call.query:
            yield record


def _s3(svm: str, enabled: bool) -> Record:
    """An attached access point shows as an S3 server of ONTAP (reference 10)."""
    return {"enabled": enabled} | ({"name": f"amazon-fsx-{svm}.us-east-1.amazonaws.com"} if enabled else {})


def _sessions(cluster: Cluster, entries: Sequence[Mapping[str, Any]]) -> Iterator[Record]:
    """Show sessions: `svm` and `volume` of an entry are names, `node` is a number."""
    svms = {svm.name: {"name": svm.name, "uuid": svm.uuid} for svm in cluster.svms.values()}
    nodes = {node.number: {"name": node.name, "uuid": node.uuid} for node in cluster.nodes}
    for entry in entries:
        named: Record = {"svm": svms[entry["svm"]], "node": nodes[entry.get("node", 1)]}
        if "volume" in entry:
            named["volume"] = {"name": entry["volume"]}
        yield {**_SESSION_DEFAULTS, **entry, **named}
