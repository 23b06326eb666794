"""The operations of a storm, in an order in which they can be performed; the same for the same seed."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from itertools import islice

from fsxn_runtime.storm.model import Act, Action, Storm

# Names that every consumer must survive: blanks, XML characters, other scripts, and characters of URLs.
_STEMS = ("report", "Plan B", "a&b", "<draft>", "Übersicht", "見積書", "100% + tax", "it's")
_EXTENSIONS = ("txt", "csv", "pdf", "json", "docx", "")
_CLIENTS = 5


def acts(storm: Storm) -> Iterator[Act]:
    """Give exactly `storm.count` operations; the first makes the folder, which must not exist yet.

    A file is created, written and, where the protocol has it, closed; later it may be written again, renamed
    or deleted, by any protocol. A name is never used twice.
    """
    return islice(_endless(storm, random.Random(storm.seed)), storm.count)  # noqa: S311 (not for secrets)


def _endless(storm: Storm, rng: random.Random) -> Iterator[Act]:
    alive: list[str] = []
    number = 0
    protocol, client = _actor(storm, rng)
    yield Act(Action.MKDIR, storm.folder, protocol, client)
    while True:
        kind = rng.choices(list(storm.operations), list(storm.operations.values()))[0]
        protocol, client = _actor(storm, rng)
        if kind == "create" or not alive:
            number += 1
            alive.append(_name(storm, rng, number))
            yield Act(Action.CREATE, alive[-1], protocol, client)
            yield from _written(storm, rng, alive[-1], protocol, client)
        elif kind == "write":
            yield from _written(storm, rng, rng.choice(alive), protocol, client)
        elif kind == "rename":
            number += 1
            index = rng.randrange(len(alive))
            old, alive[index] = alive[index], _name(storm, rng, number)
            yield Act(Action.RENAME, old, protocol, client, target=alive[index])
        else:
            index = rng.randrange(len(alive))
            alive[index], alive[-1] = (
                alive[-1],
                alive[index],
            )  # taking from the end costs the same for any length
            yield Act(Action.DELETE, alive.pop(), protocol, client)


def _written(storm: Storm, rng: random.Random, path: str, protocol: str, client: str) -> Iterator[Act]:
    length = round(math.exp(rng.uniform(math.log(storm.min_bytes), math.log(storm.max_bytes))))
    yield Act(Action.WRITE, path, protocol, client, length=length)
    if protocol != "NFS 3.0":  # it has no close
        yield Act(Action.CLOSE, path, protocol, client)


def _actor(storm: Storm, rng: random.Random) -> tuple[str, str]:
    protocol = rng.choices(list(storm.protocols), list(storm.protocols.values()))[0]
    return protocol, f"192.0.2.{10 + rng.randrange(_CLIENTS)}"  # addresses for documentation, RFC 5737


def _name(storm: Storm, rng: random.Random, number: int) -> str:
    extension = rng.choice(_EXTENSIONS)
    return f"{storm.folder}/{rng.choice(_STEMS)}-{number:07}{'.' + extension if extension else ''}"
