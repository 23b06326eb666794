"""The volume map: what the ids of the wire mean. Pure.

The wire has only the SVM's UUID and the volume's MSID (docs/wire/messages.md). Names and junction paths come
from a JSON document that the reconciler keeps fresh:

    {"schema_version": "1.0", "svms": {"<svm uuid>": {"name": "svm1",
        "volumes": {"<msid>": {"name": "vol1", "junction_path": "/vol1"}}}}}
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fsxn_runtime.errors import RejectedError


@dataclass(frozen=True, slots=True)
class Volume:
    """A volume by its names. `junction_path` is where it is mounted in the SVM's namespace."""

    svm_name: str
    name: str
    junction_path: bytes


@dataclass(frozen=True, slots=True)
class VolumeMap:
    """Volumes by SVM UUID and MSID. An empty map knows nothing."""

    volumes: Mapping[tuple[str, int], Volume] = field(default_factory=dict)
    svm_names: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_json(cls, data: bytes) -> VolumeMap:
        """Read the document. Volumes without junction path are not mounted and are left out.

        Raises RejectedError when it is not the document described above.
        """
        volumes: dict[tuple[str, int], Volume] = {}
        svm_names: dict[str, str] = {}
        try:
            document: Any = json.loads(data)
            if not str(document["schema_version"]).startswith("1."):
                raise RejectedError(
                    f"volume map has schema_version {document['schema_version']!r}; it must be 1.x",
                    code="bad_volume_map",
                )
            for svm_uuid, svm in document["svms"].items():
                svm_names[svm_uuid] = str(svm["name"])
                for msid, volume in svm["volumes"].items():
                    junction = volume.get("junction_path")
                    if junction:
                        volumes[svm_uuid, int(msid)] = Volume(
                            svm_names[svm_uuid], str(volume["name"]), str(junction).encode()
                        )
        except (ValueError, KeyError, TypeError, AttributeError) as exc:
            raise RejectedError(f"volume map cannot be read: {exc!r}", code="bad_volume_map") from exc
        return cls(volumes, svm_names)

    def volume(self, svm_uuid: str, msid: int) -> Volume | None:
        """Find a volume, or None."""
        return self.volumes.get((svm_uuid, msid))

    def svm_name(self, svm_uuid: str) -> str:
        """Give an SVM's name, or "" when it is not known."""
        return self.svm_names.get(svm_uuid, "")
