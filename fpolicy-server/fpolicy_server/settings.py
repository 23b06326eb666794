"""The server's settings: read once from the environment, checked, and never read again."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fsxn_runtime.edge.settings import choice, integer, log_level, metric_namespace, text
from fsxn_runtime.errors import MisconfiguredError

from fpolicy_server.framing import framing_mode
from fpolicy_server.tls import TlsSettings
from fpolicy_server.translate import PathRoot
from fpolicy_server.verdict import DenyRule, rules_from_json
from fpolicy_server.wire import FieldMap, FramingMode, MessageType, field_map_from_json

_MIB = 1024 * 1024
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class SpoolSettings:
    """Where memory overflows to. `is_lasting`: whether the directory outlives the host."""

    directory: Path
    max_bytes: int
    is_lasting: bool


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings; names and meaning are in fpolicy-server/README.md."""

    listen: Address
    health_listen: Address
    queue_url: str
    quarantine_url: str
    max_frame_bytes: int
    max_unacked_events: int
    high_water_percent: int
    low_water_percent: int
    max_connections: int
    recv_buffer_bytes: int
    handshake_timeout_seconds: int
    read_timeout_seconds: int
    batch_linger_ms: int
    events_per_message: int
    spool: SpoolSettings | None  # None: memory only
    shutdown_deadline_seconds: int
    drain_idle_ms: int
    allowed_policies: frozenset[str]  # empty: every policy
    allowed_peers: tuple[Network, ...]  # empty: every peer
    tls: TlsSettings | None  # None: plain TCP
    answer_deadline_ms: int | None  # None: asynchronous policies, which wait for no answer
    deny_rules: tuple[DenyRule, ...]
    framing_mode: FramingMode | None  # None: quoted frames only
    field_map: FieldMap | None  # None: protobuf connections are refused
    capture_dir: Path | None  # None: nothing is captured
    path_root: PathRoot
    volume_map: str  # empty, a file, or s3://bucket/key
    volume_map_refresh_seconds: int
    metrics_interval_seconds: int
    metric_namespace: str
    log_level: str

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Settings:
        """Read and check every setting. Raises MisconfiguredError naming the first wrong one."""
        mode = choice(env, "FPOLICY_MODE", ["asynchronous", "synchronous"], "asynchronous")
        # Below the 10 s after which ONTAP asks for a request, and the 20 s after which it cancels it.
        deadline_ms = integer(env, "FPOLICY_ANSWER_DEADLINE_MS", 5000, minimum=100, maximum=100_000)
        settings = cls(
            listen=_address(env, "FPOLICY_LISTEN", "0.0.0.0:9898"),
            health_listen=_address(env, "FPOLICY_HEALTH_LISTEN", "0.0.0.0:9899"),
            queue_url=_url(env, "SQS_QUEUE_URL"),
            quarantine_url=_url(env, "FPOLICY_QUARANTINE_URL"),
            # Four names of 4 KiB, escaped, must fit; 10 MiB is what other servers allow.
            max_frame_bytes=integer(
                env, "FPOLICY_MAX_FRAME_BYTES", _MIB, minimum=32 * 1024, maximum=10 * _MIB
            ),
            # About 3 KB of memory per event.
            max_unacked_events=integer(
                env, "FPOLICY_MAX_UNACKED_EVENTS", 10_000, minimum=100, maximum=1_000_000
            ),
            high_water_percent=integer(env, "FPOLICY_HIGH_WATER_PERCENT", 80, minimum=2, maximum=99),
            low_water_percent=integer(env, "FPOLICY_LOW_WATER_PERCENT", 50, minimum=1, maximum=98),
            max_connections=integer(env, "FPOLICY_MAX_CONNECTIONS", 256, minimum=1, maximum=4096),
            recv_buffer_bytes=integer(
                env, "FPOLICY_RECV_BUFFER_BYTES", 262_144, minimum=4096, maximum=16 * _MIB
            ),
            handshake_timeout_seconds=integer(
                env, "FPOLICY_HANDSHAKE_TIMEOUT_SECONDS", 5, minimum=1, maximum=60
            ),
            # Above the node's keep-alive interval, which ONTAP allows from 10 s to 600 s.
            read_timeout_seconds=integer(env, "FPOLICY_READ_TIMEOUT_SECONDS", 300, minimum=15, maximum=3600),
            batch_linger_ms=integer(env, "FPOLICY_BATCH_LINGER_MS", 50, minimum=0, maximum=5000),
            events_per_message=integer(env, "FPOLICY_EVENTS_PER_MESSAGE", 1, minimum=1, maximum=1000),
            spool=_spool(env),
            shutdown_deadline_seconds=integer(
                env, "FPOLICY_SHUTDOWN_DEADLINE_SECONDS", 100, minimum=1, maximum=115
            ),
            drain_idle_ms=integer(env, "FPOLICY_DRAIN_IDLE_MS", 500, minimum=50, maximum=60_000),
            allowed_policies=frozenset(_words(env, "FPOLICY_ALLOWED_POLICIES")),
            allowed_peers=_networks(env, "FPOLICY_ALLOWED_PEERS"),
            tls=_tls(env),
            answer_deadline_ms=deadline_ms if mode == "synchronous" else None,
            deny_rules=rules_from_json(text(env, "FPOLICY_DENY_RULES", "") or "[]"),
            framing_mode=framing_mode(env),
            field_map=field_map_of(env),
            capture_dir=_directory(env, "FPOLICY_CAPTURE_DIR"),
            path_root=PathRoot(choice(env, "FPOLICY_PATH_ROOT", list(PathRoot), PathRoot.VOLUME)),
            volume_map=_location(env, "FPOLICY_VOLUME_MAP"),
            volume_map_refresh_seconds=integer(
                env, "FPOLICY_VOLUME_MAP_REFRESH_SECONDS", 60, minimum=1, maximum=86_400
            ),
            metrics_interval_seconds=integer(
                env, "FPOLICY_METRICS_INTERVAL_SECONDS", 60, minimum=1, maximum=60
            ),
            metric_namespace=metric_namespace(env),
            log_level=log_level(env),
        )
        if settings.deny_rules and settings.answer_deadline_ms is None:
            raise MisconfiguredError(
                "FPOLICY_DENY_RULES needs FPOLICY_MODE synchronous: an asynchronous policy asks nobody",
                code="wrong_setting",
            )
        _check_field_map(settings)
        if settings.low_water_percent >= settings.high_water_percent:
            raise MisconfiguredError(
                f"FPOLICY_LOW_WATER_PERCENT is {settings.low_water_percent}; it must be below "
                f"FPOLICY_HIGH_WATER_PERCENT, which is {settings.high_water_percent}",
                code="wrong_setting",
            )
        if mode == "synchronous" and settings.spool and not settings.spool.is_lasting:
            raise MisconfiguredError(
                "FPOLICY_SPOOL_DIR with FPOLICY_MODE synchronous needs FPOLICY_SPOOL_LASTING true: an answer "
                "says that the event is safe",
                code="wrong_setting",
            )
        return settings


def health_address(env: Mapping[str, str]) -> Address:
    """Read only where the health endpoint is, as a client on this host reaches it."""
    address = _address(env, "FPOLICY_HEALTH_LISTEN", "0.0.0.0:9899")
    local = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared with, not bound to
    return Address(local.get(address.host, address.host), address.port)


def field_map_of(env: Mapping[str, str]) -> FieldMap | None:
    """Read the field map, JSON or a file with JSON: once, so that it is right or wrong at the start."""
    value = text(env, "FPOLICY_PROTOBUF_FIELD_MAP", "")
    if not value:
        return None
    if value.startswith("{"):
        return field_map_from_json(value)
    try:
        return field_map_from_json(Path(value).read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as exc:
        raise MisconfiguredError(
            f"FPOLICY_PROTOBUF_FIELD_MAP is {value!r:.100}; it must be JSON or a file with JSON: {exc}",
            code="wrong_setting",
        ) from exc


def _address(env: Mapping[str, str], name: str, default: str) -> Address:
    value = text(env, name, default)
    host, _, port = value.rpartition(":")
    try:
        return Address(str(ipaddress.ip_address(host.strip("[]"))), _port(port))
    except ValueError:
        raise MisconfiguredError(
            f"{name} is {value!r}; it must be an address and a port, like 0.0.0.0:9898", code="wrong_setting"
        ) from None


def _port(value: str) -> int:
    port = int(value)
    if not 1 <= port <= 65_535:
        raise ValueError
    return port


def _url(env: Mapping[str, str], name: str) -> str:
    value = text(env, name)
    if not value.startswith(("https://", "http://")):
        raise MisconfiguredError(f"{name} is {value!r}; it must be the URL of a queue", code="wrong_setting")
    return value


def _words(env: Mapping[str, str], name: str) -> list[str]:
    return [word for word in (part.strip() for part in text(env, name, "").split(",")) if word]


def _networks(env: Mapping[str, str], name: str) -> tuple[Network, ...]:
    try:
        return tuple(ipaddress.ip_network(word) for word in _words(env, name))
    except ValueError as exc:
        raise MisconfiguredError(
            f"{name} is wrong: {exc}; it must be addresses or networks, separated by commas",
            code="wrong_setting",
        ) from None


def _tls(env: Mapping[str, str]) -> TlsSettings | None:
    certificate, key, client_ca = (
        text(env, name, "") for name in ("FPOLICY_TLS_CERT", "FPOLICY_TLS_KEY", "FPOLICY_TLS_CLIENT_CA")
    )
    if not certificate and not key and not client_ca:
        return None
    if not certificate or not key:
        raise MisconfiguredError(
            "FPOLICY_TLS_CERT and FPOLICY_TLS_KEY must be set together, each a PEM file or PEM text; "
            "FPOLICY_TLS_CLIENT_CA needs both",
            code="wrong_setting",
        )
    return TlsSettings(certificate, key, client_ca)


def _spool(env: Mapping[str, str]) -> SpoolSettings | None:
    directory = _directory(env, "FPOLICY_SPOOL_DIR")
    max_bytes = integer(
        env, "FPOLICY_SPOOL_MAX_BYTES", 10 * 1024 * _MIB, minimum=16 * _MIB, maximum=1024 * 1024 * _MIB
    )
    is_lasting = choice(env, "FPOLICY_SPOOL_LASTING", ["true", "false"], "false") == "true"
    return SpoolSettings(directory, max_bytes, is_lasting) if directory else None


def _directory(env: Mapping[str, str], name: str) -> Path | None:
    directory = text(env, name, "")
    return Path(directory) if directory else None


def _check_field_map(settings: Settings) -> None:
    if settings.field_map is None:
        return
    if settings.framing_mode is None:
        raise MisconfiguredError(
            f"FPOLICY_PROTOBUF_FIELD_MAP needs PROTOBUF_FRAMING_MODE, one of {', '.join(FramingMode)}: a "
            "protobuf engine sends no quoted frames (docs/wire/protobuf.md)",
            code="wrong_setting",
        )
    if settings.answer_deadline_ms is not None and MessageType.SCREEN_RESP not in settings.field_map.replies:
        raise MisconfiguredError(
            "FPOLICY_PROTOBUF_FIELD_MAP: replies has no SCREEN_RESP; FPOLICY_MODE synchronous needs one, or "
            "clients wait for an answer that never comes",
            code="wrong_setting",
        )


def _location(env: Mapping[str, str], name: str) -> str:
    value = text(env, name, "")
    if value.startswith("s3://") and not all(value.removeprefix("s3://").partition("/")):
        raise MisconfiguredError(
            f"{name} is {value!r}; it must be a file or s3://bucket/key", code="wrong_setting"
        )
    return value
