"""ONTAP's side as the diagnose function reads it, from the simulated file system over its REST interface."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fsxn_runtime.diagnose.handler import handler
from fsxn_runtime.diagnose.ontap_side import OntapSide, look
from fsxn_runtime.errors import FsxnError, RejectedError
from fsxn_runtime.ontap import OntapClient, OntapSecret
from fsxn_runtime.ontap.errors import OntapForbiddenError, OntapUnreachableError

from lab.ontap_sim.process import SimProcess

PASSWORD = "lab-Passw0rd-1"


@pytest.fixture(scope="module")
def sim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimProcess]:
    directory = tmp_path_factory.mktemp("sim")
    (directory / "volume").mkdir()
    volume = {"name": "vol1", "junction_path": "/vol1", "directory": str(directory / "volume")}
    config = {
        "svms": [{"name": "svm1", "volumes": [volume]}],
        "accounts": [{"name": "reader", "password": PASSWORD}],
        "sessions": {
            "nfs": [
                {"svm": "svm1", "client_ip": f"10.0.9.{last}", "volume": "vol1", "protocol": protocol}
                for last, protocol in ((1, "nfs4.1"), (2, "nfs4.2"))
            ]
        },
    }
    with SimProcess(config, directory) as running:
        yield running


@pytest.fixture
def secret(sim: SimProcess) -> OntapSecret:
    return OntapSecret(
        username="reader",
        password=PASSWORD,
        management_ip=sim.client.ready["rest"].removeprefix("https://").partition("/")[0],
        ca_certificate=Path(sim.client.ready["certificate"]).read_text(),
    )


def seen(secret: OntapSecret, left: float = 60.0) -> dict[str, Any]:
    with OntapClient(secret, deadline_seconds=5) as client:
        return look(OntapSide(client, datetime.now(UTC)).parts(), lambda: left)


def test_everything_is_read_and_nothing_is_an_error(secret: OntapSecret) -> None:
    answer = seen(secret)
    assert answer["errors"] == {}
    parts = answer["parts"]
    assert parts["cluster"]["version"] == "9.17.1"
    assert "data_fpolicy_client" in parts["svms"][0]["interfaces"][0]["services"]
    assert ("vol1", "/vol1") in {(each["name"], each["junction_path"]) for each in parts["volumes"]}
    assert parts["nfs_clients"]["by_protocol"] == {"nfs4.1": 1, "nfs4.2": 1}
    assert [each["client_ip"] for each in parts["nfs_clients"]["clients"]] == ["10.0.9.2"]
    assert parts["certificates"]


def test_the_clock_is_compared(sim: SimProcess, secret: OntapSecret) -> None:
    """Whole seconds in a header, and the way there: the deadline of a call bounds what may be added."""
    sim.client.set_clock(90.0)
    try:
        assert 80 < seen(secret)["parts"]["cluster"]["clock_skew_seconds"] < 100
    finally:
        sim.client.set_clock(0.0)
    assert abs(seen(secret)["parts"]["cluster"]["clock_skew_seconds"]) < 10


def test_a_wrong_password_is_tried_once_and_named_for_every_part(
    sim: SimProcess, secret: OntapSecret
) -> None:
    answer = seen(replace(secret, password="wrong-Passw0rd"))
    assert answer["parts"] == {}
    assert {error["code"] for error in answer["errors"].values()} == {"ontap_unauthorized"}
    account = sim.client.rest("GET", "/security/accounts?name=reader&fields=locked")["records"][0]
    assert not account["locked"]
    assert seen(secret)["errors"] == {}


def test_where_nobody_listens_that_is_said_once_asked(secret: OntapSecret) -> None:
    answer = seen(replace(secret, management_ip="127.0.0.1:1"))
    assert {error["code"] for error in answer["errors"].values()} == {"ontap_unreachable"}


def test_after_silence_no_more_is_asked_and_after_a_refusal_the_next_is() -> None:
    asked: list[str] = []

    def part(name: str, error: FsxnError) -> Callable[[], None]:
        def ask() -> None:
            asked.append(name)
            raise error

        return ask

    silent, refused = OntapUnreachableError("no answer"), OntapForbiddenError("the role")
    answer = look({name: part(name, silent) for name in ("cluster", "svms")}, lambda: 60.0)
    assert (asked, set(answer["errors"])) == (["cluster"], {"cluster", "svms"})
    look({name: part(name, refused) for name in ("stores", "volumes")}, lambda: 60.0)
    assert asked == ["cluster", "stores", "volumes"]


def test_one_refused_part_hides_no_other(sim: SimProcess, secret: OntapSecret) -> None:
    sim.client.fault("status", method="GET", path="/api/storage/volumes", status=403)
    try:
        answer = seen(secret)
    finally:
        sim.client.clear_faults()
    assert set(answer["errors"]) == {"volumes"}
    assert {"cluster", "nfs_clients"} <= set(answer["parts"])


def test_without_time_nothing_is_asked(secret: OntapSecret) -> None:
    answer = seen(secret, left=1.0)
    assert {error["code"] for error in answer["errors"].values()} == {"deadline"}


def test_another_event_is_refused() -> None:
    with pytest.raises(RejectedError, match="look"):
        handler({"action": "change"}, None)
