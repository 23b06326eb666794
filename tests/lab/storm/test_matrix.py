"""The combinations that the trials run, and what a ledger says of one."""

from __future__ import annotations

from itertools import combinations, product

from lab.storm.matrix import SWITCHES, Told, complete, pairwise, told


def test_the_pairwise_selection_has_every_pair_of_two_switches_values() -> None:
    seen = {pair for each in pairwise() for pair in combinations(each.items(), 2)}
    wanted = {
        ((first, one), (second, other))
        for first, second in combinations(SWITCHES, 2)
        for one, other in product(SWITCHES[first], SWITCHES[second])
    }
    assert seen == wanted


def test_the_complete_matrix_has_every_combination_once() -> None:
    found = [tuple(each.items()) for each in complete()]
    assert len(found) == len(set(found)) == 24


def test_what_both_policies_tell_of_one_operation_is_told_twice() -> None:
    """1 by the policy, 2 by both, 3 by the guard alone, 4 stored and then replayed."""
    sent = [(1, "p"), (2, "p"), (2, "p_guard"), (3, "p_guard"), (4, "p")]
    rows = [{"kind": "notification", "seq": seq, "policy": name, "outcome": "sent"} for seq, name in sent]
    rows.append({"kind": "notification", "seq": 4, "policy": "p", "outcome": "stored"})
    rows.append({"kind": "ems", "name": "fpolicy.server.connect"})
    assert told(iter(rows)) == Told(by_guard=2, twice=1, stored=1)
