"""Wanted states, generated states of an SVM, and a clock that nobody waits for."""

from __future__ import annotations

from collections.abc import Callable

from fsxn_runtime.fpolicy.core import next_step, patience_after
from fsxn_runtime.fpolicy.model import (
    Certificate,
    Change,
    Engine,
    Event,
    Observed,
    Patience,
    Policy,
    Step,
    Store,
    Wait,
    Wanted,
)
from hypothesis import strategies as st

from tests.python.fpolicy.model_ontap import ModelOntap

A, B, C = "10.0.1.10", "10.0.2.20", "10.0.3.30"
SCOPE = frozenset({("include_volumes", "*"), ("exclude_extension", "tmp")})
EVENTS = (
    Event("p_cifs", "cifs", frozenset({"create", "close"}), frozenset({"close_with_modification"})),
    Event("p_nfsv3", "nfsv3", frozenset({"create", "write"}), frozenset({"first_write"})),
)
WANTED = Wanted(
    svm="svm1",
    policy=Policy(
        "p", "p", frozenset(event.name for event in EVENTS), SCOPE, "p", is_enabled=True, priority=1
    ),
    engine=Engine("p", frozenset(), 9898),
    events=EVENTS,
    store=Store("p", "p_store", 1 << 30),
)


class FakeClock:
    """Counts seconds; sleeping only adds."""

    def __init__(self, limit: float = 600.0) -> None:
        self.time = 0.0
        self.limit = limit

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds

    def left(self) -> float:
        return self.limit - self.time


def converge(
    ontap: ModelOntap,
    addresses: frozenset[str],
    wanted: Wanted = WANTED,
    *,
    bound: int = 60,
    look: Callable[[ModelOntap], object] = lambda _: None,
) -> list[Step]:
    """Let the core go to the end, never patient; give the steps. More than `bound` is a circle."""
    patience, steps = Patience(), []
    for _ in range(bound):
        step = next_step(wanted, addresses, ontap.look(), patience)
        if step is None:
            return steps
        steps.append(step)
        if isinstance(step, Wait):
            patience = Patience(patience.over | {step.what}, patience.asked)
            continue
        ontap.do(step)
        look(ontap)
        patience = patience_after(step, patience)
    raise AssertionError(f"no end after {bound} steps: {steps[-8:]}")


def changes(steps: list[Step]) -> list[Change]:
    return [step for step in steps if not isinstance(step, Wait)]


# generated states ------------------------------------------------------------------------------------

_addresses = st.frozensets(st.sampled_from([A, B, C]), min_size=1)
addresses_or_none = st.frozensets(st.sampled_from([A, B, C]))
_operations = st.frozensets(st.sampled_from(["create", "write", "close", "delete"]), min_size=1)


def _engine(name: str) -> st.SearchStrategy[Engine]:
    return st.builds(
        Engine,
        st.just(name),
        _addresses,
        st.sampled_from([9898, 9999]),
        st.sampled_from([60, 120]),
        kind=st.sampled_from(["asynchronous", "synchronous"]),
    )


def _event(name: str, protocol: str) -> st.SearchStrategy[Event]:
    return st.builds(Event, st.just(name), st.just(protocol), _operations)


def _policy(
    draw: st.DrawFn | None,
    name: str,
    engines: dict[str, Engine],
    events: list[str],
    stores: list[str],
    free: list[int],
) -> Policy:
    """Give one policy; without `draw` an enabled one of ONTAP's own engine, which only takes a priority."""
    if draw is None:
        return Policy(name, "native", frozenset(), SCOPE, is_enabled=True, priority=free.pop())
    ours = not name.startswith("foreign")
    engine = draw(st.sampled_from([*({name if ours else "foreign"} & engines.keys()), "native"]))
    fits = [n for n in events if n.startswith("p_") and n.endswith("_guard") == (name == "p_guard")]
    asynchronous = engine in engines and engines[engine].kind == "asynchronous"
    store = draw(st.sampled_from([*(stores if asynchronous else []), ""]))
    enabled = draw(st.booleans())
    return Policy(
        name,
        engine,
        draw(st.frozensets(st.sampled_from(fits))) if fits else frozenset(),
        draw(st.sampled_from([SCOPE, frozenset({("include_volumes", "vol1")})])),
        store,
        is_mandatory=not store and draw(st.booleans()),
        is_enabled=enabled,
        priority=free.pop() if enabled else None,
    )


@st.composite
def observed_states(draw: st.DrawFn) -> Observed:
    """Any state that ONTAP could show: ours whole, in part, changed; foreign policies, a foreign store."""
    engines = [draw(_engine(n)) for n in ("p", "p_guard", "foreign") if draw(st.booleans())]
    names = (("p_cifs", "cifs"), ("p_nfsv3", "nfsv3"), ("foreign_e", "nfsv3"))
    pairs = [(name + suffix, protocol) for name, protocol in names for suffix in ("", "_guard")]
    events = [draw(_event(name, protocol)) for name, protocol in pairs if draw(st.booleans())]
    exact = draw(st.booleans())
    if exact:
        events = [*EVENTS, *(event for event in events if event.name not in {e.name for e in EVENTS})]
    store_names = draw(st.sampled_from([[], ["p"], ["foreign"]]))
    stores = [Store(name, f"{name}_vol", draw(st.sampled_from([1 << 29, 1 << 31]))) for name in store_names]
    by_engine = {engine.name: engine for engine in engines}
    free = list(draw(st.permutations(range(1, 11))))
    policies = [
        _policy(draw, name, by_engine, [event.name for event in events], store_names, free)
        for name in ("p", "p_guard")
        if draw(st.booleans())
    ]
    for number in range(draw(st.sampled_from([0, 1, 7]))):  # one priority stays free for us, one for a guard
        name = f"foreign{number}"
        policies.append(_policy(draw if number == 0 else None, name, by_engine, [], store_names, free))
    certificates = draw(
        st.dictionaries(st.sampled_from(["p_ca_old", "foreign_ca"]), st.sampled_from(["new", "else"]))
    )
    if len(set(certificates.values())) < len(certificates):
        del certificates["p_ca_old"]  # ONTAP takes none twice
    return Observed(
        by_engine,
        {event.name: event for event in events},
        {store.name: store for store in stores},
        {policy.name: policy for policy in policies},
        (),
        certificates,
    )


wanted_states = st.builds(
    lambda is_guarded, priority, store, certificate: Wanted(
        svm="svm1",
        policy=Policy(
            "p", "p", WANTED.policy.events, SCOPE, "p" if store else "", is_enabled=True, priority=priority
        ),
        engine=WANTED.engine,
        events=EVENTS,
        store=WANTED.store if store else None,
        is_guarded=is_guarded,
        certificates=(Certificate("p_ca_new", "new", "PEM"),) if certificate else (),
    ),
    st.booleans(),
    st.integers(1, 10),
    st.booleans(),
    st.booleans(),
)
