"""What the router reads: bodies of queue messages, which are entries and rejects and nothing else."""

from __future__ import annotations

import json
import random
from functools import cache
from typing import Final

from fsxn_runtime.event_router.core import read
from fsxn_runtime.event_router.model import Entry, Message, Reject, Validator
from fsxn_runtime.event_router.store import schema_validator

from tools.fuzz.mutation import JSON_TOKENS, mutated

_EVENT: Final = {
    "schema_version": "1.0", "event_id": "0" * 32, "event_type": "FILE_CREATE", "svm_name": "svm1",
    "volume_name": "vol1", "file_path": "/vol1/legal/a.pdf", "client_ip": "192.0.2.10",
    "timestamp": "2026-11-24T09:14:07.123456Z", "session_id": "s", "sequence_number": 1,
    "operation": "NFS_CREAT", "protocol": "NFS", "protocol_version": "3.0",
    "svm_uuid": "5d1f0c1e-4b7a-11ee-9b2a-0242ac120001", "volume_msid": 2147484674, "policy_name": "p",
    "user": {"unix_uid": 1001}, "file_size": 0, "received_at": "2026-11-24T09:14:07.200000Z",
    "timestamp_source": "ontap", "replayed": False,
}  # fmt: skip
_VALUES: Final[tuple[object, ...]] = (
    None,
    "",
    "x" * 300_000,
    -1,
    2**70,
    1.5,
    [],
    {},
    [[]],
    True,
    "\ud800",
    "\0",
)


def make(dice: random.Random) -> bytes:
    """Make the body of a message with one event or several, broken somewhere."""
    event = dict(_EVENT)
    for name in dice.sample(sorted(event), dice.randint(0, 2)):
        event[name] = dice.choice(_VALUES)
    body: object = event
    if dice.random() < 0.5:
        body = {"schema_version": dice.choice(["1.0", "2.0", 1]), "events": [event] * dice.randint(0, 3)}
    text = json.dumps(body).encode()
    return mutated(text, dice, JSON_TOKENS) if dice.random() < 0.6 else text


def check(body: bytes, _: random.Random) -> int:
    """Read one body; give the number of entries. A body is text: what is no UTF-8 is replaced before."""
    found = list(read(Message("m", body.decode("utf-8", "replace")), _validator()))
    assert found, "a message became nothing"
    assert all(isinstance(each, Entry | Reject) for each in found), "neither entry nor reject"
    return sum(isinstance(each, Entry) for each in found)


@cache
def _validator() -> Validator:
    return schema_validator()
