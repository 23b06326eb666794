"""Volumes over REST. Source: ONTAP REST reference 11."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lab.ontap_sim.cluster import Cluster
from lab.ontap_sim.rest_engine import Collection, Record
from lab.ontap_sim.rest_query import Resource
from lab.ontap_sim.volume import VolumeContent

_VOLUME = Resource.of(
    "msid svm.name svm.uuid state type style size space.size space.used space.available",
    "uuid name",
    "space.percent_used nas.path snaplock.type is_svm_root",
)


def collections(cluster: Cluster, volumes: Sequence[VolumeContent]) -> Iterator[Collection]:
    """Describe these resources."""
    yield Collection("storage/volumes", "{uuid}", _VOLUME, lambda _: _volumes(cluster, volumes))


def _volumes(cluster: Cluster, volumes: Sequence[VolumeContent]) -> Iterator[Record]:
    for content in volumes:
        volume = content.volume
        record = _record(volume.name, volume.uuid, content.size_bytes, content.used_bytes())
        svm = {"name": volume.svm.name, "uuid": volume.svm.uuid}
        yield record | {"msid": volume.msid, "svm": svm, "nas": {"path": volume.junction_path}}
    for svm_uuid, store in cluster.stores.items():  # made by ONTAP itself, not mounted
        uuid = f"{svm_uuid[:-12]}{store.volume.encode().hex():0>12.12}"
        record = _record(store.volume, uuid, store.size_bytes, store.used_bytes)
        svm = {"name": cluster.svms[svm_uuid].name, "uuid": svm_uuid}
        yield record | {"svm": svm}


def _record(name: str, uuid: str, size: int, used: int) -> Record:
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
