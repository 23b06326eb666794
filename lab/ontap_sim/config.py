"""The simulator's configuration file (JSON): what exists at start, and the switches for what is unknown."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, TypeVar

from lab.ontap_sim.model import Client, Protocol, S3Face, SimError, Svm, Volume

_NAMESPACE = uuid.UUID("6d1f6f0a-52c4-4a6e-9f57-0d9c6d6f3a10")  # any fixed value: equal names, equal ids
_FIRST_MSID = 2147484674  # MSIDs of data volumes start near 2**31
_DEFAULT_VOLUME_BYTES = 1 << 40

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Switches:
    """One field per behaviour that no reference settles, or that a test wants otherwise.

    README.md of this folder says for each what is known. Times are seconds.
    """

    protocol_versions: tuple[str, ...] = ("1.0", "1.1", "1.2")
    path_root: str = "volume"  # volume | namespace
    node_spread: str = "file"  # file | alternate: which node an operation belongs to
    replay_order: str = "shuffle"  # shuffle | documented | in_order
    replay_window: int = 0  # entries that the shuffle may reach over; 0 = the whole backlog
    replay_time: str = "original"  # original | replay: GenerationTime of replayed notifications
    on_back_pressure: str = "hold"  # hold | store | drop | ignore
    retry_limit: str = "keep_trying"  # keep_trying | stop: after max_connection_retries
    retry_initial_seconds: float = 0.2
    retry_max_seconds: float = 2.0
    handshake_seconds: float = 2.0  # the wait that nodes are known to have
    stall_seconds: float = 30.0  # how long a full send buffer is borne before the node breaks the connection
    first_write_window_seconds: float = 1.0  # a write is "first" again after this long without one
    restart_seconds: float = 1.0  # how long a restarted node is away
    cluster_objects: bool = False  # an engine and a policy of the cluster show up in every SVM's collections
    max_failed_logins: int = 6  # wrong passwords in a row that lock an account; 0: never
    lockout_seconds: float = 86400.0  # how long such a lock lasts
    old_password_seconds: float = 0.0  # how long the password before still works
    password_min_length: int = 8
    password_min_special: int = 0
    password_history: int = 6  # so many earlier passwords are refused
    may_change_others: str = "self"  # self | fsxadmin: who changes another's password over REST
    reset_unlocks: str = "no"  # no | yes: whether a reset by AWS also unlocks the account
    reset_seconds: float = 0.5  # until a reset by AWS is live
    fpolicy_ca_type: str = "client_ca"  # client_ca | server_ca | root_ca | any: what verifies FPolicy servers
    snapshot_reserve_percent: int = 5
    job_queued_seconds: float = 0.05
    job_running_seconds: float = 0.1
    job_kept_seconds: float = 300.0  # after its end a job is still shown this long
    delivered: str = "written"  # written | acknowledged | repeat: what a broken connection has delivered
    policy_time: str = "same"  # same | own: whether two policies give one operation one GenerationTime
    primary_sharing: str = "round_robin"  # round_robin | file_hash | first
    lockout_counts: str = "eagain"  # eagain | any_break: which breaks count towards the lock-out
    tcp_failed_code: int = 9370  # 9307 is known with the same text
    nodes_without_lif: tuple[int, ...] = ()  # numbers of nodes where the SVMs have no LIF
    outbox_notifications: int = 10_000  # what a connection holds in memory; more is stored or dropped
    seed: int = 1


_CHOICES: Mapping[str, tuple[str, ...]] = {
    "path_root": ("volume", "namespace"),
    "node_spread": ("file", "alternate"),
    "replay_order": ("shuffle", "documented", "in_order"),
    "replay_time": ("original", "replay"),
    "on_back_pressure": ("hold", "store", "drop", "ignore"),
    "delivered": ("written", "acknowledged", "repeat"),
    "policy_time": ("same", "own"),
    "primary_sharing": ("round_robin", "file_hash", "first"),
    "lockout_counts": ("eagain", "any_break"),
    "retry_limit": ("keep_trying", "stop"),
    "may_change_others": ("self", "fsxadmin"),
    "reset_unlocks": ("no", "yes"),
    "fpolicy_ca_type": ("client_ca", "server_ca", "root_ca", "any"),
}

# What `POST /switches` may change while it runs: how notifications are shared, stamped and ordered.
LIVE_SWITCHES = frozenset(
    {
        "node_spread",
        "on_back_pressure",
        "policy_time",
        "primary_sharing",
        "replay_order",
        "replay_time",
        "replay_window",
    }
)


@dataclass(frozen=True, slots=True)
class S3Connection:
    """Where the volumes' S3 face lives. `threads` uploads run at once."""

    endpoint: str
    region: str = "us-east-1"
    access_key: str = "test"
    secret_key: str = "test"  # noqa: S105 (the local AWS's fixed root key)
    account: str = "000000000000"
    threads: int = 8  # one put takes 2 to 3 ms, most of it in the local AWS


@dataclass(frozen=True, slots=True)
class FileSystemSettings:
    """The file system as AWS sees it. Times are seconds; how long an update takes on AWS is hours."""

    id: str = "fs-0123456789abcdef0"
    port: int = 0  # of the FSx API; 0: any that is free
    storage_capacity_gib: int = 1024  # the least that FSx for ONTAP has
    update_seconds: float = 0.5
    optimize_seconds: float = 1.0
    growth_interval_seconds: float = 6 * 3600.0  # a rule of FSx, not a guess
    metrics_seconds: float = 0.0  # between two points of each metric; 0: only when asked for


@dataclass(frozen=True, slots=True)
class ProtobufSettings:
    """How engines of format protobuf are spoken to. The file has the map, or the name of its file."""

    field_map: Mapping[str, Any]
    framing: str = "LENGTH_PREFIXED"


@dataclass(frozen=True, slots=True)
class AccountSettings:
    """An account that is there at start. Without `svm` it is one of the file system."""

    name: str
    password: str = field(repr=False)
    role: str = "fsxadmin"
    svm: str = ""
    applications: tuple[str, ...] = ("http", "ssh")


@dataclass(frozen=True, slots=True)
class Config:
    """Everything the process needs to start."""

    directory: Path  # certificate and, by default, the ledger
    ledger: Path
    volumes: tuple[Volume, ...]
    username: str = "fsxadmin"
    password: str = "lab-Passw0rd"  # noqa: S105 (a laboratory default; the caller may give another)
    accounts: tuple[AccountSettings, ...] = ()  # besides that of `username`
    nodes: int = 2
    sessions: Mapping[str, tuple[Mapping[str, Any], ...]] = field(default_factory=dict)
    default_client: Client = field(default_factory=Client)
    default_protocol: Protocol = field(default_factory=lambda: Protocol("NFS", 3, 0))
    s3: S3Connection | None = None
    protobuf: ProtobufSettings | None = None  # None: engines of that format are refused
    file_system: FileSystemSettings = field(default_factory=FileSystemSettings)
    switches: Switches = field(default_factory=Switches)

    @property
    def svms(self) -> tuple[Svm, ...]:
        """Give each SVM once, in the order of the file."""
        return tuple(dict.fromkeys(volume.svm for volume in self.volumes))


def load(data: Mapping[str, Any]) -> Config:
    """Check the parsed configuration file. Raises SimError with the value seen and what is allowed."""
    _only(data, "configuration", {f.name for f in fields(Config)} - {"volumes"} | {"svms"})
    directory = Path(data["directory"]).resolve()
    volumes = tuple(_volumes(data["svms"]))
    client = dict(data.get("default_client", {}))
    protocol = Protocol.parse(client.pop("protocol", "NFS 3.0"))
    names = [volume.name for volume in volumes]
    if len(set(names)) < len(names):
        raise SimError(f"volume names are {names}; each may be there once, over all SVMs")
    if any(volume.s3 for volume in volumes) and "s3" not in data:
        raise SimError("a volume has an S3 face, but the configuration has no 's3' connection")
    return Config(
        directory=directory,
        ledger=Path(data.get("ledger", directory / "ledger.jsonl")).resolve(),
        volumes=volumes,
        username=data.get("username", "fsxadmin"),
        password=data.get("password", "lab-Passw0rd"),
        accounts=tuple(_account(entry, data["svms"]) for entry in data.get("accounts", [])),
        nodes=int(data.get("nodes", 2)),
        sessions=sessions(data.get("sessions", {})),
        default_client=_build(Client, client, "default_client"),
        default_protocol=protocol,
        s3=_build(S3Connection, data["s3"], "s3") if data.get("s3") else None,
        protobuf=_protobuf(data["protobuf"]) if data.get("protobuf") else None,
        file_system=_build(FileSystemSettings, data.get("file_system", {}), "file_system"),
        switches=_switches(data.get("switches", {})),
    )


def _protobuf(data: Mapping[str, Any]) -> ProtobufSettings:
    field_map = data.get("field_map")
    if isinstance(field_map, str):
        field_map = json.loads(Path(field_map).read_text("utf-8"))
    return _build(ProtobufSettings, {**data, "field_map": field_map}, "protobuf")


def _volumes(svms: list[dict[str, Any]]) -> list[Volume]:
    volumes: list[Volume] = []
    for entry in svms:
        _only(entry, "svm", {"name", "uuid", "cifs_server", "volumes"})
        name = entry["name"]
        svm = Svm(name, entry.get("uuid") or _uuid(name), entry.get("cifs_server", "FS1"))
        for item in entry["volumes"]:
            _only(item, "volume", {f.name for f in fields(Volume)} - {"svm"})
            volumes.append(
                Volume(
                    svm=svm,
                    name=item["name"],
                    uuid=item.get("uuid") or _uuid(name, item["name"]),
                    msid=item.get("msid", _FIRST_MSID + len(volumes)),
                    junction_path=item.get("junction_path", f"/{item['name']}"),
                    directory=Path(item["directory"]).resolve(),
                    share=item.get("share", item["name"]),
                    size_bytes=item.get("size_bytes", _DEFAULT_VOLUME_BYTES),
                    export_policy=item.get("export_policy", "default"),
                    s3=_build(S3Face, item["s3"], "s3 of a volume") if item.get("s3") else None,
                )
            )
    return volumes


def sessions(data: Mapping[str, Any]) -> Mapping[str, tuple[Mapping[str, Any], ...]]:
    """Check the clients' sessions: lists of records below `cifs` and `nfs`. Raises SimError."""
    _only(data, "sessions", {"cifs", "nfs"})
    return {kind: tuple(data.get(kind, ())) for kind in ("cifs", "nfs")}


def _account(entry: dict[str, Any], svms: list[dict[str, Any]]) -> AccountSettings:
    account = _build(AccountSettings, entry, "account")
    names = [svm["name"] for svm in svms]
    if account.svm and account.svm not in names:
        raise SimError(f"account {account.name!r} is of svm {account.svm!r}; there are {names}")
    return account


def switched(switches: Switches, changes: Mapping[str, Any]) -> Switches:
    """Change some of the LIVE_SWITCHES. Raises SimError."""
    _only(changes, "switches", set(LIVE_SWITCHES))
    _check_choices(changes)
    return replace(switches, **changes)


def _check_choices(data: Mapping[str, Any]) -> None:
    for name, allowed in _CHOICES.items():
        if data.get(name, allowed[0]) not in allowed:
            raise SimError(f"switch {name} is {data[name]!r}; allowed: {', '.join(allowed)}")


def _switches(data: Mapping[str, Any]) -> Switches:
    _check_choices(data)
    return _build(
        Switches,
        {name: tuple(value) if isinstance(value, list) else value for name, value in data.items()},
        "switches",
    )


def _build(kind: type[T], data: Mapping[str, Any], what: str) -> T:
    _only(data, what, {f.name for f in fields(kind)})  # type: ignore[arg-type]
    return kind(**data)


def _only(data: Mapping[str, Any], what: str, allowed: set[str]) -> None:
    unknown = sorted(set(data) - allowed)
    if unknown:
        raise SimError(f"{what} has unknown {unknown}; allowed: {sorted(allowed)}")


def _uuid(*names: str) -> str:
    return str(uuid.uuid5(_NAMESPACE, "/".join(names)))
