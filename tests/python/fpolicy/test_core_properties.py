"""Whatever ONTAP shows, the steps lead to what is wanted, harm nobody, and may stop anywhere."""

from __future__ import annotations

from dataclasses import replace

from fsxn_runtime.fpolicy.core import next_step, removal, rescue
from fsxn_runtime.fpolicy.model import Observed, Patience, Wait, Wanted
from hypothesis import given
from hypothesis import strategies as st

from tests.python.fpolicy.model_ontap import ModelOntap
from tests.python.fpolicy.worlds import A, B, C, addresses_or_none, converge, observed_states, wanted_states

some_addresses = st.frozensets(st.sampled_from([A, B, C]), min_size=1)


def foreign(ontap: ModelOntap) -> list[dict[str, object]]:
    """Everything that is not ours by its name."""
    kinds = (ontap.engines, ontap.events, ontap.stores, ontap.policies)
    return [{k: v for k, v in kind.items() if k.startswith("foreign")} for kind in kinds]


def reached(ontap: ModelOntap, wanted: Wanted, addresses: frozenset[str]) -> None:
    policy, engine = ontap.policies["p"], ontap.engines["p"]
    assert policy.is_enabled
    assert (policy.engine, policy.events, policy.scope) == ("p", wanted.policy.events, wanted.policy.scope)
    assert not policy.is_mandatory
    assert engine == replace(wanted.engine, servers=addresses)
    assert all(ontap.events[event.name] == event for event in wanted.events)
    assert bool(policy.store) is (wanted.store is not None)
    assert not ("p_guard" in ontap.policies and ontap.policies["p_guard"].is_enabled)
    assert {c.fingerprint for c in wanted.certificates} <= set(ontap.certificates.values())
    assert {n for n in ontap.certificates if n.startswith("p_ca_")} <= {c.name for c in wanted.certificates}


@given(observed_states(), wanted_states, some_addresses)
def test_every_state_leads_to_the_wanted_one(
    observed: Observed, wanted: Wanted, addresses: frozenset[str]
) -> None:
    ontap = ModelOntap(observed, addresses)
    converge(ontap, addresses, wanted)
    reached(ontap, wanted, addresses)
    assert converge(ontap, addresses, wanted) == []


@given(observed_states(), wanted_states, some_addresses)
def test_what_is_foreign_is_left_alone(observed: Observed, wanted: Wanted, addresses: frozenset[str]) -> None:
    ontap = ModelOntap(observed, addresses)
    before = foreign(ontap), ontap.certificates.get("foreign_ca")
    converge(ontap, addresses, wanted)
    while (step := removal(wanted, ontap.look(), keeps_store=False)) is not None:
        ontap.do(step)
    assert (foreign(ontap), ontap.certificates.get("foreign_ca")) == before


@given(observed_states(), wanted_states, some_addresses, some_addresses, st.integers(0, 30))
def test_a_run_that_dies_anywhere_is_continued_by_the_next(
    observed: Observed, wanted: Wanted, first: frozenset[str], then: frozenset[str], dies_after: int
) -> None:
    """Also when the addresses changed between the two."""
    ontap = ModelOntap(observed, first | then)
    patience = Patience()
    for _ in range(dies_after):
        step = next_step(wanted, first, ontap.look(), patience)
        if step is None:
            break
        if isinstance(step, Wait):
            patience = replace(patience, over=patience.over | {step.what})
        else:
            ontap.do(step)
    converge(ontap, then, wanted)
    reached(ontap, wanted, then)


@given(observed_states(), wanted_states, some_addresses)
def test_nothing_is_missed_while_a_guarded_policy_is_changed(
    observed: Observed, wanted: Wanted, addresses: frozenset[str]
) -> None:
    """From the moment that the policy is enabled, and whatever is changed then."""
    ontap = ModelOntap(observed, addresses)
    guarded = replace(wanted, is_guarded=True)
    converge(ontap, addresses, guarded)
    changed = replace(guarded, policy=replace(guarded.policy, scope=frozenset({("include_volumes", "x")})))
    captured: list[bool] = []
    for aim, servers in ((guarded, frozenset({A})), (guarded, frozenset({B, C})), (changed, frozenset({A}))):
        ontap.alive = set(servers)
        converge(ontap, servers, aim, look=lambda it: captured.append(it.captures("p")))
    assert all(captured)


@given(observed_states(), wanted_states, some_addresses, st.integers(0, 40))
def test_a_failure_anywhere_leaves_a_policy_that_can_be_enabled_enabled(
    observed: Observed, wanted: Wanted, addresses: frozenset[str], fails_after: int
) -> None:
    """With what the rescue does; a mandatory policy that nobody made safe yet stays as it is."""
    ontap = ModelOntap(observed, addresses)
    converge(ontap, addresses, wanted)
    moved = replace(wanted, policy=replace(wanted.policy, scope=frozenset({("include_volumes", "x")})))
    patience = Patience()
    for _ in range(fails_after):
        step = next_step(moved, frozenset({A}), ontap.look(), patience)
        if step is None:
            break
        if isinstance(step, Wait):
            patience = replace(patience, over=patience.over | {step.what})
        else:
            ontap.do(step)
    step = rescue(moved, ontap.look())
    if step is not None:
        ontap.do(step)
    assert ontap.policies["p"].is_enabled


@given(observed_states(), wanted_states)
def test_without_servers_a_running_policy_is_not_touched(observed: Observed, wanted: Wanted) -> None:
    ontap = ModelOntap(observed)
    before = ontap.policies.get("p")
    engine = ontap.engines.get("p")
    steps = converge(ontap, frozenset(), wanted)
    if before is not None and before.is_enabled:
        assert steps == []
    if engine is not None:
        assert ontap.engines["p"].servers == engine.servers
        assert ontap.policies["p"].is_enabled


@given(observed_states(), wanted_states, addresses_or_none)
def test_a_policy_that_is_not_wanted_is_disabled_and_nothing_else(
    observed: Observed, wanted: Wanted, addresses: frozenset[str]
) -> None:
    ontap = ModelOntap(observed, addresses)
    off = replace(wanted, policy=replace(wanted.policy, is_enabled=False))
    converge(ontap, addresses, off)
    for name, policy in observed.policies.items():
        enabled = policy.is_enabled and name not in ("p", "p_guard")
        assert ontap.policies[name] == replace(
            policy, is_enabled=enabled, priority=policy.priority if enabled else None
        )
    assert ontap.engines == dict(observed.engines)


@given(observed_states(), wanted_states, some_addresses, st.booleans())
def test_removal_leaves_nothing_of_ours_and_keeps_the_store_unless_told(
    observed: Observed, wanted: Wanted, addresses: frozenset[str], keeps_store: bool
) -> None:
    ontap = ModelOntap(observed, addresses)
    converge(ontap, addresses, wanted)
    stores = dict(ontap.stores)
    for _ in range(30):
        step = removal(wanted, ontap.look(), keeps_store=keeps_store)
        if step is None:
            break
        ontap.do(step)
    assert [n for n in (*ontap.policies, *ontap.engines, *ontap.events) if not n.startswith("foreign")] == []
    used = {policy.store for policy in ontap.policies.values()}
    goes = not keeps_store and wanted.store is not None and "p" not in used
    assert ontap.stores == {name: store for name, store in stores.items() if not (goes and name == "p")}
