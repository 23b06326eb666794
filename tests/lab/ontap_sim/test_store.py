"""The persistent store: bounded, per node and policy, and out of order in the ways that a switch says."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from lab.ontap_sim.store import RECORD_BYTES, PersistentStore
from tests.lab.ontap_sim.test_wire import NFS

KEY = (1, "pol")


def replayed(order: str, count: int, window: int = 0, seed: int = 1) -> list[int]:
    """Store operations 1, 2, ... and take them all."""
    store = PersistentStore("ps", "vol", 1 << 30, order, window, seed)
    for seq in range(1, count + 1):
        assert store.put(KEY, replace(NFS, seq=seq))
    return [store.take(KEY).seq for _ in range(count)]


def test_the_documented_order_is_three_one_two_five_four() -> None:
    assert replayed("documented", 5) == [3, 1, 2, 5, 4]
    assert replayed("documented", 10)[5:] == [8, 6, 7, 10, 9]


def test_in_order_is_in_order() -> None:
    assert replayed("in_order", 20) == list(range(1, 21))


@given(
    order=st.sampled_from(["shuffle", "documented", "in_order"]),
    count=st.integers(0, 60),
    window=st.integers(0, 9),
    seed=st.integers(),
)
def test_in_any_order_everything_comes_back_once(order: str, count: int, window: int, seed: int) -> None:
    assert sorted(replayed(order, count, window, seed)) == list(range(1, count + 1))


def test_a_shuffle_is_out_of_order_and_the_same_for_the_same_seed() -> None:
    assert replayed("shuffle", 50) == replayed("shuffle", 50)
    assert replayed("shuffle", 50) != list(range(1, 51))
    assert replayed("shuffle", 50, seed=2) != replayed("shuffle", 50)


def test_a_window_bounds_how_early_an_entry_may_come() -> None:
    assert all(seq <= place + 4 for place, seq in enumerate(replayed("shuffle", 100, window=4)))


def test_a_full_store_takes_nothing_until_something_was_taken() -> None:
    store = PersistentStore("ps", "vol", 2 * RECORD_BYTES, "in_order", 0, 1)
    assert [store.put(KEY, replace(NFS, seq=seq)) for seq in (1, 2, 3)] == [True, True, False]
    assert store.take(KEY).seq == 1
    assert store.put(KEY, replace(NFS, seq=4))
    assert (store.backlog(KEY), store.backlog((2, "pol")), len(store)) == (2, 0, 2)
