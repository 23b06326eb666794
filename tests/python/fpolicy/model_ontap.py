"""ONTAP's FPolicy side as a few dictionaries: the rules of ONTAP REST reference 13, and nothing else.

Written apart from the product's core: every rule raises, so a step out of order is seen at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from fsxn_runtime.fpolicy.model import (
    Certificate,
    Change,
    Connect,
    CreateStore,
    Delete,
    Disable,
    Enable,
    Engine,
    Event,
    GrowStore,
    InstallCertificate,
    Kind,
    Link,
    Observed,
    Policy,
    PutEngine,
    PutEvent,
    PutPolicy,
    Store,
)

NODES = ("node-1", "node-2")


class RefusalError(Exception):
    """ONTAP says no."""


class ModelOntap:
    """One SVM. `alive`: servers that answer; `stuck`: (node, server) that must be asked to connect."""

    def __init__(self, observed: Observed, alive: Iterable[str] = ()) -> None:
        self.engines: dict[str, Engine] = dict(observed.engines)
        self.events: dict[str, Event] = dict(observed.events)
        self.stores: dict[str, Store] = dict(observed.stores)
        self.policies: dict[str, Policy] = dict(observed.policies)
        self.certificates = dict(observed.certificates)
        self.alive = set(alive)
        self.stuck: set[tuple[str, str]] = set()
        self.sees_guards = True
        self.refuses: set[type[Change]] = set()
        self.uncovered = 0  # moments in which neither the policy nor a connected guard captures
        self.log: list[Change] = []

    def look(self) -> Observed:
        return Observed(
            dict(self.engines),
            dict(self.events),
            dict(self.stores),
            dict(self.policies),
            tuple(self._links()),
            dict(self.certificates),
        )

    def _links(self) -> Iterable[Link]:
        for policy in self.policies.values():
            if not policy.is_enabled or policy.engine == "native":
                continue
            for node in NODES:
                for server in sorted(self.engines[policy.engine].servers):
                    up = server in self.alive and (node, server) not in self.stuck
                    if policy.name.endswith("_guard") and not self.sees_guards:
                        up = False
                    yield Link(node, policy.name, server, up, "" if up else "TCP")

    def do(self, step: Change) -> None:
        if type(step) in self.refuses:
            raise RefusalError(f"{step} is refused by a switch")
        self.log.append(step)
        match step:
            case InstallCertificate(certificate):
                self._certificate(certificate)
            case CreateStore(store):
                self._need(not self.stores, "one store per SVM")
                self.stores[store.name] = store
            case GrowStore(name, size):
                self._need(size > self.stores[name].size_bytes, "a store never shrinks here")
                self.stores[name] = replace(self.stores[name], size_bytes=size)
            case PutEvent(event, before):
                self._need(self.events.get(event.name) == before, f"{event.name} is not what was seen")
                self._need_unused(event.name, "event")
                self.events[event.name] = event
            case PutEngine(engine, exists):
                self._need((engine.name in self.engines) is exists, f"engine {engine.name}: exists {exists}")
                self._need(bool(engine.servers), "an engine with no server")
                self._need(not engine.servers & engine.secondary_servers, "9764922")
                self._need_unused(engine.name, "engine")
                self.engines[engine.name] = engine
            case PutPolicy(policy, before):
                self._need(self.policies.get(policy.name) == before, f"{policy.name} is not what was seen")
                self._policy(policy)
            case Enable(name, priority):
                policy = self.policies[name]
                self._need(policy.engine in {*self.engines, "native"}, "no such engine")
                taken = {p.priority for p in self.policies.values() if p.is_enabled and p.name != name}
                self._need(priority not in taken, f"9765029 priority {priority} is taken")
                self.policies[name] = replace(policy, is_enabled=True, priority=priority)
            case Disable(name):
                self.policies[name] = replace(self.policies[name], is_enabled=False, priority=None)
            case Connect(link):
                self.stuck.discard((link.node, link.server))
            case Delete(kind, name):
                self._delete(kind, name)

    def captures(self, name: str) -> bool:
        """Whether an operation made now is captured: by the policy, or by its guard on every node."""
        if self.policies[name].is_enabled:
            return True
        covered = {
            link.node for link in self._links() if link.policy == f"{name}_guard" and link.is_connected
        }
        return covered == set(NODES)

    def _certificate(self, certificate: Certificate) -> None:
        self._need(certificate.name not in self.certificates, "installed already")
        self._need(certificate.fingerprint not in self.certificates.values(), "installed by somebody")
        self.certificates[certificate.name] = certificate.fingerprint

    def _policy(self, policy: Policy) -> None:
        self._need(policy.engine in self.engines, f"no engine {policy.engine}")
        self._need(policy.events <= self.events.keys(), "no such event")
        if policy.store:
            asynchronous = self.engines[policy.engine].kind == "asynchronous"
            self._need(policy.store in self.stores, f"no store {policy.store}")
            self._need(asynchronous and not policy.is_mandatory, "a store needs asynchronous, not mandatory")
        if policy.name in self.policies:
            self._need(not self.policies[policy.name].is_enabled, "9765036 enabled")
        self.policies[policy.name] = replace(policy, is_enabled=False, priority=None)

    def _delete(self, kind: Kind, name: str) -> None:
        if kind is Kind.POLICY:
            self._need(not self.policies[name].is_enabled, "9764941 enabled")
            del self.policies[name]
            return
        if kind is Kind.CERTIFICATE:
            del self.certificates[name]
            return
        users = {
            Kind.ENGINE: {p.engine for p in self.policies.values()},
            Kind.EVENT: {event for p in self.policies.values() for event in p.events},
            Kind.STORE: {p.store for p in self.policies.values()},
        }[kind]
        self._need(name not in users, f"{name} is used")
        {Kind.ENGINE: self.engines, Kind.EVENT: self.events, Kind.STORE: self.stores}[kind].pop(name)

    def _need_unused(self, name: str, what: str) -> None:
        for policy in self.policies.values():
            uses = policy.engine == name if what == "engine" else name in policy.events
            self._need(not (policy.is_enabled and uses), f"9764942 {what} {name} is used by {policy.name}")

    @staticmethod
    def _need(condition: bool, why: str) -> None:
        if not condition:
            raise RefusalError(why)
