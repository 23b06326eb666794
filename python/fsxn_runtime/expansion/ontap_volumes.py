"""Volumes as ONTAP knows them: what FSx does not show, and growth by ONTAP's own interface."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from fsxn_runtime.errors import MisconfiguredError
from fsxn_runtime.expansion.clients import Fsx
from fsxn_runtime.expansion.model import Operation, Resource
from fsxn_runtime.ontap import OntapClient, path

_MIB: Final = 1024 * 1024
# `autosize.mode` (ONTAP REST reference 11); the third is off.
_GROWING: Final = frozenset({"grow", "grow_shrink"})
# Within the function's two minutes there is the guardrail's part too.
_SECONDS: Final = 45.0


class OntapVolumes:
    """Volumes of one file system. Idempotency key of a growth: the size; a volume never becomes smaller."""

    def __init__(self, ontap: OntapClient, fsx: Fsx) -> None:
        self._ontap = ontap
        self._fsx = fsx

    def look(self, volume: Resource) -> Resource:
        """Add what ONTAP says: size, and whether it grows the volume by itself."""
        # Not among the fields that ONTAP gives without being asked (ONTAP REST reference 11).
        fields = ("size", "autosize.mode")
        found = self._ontap.get(_path(volume), fields=fields, deadline_seconds=_SECONDS)
        mode = found.get("autosize", {}).get("mode", "off")
        return replace(volume, size_mib=int(found["size"]) // _MIB, is_autosized=mode in _GROWING)

    def grow(self, operation: Operation) -> None:
        """Set the operation's size and wait for ONTAP's job, unless the volume is as large already."""
        volume = self._fsx.volume(operation.resource_id)
        size = operation.to_mib * _MIB
        found = self._ontap.get(_path(volume), fields=("size",), deadline_seconds=_SECONDS)
        if int(found["size"]) < size:
            self._ontap.patch(_path(volume), {"size": size}, deadline_seconds=_SECONDS)


def _path(volume: Resource) -> str:
    if not volume.uuid:
        raise MisconfiguredError(f"FSx gives no ONTAP UUID for {volume.resource_id}", code="no_ontap_uuid")
    return path("storage", "volumes", volume.uuid)
