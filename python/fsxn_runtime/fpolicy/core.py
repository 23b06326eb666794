"""The next step from what ONTAP shows to what is wanted. Pure: one look in, one step out.

Nothing is remembered between two steps but how long was waited, so a run that died anywhere is continued by
the next one from what it sees. The rules that shape the order (ONTAP REST reference 13.3, 13.4, 13.6):

- An engine cannot change while an enabled policy uses it, nor can events or anything of the policy but its
  switch. While a policy is disabled nothing is captured, store or not.
- So everything that can be made beforehand is made beforehand, and a policy that is disabled comes first.
- A guard stands in for the policy while it is disabled: a second policy of the same scope and events, without
  store, on an engine of its own that names the new servers. It is a whole set of its own, so a change that
  ONTAP refuses is refused at the guard, before the policy was touched.
- An engine never gets an empty list of servers. Without servers nothing of a running policy is changed, and
  one that a dead run left disabled gets back what it had, so that its store captures.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from fsxn_runtime.errors import MisconfiguredError
from fsxn_runtime.fpolicy.model import (
    CERTIFICATE_INFIX,
    GUARD_SUFFIX,
    PRIORITIES,
    Change,
    Connect,
    CreateStore,
    Delete,
    Disable,
    Enable,
    Engine,
    GrowStore,
    InstallCertificate,
    Kind,
    Link,
    Observed,
    Patience,
    Policy,
    Probe,
    PutEngine,
    PutEvent,
    PutPolicy,
    Step,
    Store,
    Task,
    Wait,
    WaitFor,
    Wanted,
    Why,
)


def servers(tasks: Iterable[Task], observed: Observed) -> frozenset[str]:
    """Give the addresses that the engine shall name.

    A task that says it is not ready is left out. One that does not answer the probe stays only while a node
    is connected to it: a slow answer must not take a serving task away.
    """
    connected = {link.server for link in observed.links if link.is_connected}
    return frozenset(
        task.address
        for task in tasks
        if task.probe is Probe.READY or (task.probe is Probe.SILENT and task.address in connected)
    )


def next_step(
    wanted: Wanted, addresses: frozenset[str], observed: Observed, patience: Patience
) -> Step | None:
    """Say the next step; None when there is none: all is as wanted, or there are no servers.

    Raises MisconfiguredError when foreign policies have all priorities.
    """
    if not wanted.policy.is_enabled:
        return _switch_off(wanted, observed)
    main = observed.policies.get(wanted.policy.name)
    aim = _aim(wanted, addresses, observed)
    if main is None or not main.is_enabled:
        return _bring_up(aim, main, observed)
    if not addresses:
        return None
    engine = observed.engines.get(main.engine)
    if engine is not None and engine.name == aim.engine.name and engine.servers != addresses:
        return _take_down(_only_moved(aim, main, observed), observed, patience)
    prepared = _prepare(aim, observed)
    if prepared is not None:
        return prepared
    if _change(aim, observed) is not None or main.priority != _priority(aim.policy, observed):
        return _take_down(aim, observed, patience)
    return _settle(aim, observed, patience)


def patience_after(step: Step, patience: Patience) -> Patience:
    """Say what is left of patience after a step: what is switched on or off is waited for anew."""
    if isinstance(step, Connect):
        return replace(patience, asked=patience.asked | {(step.link.node, step.link.server)})
    return replace(patience, over=frozenset()) if isinstance(step, Enable | Disable) else patience


def foresee(step: Step, observed: Observed) -> Observed | None:
    """Say what ONTAP will show after a step that it accepted; None: look again.

    Used while the policy is disabled, when every look would cost notifications; a look follows at the end.
    """
    match step:
        case Disable(name):
            policy = replace(observed.policies[name], is_enabled=False, priority=None)
            links = tuple(link for link in observed.links if link.policy != name)
            return replace(observed, policies={**observed.policies, name: policy}, links=links)
        case PutEngine(engine):
            return replace(observed, engines={**observed.engines, engine.name: engine})
        case PutEvent(event):
            return replace(observed, events={**observed.events, event.name: event})
        case PutPolicy(policy):
            disabled = replace(policy, is_enabled=False, priority=None)
            return replace(observed, policies={**observed.policies, policy.name: disabled})
    return None


def rescue(wanted: Wanted, observed: Observed) -> Enable | None:
    """Say how to enable a policy that was left disabled by a step that failed, with whatever it has now."""
    main = observed.policies.get(wanted.policy.name)
    if main is None or main.is_enabled or not wanted.policy.is_enabled or main.is_mandatory:
        return None  # a mandatory one that nobody serves would deny clients (ONTAP REST reference 13.4)
    step = _enable(wanted, main, observed)
    return step if isinstance(step, Enable) else None


def removal(wanted: Wanted, observed: Observed, *, keeps_store: bool) -> Change | None:
    """Say the next step of taking away what was made here, known by its names; None when it is gone.

    What anything foreign uses stays, and so does the store unless told otherwise: it may hold notifications.
    """
    names = [wanted.policy.name, wanted.policy.name + GUARD_SUFFIX]
    for name in names:
        policy = observed.policies.get(name)
        if policy is not None:
            return Disable(name, Why.UNWANTED) if policy.is_enabled else Delete(Kind.POLICY, name)
    used = {policy.engine for policy in observed.policies.values()}
    for name in (wanted.engine.name, wanted.engine.name + GUARD_SUFFIX):
        if name in observed.engines and name not in used:
            return Delete(Kind.ENGINE, name)
    used = {name for policy in observed.policies.values() for name in policy.events}
    for event in wanted.events:
        for name in (event.name, event.name + GUARD_SUFFIX):
            if name in observed.events and name not in used:
                return Delete(Kind.EVENT, name)
    used = {policy.store for policy in observed.policies.values()}
    store = None if keeps_store else wanted.store
    if store is not None and store.name in observed.stores and store.name not in used:
        return Delete(Kind.STORE, store.name)
    return _stale_certificate(replace(wanted, certificates=()), observed)


def missing_links(
    wanted: Wanted, addresses: frozenset[str], observed: Observed
) -> frozenset[tuple[str, str]]:
    """Give the (node, server) pairs that are wanted and not connected; node "" when no node is known.

    Without servers there is one pair of empty names: a policy is wanted that nobody serves.
    """
    if not wanted.policy.is_enabled:
        return frozenset()
    nodes = {link.node for link in observed.links} or {""}
    connected = _connected(wanted.policy.name, observed)
    return frozenset((node, server) for node in nodes for server in addresses or {""}) - connected


# what is aimed at ------------------------------------------------------------------------------------


def _aim(wanted: Wanted, addresses: frozenset[str], observed: Observed) -> Wanted:
    """Fill in what only the look shows: servers, and the store that the SVM has already."""
    existing = observed.engines.get(wanted.engine.name)
    kept = existing.servers if existing is not None else frozenset()
    store = wanted.store and (_store_in_use(observed) or wanted.store)
    return replace(
        wanted,
        engine=replace(wanted.engine, servers=addresses or kept),
        policy=replace(wanted.policy, engine=wanted.engine.name, store=store.name if store else ""),
    )


def _only_moved(aim: Wanted, main: Policy, observed: Observed) -> Wanted:
    """Aim at nothing but the new servers, so that a setting which ONTAP refuses never holds them up."""
    return replace(
        aim,
        policy=main,
        engine=_moved(observed.engines[main.engine], aim),
        events=tuple(observed.events[name] for name in sorted(main.events) if name in observed.events),
        store=None,
        certificates=(),
    )


def _moved(engine: Engine, aim: Wanted) -> Engine:
    return replace(engine, servers=aim.engine.servers, secondary_servers=frozenset())


def _store_in_use(observed: Observed) -> Store | None:
    return next(iter(observed.stores.values()), None)


def _guard(aim: Wanted) -> Wanted:
    """Name everything of the policy's set anew, and leave the store away."""
    events = tuple(replace(event, name=event.name + GUARD_SUFFIX) for event in aim.events)
    engine = replace(aim.engine, name=aim.engine.name + GUARD_SUFFIX)
    policy = replace(
        aim.policy,
        name=aim.policy.name + GUARD_SUFFIX,
        engine=engine.name,
        events=frozenset(event.name for event in events),
        store="",
    )
    return replace(aim, policy=policy, engine=engine, events=events, store=None)


# making and changing ---------------------------------------------------------------------------------


def _bring_up(aim: Wanted, main: Policy | None, observed: Observed) -> Step | None:
    """Say how to come to the policy enabled: servers first, then the rest, which may be refused."""
    engine = observed.engines.get(aim.engine.name)
    if engine is not None and engine.servers != aim.engine.servers:
        return PutEngine(_moved(engine, aim), exists=True)
    return _prepare(aim, observed) or _change(aim, observed) or _enable(aim, main, observed)


def _prepare(aim: Wanted, observed: Observed) -> Change | None:
    """Say what can be made without disabling anything: certificate, store, missing events and engine."""
    for certificate in aim.certificates:
        # Under another's name it serves as well, and ONTAP takes none twice.
        if certificate.fingerprint not in observed.certificates.values():
            return InstallCertificate(certificate)
    if aim.store is not None:
        existing = observed.stores.get(aim.store.name)
        if not observed.stores:
            return CreateStore(aim.store)
        # Ours only, and never smaller: it may be full of what nobody has read yet.
        if existing is not None and existing.size_bytes < aim.store.size_bytes:
            return GrowStore(existing.name, aim.store.size_bytes)
    for event in aim.events:
        if event.name not in observed.events:
            return PutEvent(event, None)
    if aim.engine.name not in observed.engines and aim.engine.servers:
        return PutEngine(aim.engine, exists=False)
    return None


def _change(aim: Wanted, observed: Observed) -> Change | None:
    """Say what must change while the policy is disabled; the engine first, which matters most."""
    engine = observed.engines.get(aim.engine.name)
    if engine is not None and engine != aim.engine:
        return PutEngine(aim.engine, exists=True)
    for event in aim.events:
        existing = observed.events.get(event.name)
        if existing is not None and existing != event:
            return PutEvent(event, existing)
    policy = observed.policies.get(aim.policy.name)
    if engine is None:
        return None  # no servers: a policy needs an engine that exists
    if policy is None:
        return PutPolicy(aim.policy, None)
    alike = replace(policy, is_enabled=aim.policy.is_enabled, priority=aim.policy.priority)
    return PutPolicy(aim.policy, policy) if alike != aim.policy else None


def _enable(aim: Wanted, policy: Policy | None, observed: Observed) -> Enable | Disable | None:
    """Say how to enable; the policy's guard gives way when it has the last free priority."""
    if policy is None or policy.engine not in observed.engines:
        return None  # no servers yet, so no engine
    taken = _taken(observed)
    wish = _priority(aim.policy, observed)
    free = [priority for priority in (wish, *PRIORITIES) if priority not in taken]
    return Enable(policy.name, free[0]) if free else Disable(policy.name + GUARD_SUFFIX, Why.SPARE)


def _priority(policy: Policy, observed: Observed) -> int:
    """Give the wanted priority, or the nearest free one behind it, or the lowest free one."""
    taken = _taken(observed, policy.name, policy.name + GUARD_SUFFIX)
    wish = policy.priority or PRIORITIES[0]
    free = [priority for priority in PRIORITIES if priority not in taken]
    if free:
        return next((priority for priority in free if priority >= wish), free[0])
    raise MisconfiguredError(
        f"all priorities {PRIORITIES[0]} to {PRIORITIES[-1]} belong to other enabled policies of the SVM, "
        f"so {policy.name} cannot be enabled; disable one of them",
        code="no_free_priority",
    )


def _taken(observed: Observed, *but: str) -> set[int | None]:
    """Give the priorities of all enabled policies but these."""
    return {p.priority for p in observed.policies.values() if p.is_enabled and p.name not in but}


# changing what runs ----------------------------------------------------------------------------------


def _take_down(aim: Wanted, observed: Observed, patience: Patience) -> Step:
    """Say how to come to the policy disabled, with its guard in place where one is wanted.

    The guard's set is made in any case, as a rehearsal: what ONTAP refuses, it refuses there.
    """
    name, wish = aim.policy.name, _priority(aim.policy, observed)
    guard = _guard(aim)
    existing = observed.policies.get(guard.policy.name)
    change = _prepare(guard, observed) or _change(guard, observed)
    if existing is not None and existing.is_enabled:
        if change is not None or not aim.is_guarded or existing.priority == wish:
            return _spare(existing, patience)
        if _covers_every_node(guard, observed):
            return Disable(name, Why.GUARDED)
        if WaitFor.GUARD in patience.over:
            return Disable(name, Why.GUARD_NOT_CONNECTED)
        return Wait(WaitFor.GUARD)
    if change is not None:
        return change
    if not aim.is_guarded:
        return Disable(name, Why.GUARD_OFF)
    free = [priority for priority in reversed(PRIORITIES) if priority not in {*_taken(observed), wish}]
    return Enable(guard.policy.name, free[0]) if free else Disable(name, Why.NO_FREE_PRIORITY)


def _spare(guard: Policy, patience: Patience) -> Step:
    """Say how to let a guard go whose policy is enabled: what it has captured, it must first send.

    It has no store, and ONTAP shows nowhere what still waits, so a time must do.
    """
    return Disable(guard.name, Why.SPARE) if WaitFor.LINGER in patience.over else Wait(WaitFor.LINGER)


def _covers_every_node(guard: Wanted, observed: Observed) -> bool:
    nodes = {link.node for link in observed.links}
    return bool(nodes) and nodes == {node for node, _ in _connected(guard.policy.name, observed)}


def _settle(aim: Wanted, observed: Observed, patience: Patience) -> Step | None:
    """Say how to come from an enabled policy with the right engine to one that is connected, and alone."""
    guard = observed.policies.get(aim.policy.name + GUARD_SUFFIX)
    if guard is not None and guard.is_enabled:
        guarded = {node for node, _ in _connected(guard.name, observed)}
        if guarded <= {node for node, _ in _connected(aim.policy.name, observed)}:
            return _spare(guard, patience)
    if not missing_links(aim, aim.engine.servers, observed):
        return _stale_certificate(aim, observed)
    if WaitFor.LINKS not in patience.over:
        return Wait(WaitFor.LINKS)
    for link in _broken(aim, observed):
        if (link.node, link.server) not in patience.asked:
            return Connect(link)
    return Wait(WaitFor.RECONNECT) if WaitFor.RECONNECT not in patience.over else None


def _broken(aim: Wanted, observed: Observed) -> Iterator[Link]:
    for link in sorted(observed.links, key=lambda link: (link.node, link.server)):
        ours = link.policy == aim.policy.name and link.server in aim.engine.servers
        if ours and not link.is_connected:
            yield link


def _connected(policy: str, observed: Observed) -> frozenset[tuple[str, str]]:
    return frozenset(
        (link.node, link.server) for link in observed.links if link.policy == policy and link.is_connected
    )


def _stale_certificate(aim: Wanted, observed: Observed) -> Delete | None:
    """Say which certificate of ours is not listed any more."""
    listed = {certificate.name for certificate in aim.certificates}
    for name in sorted(observed.certificates.keys() - listed):
        if name.startswith(aim.policy.name + CERTIFICATE_INFIX):
            return Delete(Kind.CERTIFICATE, name)
    return None


def _switch_off(wanted: Wanted, observed: Observed) -> Disable | None:
    for name in (wanted.policy.name, wanted.policy.name + GUARD_SUFFIX):
        policy = observed.policies.get(name)
        if policy is not None and policy.is_enabled:
            return Disable(name, Why.UNWANTED)
    return None
