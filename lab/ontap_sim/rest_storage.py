"""Volumes and aggregates over REST. Source: ONTAP REST reference 11 and 12."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from lab.ontap_sim.cluster import Cluster
from lab.ontap_sim.rest_engine import Call, Collection, Made, Record
from lab.ontap_sim.rest_query import Resource
from lab.ontap_sim.storage import AGGREGATE, Storage

_VOLUME = Resource.of(
    "msid svm.name svm.uuid state type style size space.size space.used space.available aggregates.name",
    "uuid name",
    "space.percent_used space.snapshot.reserve_percent autosize.mode autosize.minimum autosize.maximum "
    "autosize.grow_threshold autosize.shrink_threshold nas.path snaplock.type files.used files.maximum "
    "is_svm_root",
)
_AGGREGATE = Resource.of(
    "state node.name node.uuid space.block_storage.size space.block_storage.used "
    "space.block_storage.available space.block_storage.used_percent "
    "space.block_storage.physical_used_percent space.cloud_storage.used",
    "uuid name",
)


def collections(cluster: Cluster, storage: Storage, ssd_bytes: Callable[[], int]) -> Iterator[Collection]:
    """Describe these resources. `ssd_bytes` gives the size of the SSD tier."""

    def create(call: Call) -> Made:
        return Made(*storage.create(call.body))

    yield Collection(
        "storage/volumes",
        "{uuid}",
        _VOLUME,
        lambda _: storage.records(),
        create,
        lambda call, record: storage.change(record, call.body),
        lambda _, record: storage.delete(record),
    )
    yield Collection(
        "storage/aggregates", "{uuid}", _AGGREGATE, lambda _: _aggregates(cluster, storage, ssd_bytes())
    )


def _aggregates(cluster: Cluster, storage: Storage, size: int) -> Iterator[Record]:
    """Show the one aggregate of the one HA pair. All data is on SSD; the capacity pool is empty."""
    used = storage.used_bytes()
    percent = used * 100 // size
    yield {
        "uuid": cluster.uuid[:-4] + "a661",
        "name": AGGREGATE,
        "state": "online",
        "node": {"name": cluster.nodes[0].name, "uuid": cluster.nodes[0].uuid},
        "space": {
            "block_storage": {
                "size": size,
                "used": used,
                "available": max(size - used, 0),
                "used_percent": percent,
                "physical_used_percent": percent,
            },
            "cloud_storage": {"used": 0},
        },
    }
