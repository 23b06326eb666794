"""The cluster, its nodes, jobs, SVMs and messages over REST.

Source: ONTAP REST reference 6, 8, 10 and 14. On FSx the list of nodes may be empty (section 1).
"""

from __future__ import annotations

from collections.abc import Iterator

from lab.ontap_sim.cluster import Cluster
from lab.ontap_sim.ems import EmsLog
from lab.ontap_sim.jobs import Jobs
from lab.ontap_sim.rest_engine import Call, Collection, Record
from lab.ontap_sim.rest_errors import RestError
from lab.ontap_sim.rest_query import Resource

_CLUSTER = Resource.of(
    "timezone.name management_interfaces.name management_interfaces.ip.address",
    "name uuid version.full version.generation version.major version.minor",
)
_NODE = Resource.of("name", "uuid")
_JOB = Resource.of(
    "description state message code start_time end_time error.message error.code error.target", "uuid"
)
_SVM = Resource.of("state subtype max_volumes", "uuid name", owner="uuid")
_EMS = Resource.of(
    "parameters.name parameters.value source",
    "node.name node.uuid index message.name message.severity time log_message",
)


def collections(cluster: Cluster, jobs: Jobs, ems: EmsLog) -> Iterator[Collection]:
    """Describe these resources."""
    yield Collection("cluster", "", _CLUSTER, lambda call: _cluster(cluster, call), single=True)
    yield Collection("cluster/nodes", "{uuid}", _NODE, lambda _: ())
    yield Collection("cluster/jobs", "{uuid}", _JOB, lambda _: jobs.records())
    yield Collection("svm/svms", "{uuid}", _SVM, lambda _: _svms(cluster))
    yield Collection(
        "support/ems/events", "{node.name}/{index}", _EMS, lambda call: _events(cluster, ems, call)
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


def _svms(cluster: Cluster) -> Iterator[Record]:
    for svm in cluster.svms.values():
        yield {
            "uuid": svm.uuid,
            "name": svm.name,
            "state": "running" if cluster.is_running(svm.uuid) else "stopped",
            "subtype": "default",
        }


def _events(cluster: Cluster, ems: EmsLog, call: Call) -> Iterator[Record]:
    """List messages; those of severity debug only when the query speaks of severities."""
    nodes = {node.number: {"name": node.name, "uuid": node.uuid} for node in cluster.nodes}
    for record in ems.records(nodes):
        if record["message"]["severity"] != "debug" or "message.severity" in call.query:
            yield record
