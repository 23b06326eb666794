"""Every volume there is: those on directories, those of persistent stores, and those that REST made.

Source: ONTAP REST reference 11, and 13.3 for the stores: a store makes its volume when that is missing and
leaves it behind. The volumes on directories are what clients use; REST can resize them and no more.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from lab.ontap_sim.capacity import Autosize, Capacity, files_capacity, size_of
from lab.ontap_sim.cluster import Cluster
from lab.ontap_sim.jobs import Work
from lab.ontap_sim.model import Svm
from lab.ontap_sim.rest_errors import RestError, exists, invalid, not_found
from lab.ontap_sim.volume import VolumeContent

AGGREGATE = "aggr1"  # one for each HA pair, reference 12
_FIRST_MSID = 2163225631  # of volumes that are in no configuration file
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,202}")  # ONTAP refuses hyphens
_CREATABLE = frozenset({"aggregates", "autosize", "name", "nas", "size", "snapshot_policy", "style", "svm"})

Record = dict[str, Any]


@dataclass(slots=True)
class BareVolume:
    """A volume without files: a persistent store's, or one made by REST."""

    svm: Svm
    name: str
    uuid: str
    msid: int
    capacity: Capacity
    junction_path: str = ""


class Storage:
    """The volumes of the file system, as REST shows and changes them."""

    def __init__(self, cluster: Cluster, contents: Sequence[VolumeContent]) -> None:
        self._cluster = cluster
        self._contents = {content.volume.uuid: content for content in contents}
        self._bare: dict[str, BareVolume] = {}
        self._made = 0

    # what there is -----------------------------------------------------------------------------------

    def records(self) -> Iterator[Record]:
        """Show every volume."""
        for content in self._contents.values():
            volume = content.volume
            yield {
                **_head(volume.svm, volume.name, volume.uuid, volume.msid, volume.junction_path),
                **content.capacity.record(),
                "files": {
                    "used": content.entry_count(),
                    "maximum": files_capacity(content.size_bytes),
                },
            }
        self.adopt_stores()
        for bare in self._bare.values():
            record = bare.capacity.record()
            yield {
                **_head(bare.svm, bare.name, bare.uuid, bare.msid, bare.junction_path),
                **record,
                "files": {"used": 0, "maximum": files_capacity(record["size"])},
            }

    def adopt_stores(self) -> None:
        """Bring the stores' volumes in line with the stores. The volume of a store that is gone stays."""
        for svm_uuid, store in self._cluster.stores.items():
            svm = self._cluster.svms[svm_uuid]
            capacity = Capacity(store.size_bytes, partial(getattr, store, "used_bytes"), 0)
            bare = self._find(svm, store.volume) or self._add(svm, store.volume, capacity)
            mode = self._cluster.configs[svm_uuid].stores[store.name]["autosize_mode"]
            maximum = store.maximum_bytes or store.limit_bytes or capacity.autosize.maximum
            capacity.autosize = replace(bare.capacity.autosize, mode=mode, maximum=maximum)
            bare.capacity = capacity
            store.size_bytes = capacity.size_bytes  # grown by itself, if that was due

    def used_bytes(self) -> int:
        """Give what all volumes hold."""
        stores = sum(store.used_bytes for store in self._cluster.stores.values())
        return stores + sum(content.used_bytes() for content in self._contents.values())

    # changes, checked at once and done in a job ------------------------------------------------------

    def create(self, body: Mapping[str, Any]) -> tuple[Record, Work]:
        """Make a volume without files. Raises RestError."""
        unknown = sorted(set(body) - _CREATABLE)
        if unknown:
            raise RestError(400, "262179", f'Unexpected argument "{unknown[0]}".', unknown[0])
        name = body.get("name")
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise invalid("name", name, "letters, digits and underscores, at most 203")
        svm = self._svm(body.get("svm", {}))
        if self._find(svm, name) or any(
            content.volume.svm == svm and content.volume.name == name for content in self._contents.values()
        ):
            raise exists(name)
        size = size_of("size", body.get("size", 0))
        path = str(body.get("nas", {}).get("path", ""))
        identity = str(uuid.uuid5(uuid.UUID(svm.uuid), name))
        return {"uuid": identity, "name": name}, lambda: self._create(svm, name, size, path, body)

    def _create(self, svm: Svm, name: str, size: int, path: str, body: Mapping[str, Any]) -> None:
        capacity = Capacity(size, lambda: 0, 0)
        capacity.resize(size)
        capacity.change_autosize(body.get("autosize", {}))
        self._add(svm, name, capacity, path)

    def change(self, record: Record, body: Mapping[str, Any]) -> Work:
        """Change size and autosize. Raises RestError."""
        space = body.get("space", {})
        if set(body) - {"size", "space", "autosize"} or set(space) - {"size"}:
            unknown = sorted((set(body) - {"size", "space", "autosize"}) | (set(space) - {"size"}))
            raise RestError(
                400, "262179", f"The laboratory does not change {', '.join(unknown)}.", unknown[0]
            )
        given = body.get("size", space.get("size"))
        size = None if given is None else size_of("size", given)
        Autosize("off", 0, 0).changed(body.get("autosize", {}))  # only checked here
        return lambda: self._change(record["uuid"], size, body.get("autosize", {}))

    def _change(self, identity: str, size: int | None, autosize: Mapping[str, Any]) -> None:
        content, bare = self._contents.get(identity), self._bare.get(identity)
        if content is None and bare is None:
            raise not_found(f"volume {identity}")
        capacity = content.capacity if content else bare.capacity  # type: ignore[union-attr]
        capacity.change_autosize(autosize)
        if size is not None:
            capacity.resize(size)
        if bare and self._is_used(bare):
            config = self._cluster.configs[bare.svm.uuid]
            (record,) = config.stores.values()
            record |= {"size": capacity.size_bytes, "autosize_mode": capacity.autosize.mode}
            if "maximum" in autosize:
                self._cluster.stores[bare.svm.uuid].maximum_bytes = capacity.autosize.maximum
            self._cluster.apply(bare.svm.uuid)

    def delete(self, record: Record) -> Work:
        """Delete a volume that no store uses. Raises RestError."""
        if record["uuid"] in self._contents:
            raise RestError(400, "3", "The laboratory keeps the volumes that clients use.")
        bare = self._bare[record["uuid"]]

        def work() -> None:
            if self._is_used(bare):
                raise RestError(409, "8", f'The volume "{bare.name}" is used by a persistent store.')
            self._bare.pop(bare.uuid, None)

        return work

    # -------------------------------------------------------------------------------------------------

    def _add(self, svm: Svm, name: str, capacity: Capacity, path: str = "") -> BareVolume:
        identity = str(uuid.uuid5(uuid.UUID(svm.uuid), name))
        bare = BareVolume(svm, name, identity, _FIRST_MSID + self._made, capacity, path)
        self._made += 1
        self._bare[identity] = bare
        return bare

    def _is_used(self, bare: BareVolume) -> bool:
        store = self._cluster.stores.get(bare.svm.uuid)
        return store is not None and store.volume == bare.name

    def _find(self, svm: Svm, name: str) -> BareVolume | None:
        found = (bare for bare in self._bare.values() if bare.svm == svm and bare.name == name)
        return next(found, None)

    def _svm(self, given: Mapping[str, Any]) -> Svm:
        for svm in self._cluster.svms.values():
            if given and given.get("name", svm.name) == svm.name and given.get("uuid", svm.uuid) == svm.uuid:
                return svm
        raise not_found(f"SVM {dict(given)}")


def _head(svm: Svm, name: str, identity: str, msid: int, junction_path: str) -> Record:
    record: Record = {
        "uuid": identity,
        "name": name,
        "msid": msid,
        "svm": {"name": svm.name, "uuid": svm.uuid},
        "state": "online",
        "type": "rw",
        "style": "flexvol",
        "aggregates": [{"name": AGGREGATE}],
        "snaplock": {"type": "non_snaplock"},
        "is_svm_root": False,
    }
    return record | ({"nas": {"path": junction_path}} if junction_path else {})
