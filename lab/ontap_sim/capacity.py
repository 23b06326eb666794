"""A volume's size: snapshot reserve, changes of the size, and growth by itself. Pure.

Source: ONTAP REST reference 11 and 11.1. In what steps ONTAP grows a volume is not documented: here at once
to the size at which the threshold is not passed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from lab.ontap_sim.rest_errors import RestError, invalid

MODES = ("off", "grow", "grow_shrink")
LEAST_BYTES = 20 << 20
LARGEST_BYTES = 22_517_998_000_000_000
_UNITS: Mapping[str, int] = {
    unit: 1024**power for power, unit in enumerate(("KB", "MB", "GB", "TB", "PB"), 1)
}
_DEFAULT_GROWTH_PERCENT = 120  # the default maximum, of the size at creation
_FILES_PER_BYTES = 32 * 1024  # ONTAP's default: one inode for 32 KiB, up to this many
_MOST_FILES = 21_251_126
_NO_ROOM = "918701"  # an invented code: the reference has none (section 6)


@dataclass(frozen=True, slots=True)
class Autosize:
    """When and how far a volume grows by itself. Thresholds are percent of what can be used."""

    mode: str
    minimum: int
    maximum: int
    grow_threshold: int = 85
    shrink_threshold: int = 50

    def changed(self, body: Mapping[str, Any]) -> Autosize:
        """Take the members of a PATCH. Raises RestError."""
        allowed = ("mode", "minimum", "maximum", "grow_threshold", "shrink_threshold")
        for name in body:
            if name not in allowed:
                raise RestError(400, "262179", f'Unexpected argument "autosize.{name}".', name)
        values = dict(body)
        if values.get("mode", "off") not in MODES:
            raise invalid("autosize.mode", values["mode"], "|".join(MODES))
        for name in ("minimum", "maximum"):
            if name in values:
                values[name] = size_of(f"autosize.{name}", values[name])
        for name in ("grow_threshold", "shrink_threshold"):
            if name in values and values[name] not in range(1, 101):
                raise invalid(f"autosize.{name}", values[name], "1..100")
        return replace(self, **values)


class Capacity:
    """The size of one volume. `used` counts the bytes it holds, `reserve_percent` belongs to snapshots."""

    def __init__(self, size_bytes: int, used: Callable[[], int], reserve_percent: int) -> None:
        self._size_bytes = size_bytes
        self._used = used
        self._reserve_percent = reserve_percent
        largest = size_bytes * _DEFAULT_GROWTH_PERCENT // 100
        self.autosize = Autosize("off", size_bytes, largest)

    @property
    def size_bytes(self) -> int:
        """Give the size, after the growth that is due."""
        rules, used = self.autosize, self._used()
        percent = used * 100 / self._usable(self._size_bytes)
        if rules.mode != "off" and percent > rules.grow_threshold:
            wanted = self._size_for(used, rules.grow_threshold)
            self._size_bytes = max(self._size_bytes, min(wanted, rules.maximum))
        elif rules.mode == "grow_shrink" and percent < rules.shrink_threshold:
            wanted = self._size_for(used, rules.shrink_threshold)
            self._size_bytes = min(self._size_bytes, max(wanted, rules.minimum))
        return self._size_bytes

    def resize(self, size_bytes: int) -> None:
        """Set the size. A smaller one is accepted while the data fits. Raises RestError."""
        if not LEAST_BYTES <= size_bytes <= LARGEST_BYTES:
            raise RestError(400, "262186", f"The size is {size_bytes}; allowed: 20 MB to 20 PB.", "size")
        used = self._used()
        if self._usable(size_bytes) < used:
            raise RestError(400, _NO_ROOM, f"The volume holds {used} bytes, which do not fit.", "size")
        self._size_bytes = size_bytes

    def change_autosize(self, body: Mapping[str, Any]) -> None:
        """Change the rules of growth. Raises RestError."""
        self.autosize = self.autosize.changed(body)

    def record(self) -> dict[str, Any]:
        """Show size, space and autosize as REST does."""
        size, used = self.size_bytes, self._used()
        usable, rules = self._usable(size), self.autosize
        return {
            "size": size,
            "space": {
                "size": size,
                "used": used,
                "available": max(usable - used, 0),
                "percent_used": used * 100 // usable if usable else 100,
                "snapshot": {"reserve_percent": self._reserve_percent},
            },
            "autosize": {
                "mode": rules.mode,
                "minimum": rules.minimum,
                "maximum": rules.maximum,
                "grow_threshold": rules.grow_threshold,
                "shrink_threshold": rules.shrink_threshold,
            },
        }

    def _usable(self, size_bytes: int) -> int:
        return size_bytes * (100 - self._reserve_percent) // 100

    def _size_for(self, used: int, threshold: int) -> int:
        """Give the least size at which `used` does not pass the threshold, in whole MiB."""
        size = used * 10_000 // (threshold * (100 - self._reserve_percent))
        return ((size >> 20) + 1) << 20


def size_of(field: str, value: object) -> int:
    """Read a size: bytes, or text with a suffix of powers of 1024. Raises RestError."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    text = str(value).upper()
    if text.isdigit():
        return int(text)
    if text[:-2].isdigit() and text[-2:] in _UNITS:
        return int(text[:-2]) * _UNITS[text[-2:]]
    raise invalid(field, value, "bytes, or a number with KB|MB|GB|TB|PB")


def files_capacity(size_bytes: int) -> int:
    """Give the number of inodes that ONTAP gives a volume of this size unasked."""
    return min(size_bytes // _FILES_PER_BYTES, _MOST_FILES)
