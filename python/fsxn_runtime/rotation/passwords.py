"""Passwords that ONTAP's rules take, and that every other consumer survives.

Source: ONTAP REST reference 9.2 (what rules there can be, and that those of FSx are unknown) and 2 (which
special characters survive shells, JSON and HTTP Basic). FSx takes 8 to 50 characters (9.1), so both ways take
these.
"""

from __future__ import annotations

import random
import secrets
import string
from dataclasses import dataclass
from typing import Final

SPECIAL: Final = "!#%+-.:=@_"
_CLASSES: Final = (string.ascii_uppercase, string.ascii_lowercase, string.digits, SPECIAL)


@dataclass(frozen=True, slots=True)
class PasswordPolicy:
    """Number of characters, and the least number of each class: upper, lower, digit, special."""

    length: int
    least: int


# By strength: the first for a system that nobody hardened, the others after a refusal.
POLICIES: Final = (PasswordPolicy(24, 1), PasswordPolicy(28, 4), PasswordPolicy(32, 7))
STRONGEST: Final = len(POLICIES) - 1


def generate(username: str, strength: int = 0, rng: random.Random | None = None) -> str:
    """Make a password of a strength. It begins with a letter and never holds the user name, in any case.

    The name's first character is left out of the alphabet, in both cases: no password can hold the name then.
    rng: for tests; without it the system's own randomness.
    """
    source = rng or secrets.SystemRandom()
    policy = POLICIES[min(strength, STRONGEST)]
    first = username[:1].casefold()
    upper, lower, digits, special = (
        [character for character in one if character.casefold() != first] for one in _CLASSES
    )
    every = [*upper, *lower, *digits, *special]
    rest = [source.choice(one) for one in (upper, lower, digits, special) for _ in range(policy.least)]
    rest += [source.choice(every) for _ in range(policy.length - 1 - len(rest))]
    source.shuffle(rest)
    return source.choice([*upper, *lower]) + "".join(rest)
