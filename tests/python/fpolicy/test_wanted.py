from __future__ import annotations

import pytest
from fsxn_runtime.errors import MisconfiguredError
from fsxn_runtime.fpolicy.wanted import wanted_of


def document(**engine: object) -> dict[str, object]:
    """What Terraform writes for one SVM."""
    return {
        "svm": "svm1",
        "enabled": True,
        "guard": False,
        "priority": 1,
        "policy": "p",
        "engine": {"port": 9898, "keep_alive_seconds": 120, "ssl_option": "no_auth", **engine},
        "events": {},
        "scope": {"include_volumes": ["*"]},
        "store": None,
        "keep_store": True,
    }


@pytest.mark.parametrize(
    ("engine", "kind"),
    [
        ({}, "asynchronous"),
        ({"type": "asynchronous"}, "asynchronous"),
        ({"type": "synchronous"}, "synchronous"),
    ],
)
def test_an_engine_is_of_the_servers_mode(engine: dict[str, object], kind: str) -> None:
    wanted = wanted_of(document(**engine))
    assert (wanted.engine.kind, wanted.store) == (kind, None)


def test_a_wanted_state_without_its_engine_is_refused() -> None:
    with pytest.raises(MisconfiguredError):
        wanted_of({"policy": "p"})
