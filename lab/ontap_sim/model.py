"""What the simulator talks about: volumes, users, protocols, and one file operation."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class SimError(Exception):
    """The caller asked for something that the simulator refuses; the text says what and why."""


class FileType(StrEnum):
    """FileType of ProtCommonInfo, as far as the simulator makes such objects."""

    FILE = "FILE"
    DIR = "DIR"


@dataclass(frozen=True, slots=True)
class Svm:
    """A storage virtual machine. `cifs_server` is the name in UNC paths and may differ from `name`."""

    name: str
    uuid: str
    cifs_server: str


@dataclass(frozen=True, slots=True)
class S3Face:
    """The bucket and the access point that stand for the volume's S3 access."""

    bucket: str
    access_point: str


@dataclass(frozen=True, slots=True)
class Volume:
    """A volume whose content is a real directory."""

    svm: Svm
    name: str
    uuid: str
    msid: int
    junction_path: str
    directory: Path
    share: str
    size_bytes: int
    s3: S3Face | None = None
    export_policy: str = "default"

    def namespace_path(self, path: str) -> str:
        """Say where a volume-relative path is in the SVM's namespace."""
        return f"{self.junction_path.rstrip('/')}{path}"


@dataclass(frozen=True, slots=True)
class Protocol:
    """NFS or SMB with its version, for example NFS 4.1, or S3."""

    name: str
    major: int
    minor: int

    @classmethod
    def parse(cls, text: str) -> Protocol:
        """Read "NFS 3.0", "SMB 3.1" or "S3"."""
        name, _, version = text.partition(" ")
        major, _, minor = version.partition(".")
        if text == "S3":  # through the access point; FPolicy does not see it (REST reference 13.7)
            return cls("S3", 0, 0)
        if name not in ("NFS", "SMB") or not major.isdigit() or not (minor or "0").isdigit():
            raise SimError(f"protocol is {text!r}; expected for example 'NFS 3.0', 'SMB 3.1' or 'S3'")
        return cls(name, int(major), int(minor or 0))

    @property
    def version(self) -> str:
        """Give the version as text, for example "3.0"."""
        return f"{self.major}.{self.minor}"


@dataclass(frozen=True, slots=True)
class Client:
    """Who operates: address and ids. The SID is used for SMB only."""

    ip: str = "192.0.2.10"
    uid: int = 1001
    gid: int = 1001
    sid: str = "S-1-5-21-1000000000-2000000000-3000000000-1104"


@dataclass(frozen=True, slots=True)
class Operation:
    """One file operation that has happened on a volume. Paths are volume-relative and start with a slash."""

    code: str  # the wire's ReqType, for example NFS_CREAT
    time_us: int  # microseconds since 1970, unique and increasing over the whole simulator
    volume: Volume
    protocol: Protocol
    client: Client
    path: str
    target: str | None = None
    file_type: FileType = FileType.FILE
    size_before: int = 0
    offset: int | None = None
    length: int | None = None
    traits: frozenset[str] = frozenset()  # the event filters that hold of it, for example first_write
    attribute: str = "modify_time"  # what a setattr changes
    changed_paths: tuple[str, ...] = ()  # every path whose content or existence this operation changed
    seq: int = 0
