"""What a storm is made of, and one operation of it. Paths begin with a slash, at the volume's root."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from fsxn_runtime.errors import RejectedError

# What one line of `--protocols` may name. NFS 4.2 is not among them: FPolicy does not see its clients
# (ONTAP REST reference 13.2), so a storm by NFS 4.2 could prove nothing.
PROTOCOLS: Final = ("NFS 3.0", "NFS 4.0", "NFS 4.1", "SMB 2.1", "SMB 3.0", "SMB 3.1")
MAX_COUNT: Final = 10_000_000
MAX_BYTES: Final = 1 << 30  # one file of a storm; what is proven is notifications, not throughput


class Action(StrEnum):
    """What a client does. The names are those of the simulator's operations."""

    MKDIR = "mkdir"
    CREATE = "create"
    WRITE = "write"
    CLOSE = "close"
    RENAME = "rename"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Act:
    """One operation. `length` bytes are appended by a write; `client_ip` says which client does it."""

    action: Action
    path: str
    protocol: str
    client_ip: str
    target: str | None = None
    length: int = 0


@dataclass(frozen=True, slots=True)
class Storm:
    """How many operations, which ones, and how fast.

    Weights need not add up to one. rate_per_second 0 means as fast as possible. Sizes are bytes, drawn so
    that each factor of ten is as likely as the next: many small files, few large ones.
    Raises RejectedError when a value is out of its range.
    """

    count: int
    seed: int = 1
    folder: str = "/storm"
    rate_per_second: float = 0.0
    protocols: Mapping[str, float] = field(
        default_factory=lambda: MappingProxyType({"NFS 3.0": 40, "NFS 4.1": 30, "SMB 3.1": 30})
    )
    operations: Mapping[str, float] = field(
        default_factory=lambda: MappingProxyType({"create": 50, "write": 20, "rename": 20, "delete": 10})
    )
    min_bytes: int = 100
    max_bytes: int = 20_000

    def __post_init__(self) -> None:
        if not 1 <= self.count <= MAX_COUNT:
            raise _wrong("count", self.count, f"a number from 1 to {MAX_COUNT:,}")
        if not self.rate_per_second >= 0:
            raise _wrong("rate", self.rate_per_second, "0 (as fast as possible) or more operations a second")
        if not 1 <= self.min_bytes <= self.max_bytes <= MAX_BYTES:
            raise _wrong(
                "sizes",
                f"{self.min_bytes}:{self.max_bytes}",
                f"MIN:MAX with 1 <= MIN <= MAX <= {MAX_BYTES:,}",
            )
        segments = self.folder.split("/")
        if segments[0] or len(segments) < 2 or {"", ".", ".."} & set(segments[1:]):
            raise _wrong("folder", self.folder, "an absolute path below the volume's root, such as /storm")
        _check_weights("protocols", self.protocols, PROTOCOLS)
        _check_weights("operations", self.operations, ("create", "write", "rename", "delete"))


def _check_weights(name: str, weights: Mapping[str, float], known: tuple[str, ...]) -> None:
    allowed = f"NAME=WEIGHT pairs with NAME of {', '.join(known)} and a positive sum of weights"
    if set(weights) - set(known) or any(not weight >= 0 for weight in weights.values()):
        raise _wrong(name, dict(weights), allowed)
    if not 0 < sum(weights.values()) < float("inf"):
        raise _wrong(name, dict(weights), allowed)


def _wrong(name: str, value: object, allowed: str) -> RejectedError:
    return RejectedError(f"{name} is {value!r}; it must be {allowed}", code="wrong_storm")
