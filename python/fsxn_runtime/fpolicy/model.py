"""What ONTAP's FPolicy side is wanted to be, what it is seen to be, and the steps from one to the other.

Everything is compared by meaning: servers and members as sets, durations in seconds, what ONTAP leaves out of
an answer as empty (ONTAP REST reference 13.1, 13.2).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

# Every object of a guard has the name of what it stands in for with this behind it.
GUARD_SUFFIX: Final = "_guard"
CERTIFICATE_INFIX: Final = "_ca_"
# ONTAP REST reference 13.4: priorities of the enabled policies of an SVM are unique, 1 to 10.
PRIORITIES: Final = range(1, 11)


@dataclass(frozen=True, slots=True)
class Event:
    """An event set: which operations of one protocol are notified."""

    name: str
    protocol: str
    operations: frozenset[str]
    filters: frozenset[str] = frozenset()
    monitors_volumes: bool = False
    monitors_failures: bool = False


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """A certificate of the SVM, as ONTAP names it: common name, serial number, common name of its CA.

    It is on the SVM, with its key, before an engine names it: a key never passes through here.
    """

    name: str
    serial_number: str
    ca: str


@dataclass(frozen=True, slots=True)
class Engine:
    """An external engine: which servers the nodes of the SVM dial, and how.

    `client_certificate` is what the nodes show a server that asks who they are, with ssl_option mutual_auth.
    """

    name: str
    servers: frozenset[str]
    port: int
    keep_alive_seconds: int = 120
    ssl_option: str = "no_auth"
    secondary_servers: frozenset[str] = frozenset()
    kind: str = "asynchronous"
    wire_format: str = "xml"
    client_certificate: ClientCertificate | None = None


@dataclass(frozen=True, slots=True)
class Store:
    """The persistent store of an SVM; it has one at most, shared by all its policies."""

    name: str
    volume: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy. `scope` is a set of (field, member) pairs; a flag that is on has the member "true".

    `store` is the name of a persistent store, "" for none. `priority` is None while disabled, because ONTAP
    shows none then.
    """

    name: str
    engine: str
    events: frozenset[str]
    scope: frozenset[tuple[str, str]]
    store: str = ""
    is_mandatory: bool = False
    reads_through: bool = False
    allows_privileged: bool = False
    is_enabled: bool = False
    priority: int | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """One record of ONTAP's connection list: node, policy and server."""

    node: str
    policy: str
    server: str
    is_connected: bool = False
    reason: str = ""
    changed_us: int | None = None  # by ONTAP's clock


@dataclass(frozen=True, slots=True)
class Certificate:
    """A CA certificate to install on the SVM, so that its nodes trust the server's certificate.

    `name` is the policy's name, "_ca_" and the fingerprint, so another certificate has another name and ours
    are known by it. Which type ONTAP reads for FPolicy is unknown; NetApp's pages use client_ca (ONTAP REST
    reference 13.1).
    """

    name: str
    fingerprint: str  # records.fingerprint of kind and text
    pem: str = field(repr=False)
    kind: str = "client_ca"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What one SVM is wanted to have; kept outside ONTAP. The engine's servers are those of the tasks.

    `policy.is_enabled` and `policy.priority` are wishes: a priority that a foreign policy has is respected.
    """

    svm: str
    policy: Policy
    engine: Engine
    events: tuple[Event, ...]
    store: Store | None = None
    is_guarded: bool = True
    certificates: tuple[Certificate, ...] = ()
    had_certificates: bool = False

    @property
    def looks_at_certificates(self) -> bool:
        """Say whether there may be certificates of ours; without TLS the role need not read them."""
        return self.had_certificates or bool(self.certificates)


@dataclass(frozen=True, slots=True)
class Observed:
    """What ONTAP shows of one SVM, by name."""

    engines: Mapping[str, Engine] = field(default_factory=dict)
    events: Mapping[str, Event] = field(default_factory=dict)
    stores: Mapping[str, Store] = field(default_factory=dict)
    policies: Mapping[str, Policy] = field(default_factory=dict)
    links: tuple[Link, ...] = ()
    certificates: Mapping[str, str] = field(default_factory=dict)  # fingerprints


class Probe(StrEnum):
    """What a task's /readyz said."""

    READY = "ready"
    NOT_READY = "not_ready"
    SILENT = "silent"  # no answer: unreachable, or too slow


@dataclass(frozen=True, slots=True)
class Task:
    """A server task that ECS shows as RUNNING and wants to run."""

    address: str
    probe: Probe
    started_us: int = 0


# steps -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class InstallCertificate:
    """Let the SVM's nodes trust the server's CA."""

    certificate: Certificate


@dataclass(frozen=True, slots=True)
class CreateStore:
    """Make the SVM's persistent store, with its volume."""

    store: Store


@dataclass(frozen=True, slots=True)
class GrowStore:
    """Give our persistent store its wanted size, which is larger than it has."""

    name: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class PutEvent:
    """Create an event set, or bring one that no enabled policy uses to what is wanted."""

    event: Event
    observed: Event | None


@dataclass(frozen=True, slots=True)
class PutEngine:
    """Create an engine, or change one that no enabled policy uses. Its servers are never empty."""

    engine: Engine
    exists: bool


@dataclass(frozen=True, slots=True)
class PutPolicy:
    """Create a policy, disabled, or change one that is disabled."""

    policy: Policy
    observed: Policy | None


@dataclass(frozen=True, slots=True)
class Enable:
    """Enable a policy; disabled before or not, it is enabled then."""

    policy: str
    priority: int


class Why(StrEnum):
    """Why a policy is disabled."""

    GUARDED = "guarded"  # to change it, while its guard is connected
    GUARD_OFF = "guard_off"  # to change it, without a guard, as wanted
    GUARD_NOT_CONNECTED = "guard_not_connected"  # to change it, although its guard is not there
    NO_FREE_PRIORITY = "no_free_priority"  # to change it, without a guard, because ten policies are enabled
    SPARE = "spare"  # a guard that is not needed any more, or must be changed itself
    UNWANTED = "unwanted"


UNGUARDED: Final = frozenset({Why.GUARD_NOT_CONNECTED, Why.NO_FREE_PRIORITY})


@dataclass(frozen=True, slots=True)
class Disable:
    """Disable a policy; enabled before or not, it is disabled then."""

    policy: str
    why: Why


@dataclass(frozen=True, slots=True)
class Connect:
    """Ask a node to connect to a server again, which it may not do by itself any more."""

    link: Link


class Kind(StrEnum):
    """What can be deleted; the values are ONTAP's names in REST paths."""

    POLICY = "policies"
    ENGINE = "engines"
    EVENT = "events"
    STORE = "persistent-stores"
    CERTIFICATE = "certificates"


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete an object of ours that nothing uses."""

    kind: Kind
    name: str


class WaitFor(StrEnum):
    """What a look at ONTAP may show later without a step of ours."""

    GUARD = "guard"  # the guard's connections
    LINKS = "links"  # the policy's connections
    RECONNECT = "reconnect"  # connections that were asked for
    LINGER = "linger"  # what the guard captured in the gap and has not sent yet


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to do now but to look again."""

    what: WaitFor


Change = (
    InstallCertificate
    | CreateStore
    | GrowStore
    | PutEvent
    | PutEngine
    | PutPolicy
    | Enable
    | Disable
    | Connect
    | Delete
)
Step = Change | Wait


@dataclass(frozen=True, slots=True)
class Patience:
    """What was waited for long enough in this run, and which connections were asked for."""

    over: frozenset[WaitFor] = frozenset()
    asked: frozenset[tuple[str, str]] = frozenset()  # (node, server)
