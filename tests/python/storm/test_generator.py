"""The storm can be performed in the order given, is the same for the same seed, and keeps to its settings."""

from __future__ import annotations

from collections import Counter
from itertools import islice

import pytest
from fsxn_runtime.errors import RejectedError
from fsxn_runtime.storm import Act, Action, Storm, acts
from hypothesis import given
from hypothesis import strategies as st

NAMES = {"create": 5, "write": 2, "rename": 2, "delete": 1}
storms = st.builds(
    Storm,
    count=st.integers(1, 400),
    seed=st.integers(0, 2**32),
    operations=st.dictionaries(st.sampled_from(sorted(NAMES)), st.integers(1, 9), min_size=1),
    protocols=st.dictionaries(
        st.sampled_from(["NFS 3.0", "NFS 4.1", "SMB 3.1"]), st.integers(1, 9), min_size=1
    ),
)


@given(storms)
def test_every_operation_is_possible_where_the_folder_is_new(storm: Storm):
    """A model of the volume refuses what a file system would refuse; a name is never used twice."""
    exists: set[str] = set()
    used: set[str] = set()
    made = list(acts(storm))
    assert len(made) == storm.count
    assert made[0].action is Action.MKDIR
    for act in made[1:]:
        if act.action in (Action.CREATE, Action.RENAME):
            new = act.path if act.target is None else act.target
            assert new not in used
            used.add(new)
            exists.add(new)
        if act.action is not Action.CREATE:
            assert act.path in exists
        if act.action in (Action.RENAME, Action.DELETE):
            exists.remove(act.path)


@given(storms)
def test_the_same_seed_gives_the_same_storm(storm: Storm):
    assert list(acts(storm)) == list(acts(storm))


@given(storms)
def test_sizes_protocols_and_closes_are_those_of_the_settings(storm: Storm):
    for act in acts(storm):
        assert act.protocol in storm.protocols
        assert (act.action is Action.WRITE) == (storm.min_bytes <= act.length <= storm.max_bytes)
        assert not (act.action is Action.CLOSE and act.protocol == "NFS 3.0")


def test_weights_decide_how_often():
    storm = Storm(30_000, operations={"create": 90, "delete": 10}, protocols={"SMB 3.1": 1, "NFS 4.1": 3})
    counts = Counter(act.action for act in acts(storm))
    assert counts[Action.DELETE] / counts[Action.CREATE] == pytest.approx(1 / 9, rel=0.1)
    assert counts[Action.RENAME] == 0
    creations = Counter(act.protocol for act in acts(storm) if act.action is Action.CREATE)
    assert creations["NFS 4.1"] / creations["SMB 3.1"] == pytest.approx(3, rel=0.1)


def test_a_long_storm_is_made_on_the_way():
    """Ten million operations are not held in memory: the first is there at once."""
    first: list[Act] = list(islice(acts(Storm(10_000_000)), 3))
    assert [act.action for act in first][:2] == [Action.MKDIR, Action.CREATE]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"count": 0}, "count is 0; it must be a number from 1"),
        ({"rate_per_second": -1.0}, "rate is -1.0"),
        ({"rate_per_second": float("nan")}, "rate is nan"),
        ({"min_bytes": 10, "max_bytes": 5}, "sizes is '10:5'"),
        ({"min_bytes": 0}, "sizes is '0:"),
        ({"folder": "storm"}, "folder is 'storm'"),
        ({"folder": "/a/../b"}, "folder is '/a/../b'"),
        ({"folder": "/"}, "folder is '/'"),
        ({"protocols": {"NFS 4.2": 1}}, "protocols is {'NFS 4.2': 1}; it must be NAME=WEIGHT pairs"),
        ({"operations": {"create": 0}}, "operations is {'create': 0}"),
        ({"operations": {"create": -1, "write": 3}}, "operations is"),
        ({"operations": {"create": float("inf")}}, "operations is"),
    ],
)
def test_wrong_settings_are_refused_with_what_is_allowed(settings: dict[str, object], said: str):
    with pytest.raises(RejectedError) as caught:
        Storm(**{"count": 1, **settings})  # type: ignore[arg-type]
    assert str(caught.value).startswith(said)
