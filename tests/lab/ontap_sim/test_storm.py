"""A storm is the same for the same seed, has the number of operations asked for, and can be performed."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.ontap_sim.clock import Clock
from lab.ontap_sim.model import Client as SimulatedClient
from lab.ontap_sim.model import Protocol as SimulatedProtocol
from lab.ontap_sim.model import SimError, Svm, Volume
from lab.ontap_sim.requests import Action
from lab.ontap_sim.storm import Storm, requests
from lab.ontap_sim.volume import VolumeContent


def test_the_same_seed_makes_the_same_storm() -> None:
    assert list(requests(Storm(count=300, seed=5))) == list(requests(Storm(count=300, seed=5)))
    assert list(requests(Storm(count=300, seed=6))) != list(requests(Storm(count=300, seed=5)))


@given(count=st.integers(1, 200), seed=st.integers(0, 1000))
def test_a_storm_has_as_many_requests_as_asked_for(count: int, seed: int) -> None:
    assert len(list(requests(Storm(count=count, seed=seed)))) == count


def test_a_storm_has_every_kind_of_operation_and_every_protocol() -> None:
    made = list(requests(Storm(count=500)))
    assert {item.action for item in made} >= {
        Action.CREATE,
        Action.WRITE,
        Action.CLOSE,
        Action.RENAME,
        Action.DELETE,
    }
    protocols = {f"{item.protocol.name} {item.protocol.version}" for item in made}
    assert protocols == {"NFS 3.0", "NFS 4.1", "SMB 3.1"}


def test_every_request_of_a_storm_can_be_performed_in_its_order(tmp_path: Path) -> None:
    volume = Volume(Svm("s", "u", "FS1"), "v", "u", 1, "/v", tmp_path / "v", "v", 1 << 40)
    content = VolumeContent(volume, Clock(), SimulatedClient(), SimulatedProtocol("NFS", 3, 0), 1.0, print)
    done = [operation for item in requests(Storm(count=400)) for operation in content.perform(item)]
    assert len(done) == 400
    assert content.scan() == []


@pytest.mark.parametrize("bad", [{"mix": {"chmod": 1}}, {"cuont": 3}, {"protocols": {"AFP 3.4": 1}}])
def test_a_storm_with_unknown_settings_is_refused(bad: dict[str, object]) -> None:
    with pytest.raises(SimError):
        Storm.parse({"count": 1, **bad}, "vol1")
