"""What ONTAP and Secrets Manager say: answers and secrets, or an error of the tree without a password."""

from __future__ import annotations

import json
import random
from typing import Final

from fsxn_runtime.errors import MisconfiguredError
from fsxn_runtime.ontap import OntapSecret
from fsxn_runtime.ontap.answers import job_of, page_of, result
from fsxn_runtime.ontap.errors import OntapError
from fsxn_runtime.ontap.model import Answer, Request

from tools.fuzz.mutation import JSON_TOKENS, mutated

PASSWORD: Final = "correct-horse-battery"  # noqa: S105 (what must not be shown)
SECRET: Final = json.dumps(
    {"username": "fsxn", "password": PASSWORD, "management_ip": "192.0.2.1:443", "more": [1, None]}
).encode()
_ANSWERS: Final = (
    {
        "records": [{"name": "a", "uuid": "u"}],
        "num_records": 1,
        "_links": {"next": {"href": "/api/x?start=1"}},
    },
    {"error": {"code": "918235", "message": f'"{PASSWORD}" is an invalid value for field "password"'}},
    {"job": {"uuid": "j", "state": "failure", "error": {"code": 4, "message": "no"}}},
    {"uuid": "u", "nested": {"a": [{"b": None}]}},
)
_STATUSES: Final = (200, 201, 202, 204, 301, 400, 401, 403, 404, 409, 429, 500, 503, 599)


def make_secret(dice: random.Random) -> bytes:
    """Make the text of a secret, broken somewhere."""
    return mutated(SECRET, dice, JSON_TOKENS)


def check_secret(text: bytes, _: random.Random) -> int:
    """Read one secret; 1 when it is one. Neither representation nor error shows the password."""
    try:
        found = OntapSecret.from_json(text.decode("utf-8", "replace"))
    except MisconfiguredError as exc:
        assert PASSWORD not in f"{exc}{exc!r}{exc.__cause__!r}", "an error shows the password"
        return 0
    is_elsewhere = PASSWORD in found.username + found.management_ip  # typed there, and sound all the same
    assert is_elsewhere or PASSWORD not in repr(found), "a secret shows its password"
    assert found.host and 0 < found.port < 65536, "a secret without an address"
    return 1


def make_answer(dice: random.Random) -> bytes:
    """Make the body of an answer, broken or not."""
    text = json.dumps(dice.choice(_ANSWERS)).encode()
    return mutated(text, dice, JSON_TOKENS) if dice.random() < 0.8 else text


def check_answer(body: bytes, dice: random.Random) -> int:
    """Read one answer as each caller does; 1 when it is one."""
    request = Request(dice.choice(["GET", "PATCH"]), "/api/storage/volumes")
    try:
        data = result(request, Answer(dice.choice(_STATUSES), body), [PASSWORD])
        assert isinstance(data, dict), "an answer that is no object"
        job_of(data)
        page_of(request, data)
    except OntapError as exc:
        assert PASSWORD not in str(exc), "an error shows the password"
        return 0
    return 1
