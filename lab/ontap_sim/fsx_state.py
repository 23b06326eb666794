"""The file system as AWS sees it: SSD tier, volumes, updates and their administrative actions.

Over the same volumes as ONTAP's side. Time comes in as an argument (seconds since 1970). Rules: FSx API
reference and user guide for ONTAP, "Updating SSD storage capacity"; how long an update takes is a switch.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lab.ontap_sim.config import FileSystemSettings
from lab.ontap_sim.rest_errors import RestError
from lab.ontap_sim.volume import VolumeContent

GIB = 1 << 30
MIB = 1 << 20
_LEAST_GROWTH_PERCENT = 10
_LARGEST_GIB = 196_608  # what the console takes for the first generation


class FsxError(Exception):
    """An error of the FSx API; `code` is its shape's name."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Growth:
    """One accepted increase of the SSD tier."""

    requested_at: float
    target_gib: int
    updated_at: float  # from here on the new capacity is there
    optimized_at: float  # from here on the storage is spread over it


@dataclass(slots=True)
class FsxVolume:
    """A volume with its AWS id and the updates of its size: (time, bytes). Unmounted: no junction path."""

    volume_id: str
    svm_id: str
    content: VolumeContent
    updates: list[tuple[float, int]] = field(default_factory=list)
    unmounted: bool = False


class FsxState:
    """One file system. All methods take the time; none waits."""

    def __init__(self, settings: FileSystemSettings, contents: Sequence[VolumeContent]) -> None:
        self.settings = settings
        self.file_system_id = settings.id
        self.volumes = [
            FsxVolume(f"fsvol-{_hex(content.volume.uuid)}", f"svm-{_hex(content.volume.svm.uuid)}", content)
            for content in contents
        ]
        self._growths: list[Growth] = []

    def capacity_gib(self, now: float) -> int:
        """Give the SSD tier's size."""
        done = [growth.target_gib for growth in self._growths if growth.updated_at <= now]
        return done[-1] if done else self.settings.storage_capacity_gib

    def used_bytes(self) -> int:
        """Give what all volumes hold."""
        return sum(volume.content.used_bytes() for volume in self.volumes)

    def grow(self, target_gib: int, now: float) -> None:
        """Accept an increase of the SSD tier. Raises FsxError BadRequest."""
        current = self.capacity_gib(now)
        if self._growths:
            last = self._growths[-1]
            if now < last.optimized_at:
                raise FsxError("BadRequest", "A storage capacity increase request is in progress.")
            if now < last.requested_at + self.settings.growth_interval_seconds:
                raise FsxError(
                    "BadRequest",
                    "The storage capacity can be increased again 6 hours after the last increase.",
                )
        if not current * (100 + _LEAST_GROWTH_PERCENT) <= target_gib * 100 or target_gib > _LARGEST_GIB:
            raise FsxError(
                "BadRequest",
                f"StorageCapacity is {target_gib}; it must be at least {_LEAST_GROWTH_PERCENT} percent "
                f"greater than the current {current} GiB, and at most {_LARGEST_GIB}.",
            )
        updated = now + self.settings.update_seconds
        self._growths.append(Growth(now, target_gib, updated, updated + self.settings.optimize_seconds))

    def resize(self, volume_id: str, size_bytes: int, now: float) -> FsxVolume:
        """Give a volume another size, at once. Raises FsxError."""
        volume = self.volume(volume_id)
        try:
            volume.content.capacity.resize(size_bytes)
        except RestError as exc:
            raise FsxError("BadRequest", str(exc)) from exc
        volume.updates.append((now, size_bytes))
        return volume

    def volume(self, volume_id: str) -> FsxVolume:
        """Find a volume. Raises FsxError VolumeNotFound."""
        for volume in self.volumes:
            if volume.volume_id == volume_id:
                return volume
        raise FsxError("VolumeNotFound", f"Volume '{volume_id}' does not exist.")

    def file_system_actions(self, now: float) -> list[Mapping[str, Any]]:
        """List the administrative actions of increases, newest first."""
        found: list[Mapping[str, Any]] = []
        for growth in reversed(self._growths):
            updated, optimized = growth.updated_at <= now, growth.optimized_at <= now
            optimizing = "IN_PROGRESS" if updated else "PENDING"
            found.append(
                {
                    "AdministrativeActionType": "FILE_SYSTEM_UPDATE",
                    "RequestTime": growth.requested_at,
                    "Status": "COMPLETED"
                    if optimized
                    else "UPDATED_OPTIMIZING"
                    if updated
                    else "IN_PROGRESS",
                    "TargetFileSystemValues": {"StorageCapacity": growth.target_gib},
                }
            )
            found.append(
                {
                    "AdministrativeActionType": "STORAGE_OPTIMIZATION",
                    "ProgressPercent": _percent(now, growth.updated_at, growth.optimized_at),
                    "RequestTime": growth.requested_at,
                    "Status": "COMPLETED" if optimized else optimizing,
                }
            )
        return found


def _percent(now: float, start: float, end: float) -> int:
    if now >= end:
        return 100
    return max(0, int(100 * (now - start) / (end - start)))


def _hex(text: str) -> str:
    """Make an AWS id's 17 digits out of ONTAP's id: equal ones, equal ids."""
    return hashlib.sha256(text.encode()).hexdigest()[:17]
