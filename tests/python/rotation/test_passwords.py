"""Every password satisfies the rules, whatever the user is called."""

from __future__ import annotations

import random
import string

from fsxn_runtime.rotation.passwords import POLICIES, SPECIAL, STRONGEST, generate
from hypothesis import example, given
from hypothesis import strategies as st

CLASSES = (string.ascii_uppercase, string.ascii_lowercase, string.digits, SPECIAL)


@given(
    username=st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=64)
    | st.text("aA1.", min_size=1, max_size=3),
    strength=st.integers(0, STRONGEST + 2),
    rng=st.randoms(use_true_random=False),
)
@example(username="\u212a", strength=0, rng=random.Random(1))  # the Kelvin sign is a k in lower case
@example(username="a", strength=2, rng=random.Random(1))
def test_a_password_satisfies_the_policy_and_never_holds_the_user_name(
    username: str, strength: int, rng: random.Random
) -> None:
    policy = POLICIES[min(strength, STRONGEST)]
    password = generate(username, strength, rng)
    assert len(password) == policy.length
    assert 24 <= policy.length <= 32
    for characters in CLASSES:
        assert sum(one in characters for one in password) >= policy.least
    assert set(password) <= set("".join(CLASSES))
    assert password[0] in string.ascii_letters
    assert username.lower() not in password.lower()
    assert username.casefold() not in password.casefold()


def test_passwords_come_from_the_systems_randomness_and_do_not_repeat() -> None:
    assert len({generate("fsxadmin") for _ in range(1000)}) == 1000


def test_each_strength_asks_for_more_than_the_one_before() -> None:
    assert sorted(POLICIES, key=lambda policy: (policy.length, policy.least)) == list(POLICIES)
    assert all(1 + 4 * policy.least <= policy.length for policy in POLICIES)
