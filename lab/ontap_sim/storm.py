"""A storm: a given number of operations by several protocols, the same for the same seed. Pure."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from lab.ontap_sim.model import Client, Protocol, SimError
from lab.ontap_sim.requests import Action, Request

# Names that every consumer must survive: blanks, XML characters, other scripts, and URL characters.
_STEMS = ("report", "Plan B", "a&b", "<draft>", "Übersicht", "見積書", "100% + tax", "it's")
_EXTENSIONS = ("txt", "csv", "pdf", "json", "docx", "")


@dataclass(frozen=True, slots=True)
class Storm:
    """What a storm is made of. Weights need not add up to one; a rate of 0 means as fast as possible."""

    count: int
    seed: int = 1
    volume: str = ""
    folder: str = "/storm"
    rate_per_second: float = 0.0
    protocols: Mapping[str, float] = field(
        default_factory=lambda: {"NFS 3.0": 0.4, "NFS 4.1": 0.3, "SMB 3.1": 0.3}
    )
    mix: Mapping[str, float] = field(
        default_factory=lambda: {"create": 0.5, "write": 0.2, "rename": 0.2, "delete": 0.1}
    )
    min_bytes: int = 100
    max_bytes: int = 20_000

    @classmethod
    def parse(cls, data: Mapping[str, Any], volume: str) -> Storm:
        """Read the body of POST /storm. Raises SimError."""
        allowed = {f.name for f in fields(cls)}
        unknown = sorted(set(data) - allowed)
        if unknown:
            raise SimError(f"storm has unknown {unknown}; allowed: {sorted(allowed)}")
        storm = cls(**{"volume": volume, **data})
        kinds = {"create", "write", "rename", "delete"}
        if not storm.mix or not set(storm.mix) <= kinds:
            raise SimError(f"mix is {dict(storm.mix)}; weights for {sorted(kinds)} are expected")
        if storm.count < 0 or not 0 < storm.min_bytes <= storm.max_bytes:
            raise SimError("count is at least 0, and 0 < min_bytes <= max_bytes")
        for protocol in storm.protocols:
            Protocol.parse(protocol)
        return storm


def requests(storm: Storm) -> Iterator[Request]:
    """Give exactly `count` requests that can be performed in this order where the folder does not exist yet.

    A file is created, written and, where the protocol has it, closed; later it may be written again, renamed
    or deleted, by any protocol. The folder itself is made by the first creation.
    """
    made = _endless(storm)
    yield Request(Action.MKDIR, storm.volume, storm.folder, *_actor(storm, random.Random(storm.seed)))
    for _ in range(storm.count - 1):
        yield next(made)


def _endless(storm: Storm) -> Iterator[Request]:
    rng = random.Random(storm.seed)
    alive: list[str] = []
    number = 0
    while True:
        kind = rng.choices(list(storm.mix), list(storm.mix.values()))[0]
        protocol, client = _actor(storm, rng)
        if kind == "create" or not alive:
            number += 1
            alive.append(_name(storm, rng, number))
            yield Request(Action.CREATE, storm.volume, alive[-1], protocol, client)
            yield from _written(storm, rng, alive[-1], protocol, client)
        elif kind == "write":
            yield from _written(storm, rng, rng.choice(alive), protocol, client)
        elif kind == "rename":
            number += 1
            index = rng.randrange(len(alive))
            old, alive[index] = alive[index], _name(storm, rng, number)
            yield Request(Action.RENAME, storm.volume, old, protocol, client, target=alive[index])
        else:
            path = alive.pop(rng.randrange(len(alive)))
            yield Request(Action.DELETE, storm.volume, path, protocol, client)


def _written(
    storm: Storm, rng: random.Random, path: str, protocol: Protocol, client: Client
) -> Iterator[Request]:
    low, high = math.log(storm.min_bytes), math.log(storm.max_bytes)
    length = round(math.exp(rng.uniform(low, high)))  # many small files, few large ones
    yield Request(Action.WRITE, storm.volume, path, protocol, client, length=length)
    if protocol.name == "SMB" or protocol.major >= 4:
        yield Request(Action.CLOSE, storm.volume, path, protocol, client)


def _actor(storm: Storm, rng: random.Random) -> tuple[Protocol, Client]:
    text = rng.choices(list(storm.protocols), list(storm.protocols.values()))[0]
    user = rng.randrange(5)
    sid = f"S-1-5-21-1000000000-2000000000-3000000000-{1100 + user}"
    return Protocol.parse(text), Client(f"192.0.2.{10 + user}", 1000 + user, 1000 + user, sid)


def _name(storm: Storm, rng: random.Random, number: int) -> str:
    extension = rng.choice(_EXTENSIONS)
    return f"{storm.folder}/{rng.choice(_STEMS)}-{number:05}{'.' + extension if extension else ''}"
