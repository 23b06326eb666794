"""Volumes and aggregates over REST: sizes, jobs, growth by itself, volumes of persistent stores."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from lab.ontap_sim.client import SimClient, wait_until
from lab.ontap_sim.process import SimProcess
from tests.lab.ontap_sim.rest_calls import call, code, volume

GIB = 1 << 30


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimClient]:
    directory = tmp_path_factory.mktemp("storage")
    volumes = [{"name": name, "directory": str(directory / name)} for name in ("vol1", "vol2", "vol3")]
    config = {"svms": [{"name": "svm1", "volumes": volumes}], "switches": {"job_kept_seconds": 0.6}}
    with SimProcess(config, directory / "sim") as process:
        yield process.client


@pytest.fixture
def client(shared: SimClient) -> Iterator[SimClient]:
    """The simulator of this file, without faults before and after."""
    shared.clear_faults()
    yield shared
    shared.clear_faults()


def test_a_change_of_size_is_a_job_that_is_forgotten_after_its_end(client: SimClient) -> None:
    path = f"/storage/volumes/{volume(client)['uuid']}"
    answer = call(client, "PATCH", path, {"size": "2TB"})
    assert answer.status == 202
    link = answer.json()["job"]["_links"]["self"]["href"].removeprefix("/api")
    states = []
    wait_until(
        lambda: states.append(client.rest("GET", link)["state"]) or states[-1] == "success", 5.0, "job"
    )
    assert set(states) <= {"queued", "running", "success"}
    assert client.rest("GET", path)["size"] == 2 << 40
    wait_until(lambda: code(client, "GET", link) == "4", 5.0, "the job is forgotten")


def test_with_return_timeout_the_answer_waits_for_the_job(client: SimClient) -> None:
    path = f"/storage/volumes/{volume(client)['uuid']}"
    answer = call(client, "PATCH", f"{path}?return_timeout=10", {"space": {"size": 3 << 40}})
    assert answer.status == 200
    assert client.rest("GET", answer.json()["job"]["_links"]["self"]["href"][4:])["state"] == "success"
    assert client.rest("GET", path)["space"]["size"] == 3 << 40
    assert code(client, "PATCH", f"{path}?return_timeout=121", {"size": 1 << 40}) == "262197"


def test_a_job_fails_when_the_data_does_not_fit(client: SimClient) -> None:
    client.fsx("fill", volume="vol2", bytes=100 * GIB)
    path = f"/storage/volumes/{volume(client, 'vol2')['uuid']}"
    link = call(client, "PATCH", path, {"size": 100 * GIB}).json()["job"]["_links"]["self"]["href"][4:]
    wait_until(lambda: client.rest("GET", link)["state"] == "failure", 5.0, "failed job")
    job = client.rest("GET", link)
    assert job["error"] == {"message": job["message"], "code": str(job["code"]), "target": "size"}
    assert client.rest("GET", path)["size"] == 1 << 40
    assert code(client, "PATCH", f"{path}?return_timeout=10", {"size": 106 * GIB}) == "", "5 % are snapshots'"
    shown = client.rest("GET", f"{path}?fields=space.percent_used,space.available")["space"]
    assert shown["percent_used"] == 99
    client.fsx("fill", volume="vol2", bytes=0)
    client.rest("PATCH", f"{path}?return_timeout=10", {"size": 1 << 40})


def test_an_endless_job_does_nothing(client: SimClient) -> None:
    path = f"/storage/volumes/{volume(client, 'vol3')['uuid']}"
    client.fault("endless_job", method="PATCH")
    link = call(client, "PATCH", path, {"size": 5 << 40}).json()["job"]["_links"]["self"]["href"][4:]
    wait_until(lambda: client.rest("GET", link)["state"] == "running", 5.0, "running job")
    time.sleep(0.3)
    assert client.rest("GET", link)["state"] == "running"
    assert client.rest("GET", path)["size"] == 1 << 40


def test_a_volume_grows_by_itself_up_to_its_maximum(client: SimClient) -> None:
    """REST and FSx speak of one size; thresholds are percent of what the snapshots leave."""
    before = volume(client, "vol3", "autosize")["autosize"]
    assert before["mode"] == "off"
    path = f"/storage/volumes/{volume(client, 'vol3')['uuid']}?return_timeout=10"
    rules = {"mode": "grow_shrink", "grow_threshold": 80, "minimum": 1 << 40, "maximum": "2TB"}
    client.rest("PATCH", path, {"autosize": rules})
    for filled, size in ((750 * GIB, 1 << 40), (1000 * GIB, None), (3000 * GIB, 2 << 40), (0, 1 << 40)):
        client.fsx("fill", volume="vol3", bytes=filled)
        shown = volume(client, "vol3", "space,size")
        assert size is None or shown["size"] == size
        assert size is not None or (1 << 40) < shown["size"] < (2 << 40)
        assert size is not None or shown["space"]["percent_used"] in (79, 80)
    client.rest("PATCH", path, {"autosize": {"mode": "off"}})
    assert code(client, "PATCH", path, {"autosize": {"mode": "up"}}) == "262197"


def test_a_stores_volume_is_one_of_the_volumes_and_stays_behind(client: SimClient) -> None:
    base = f"/protocols/fpolicy/{client.svm_uuid('svm1')}/persistent-stores"
    store = {"name": "ps1", "volume": "ps1_vol", "size": GIB}
    client.rest("POST", base, store)
    assert "nas" not in volume(client, "ps1_vol", "nas,msid")
    path = f"/storage/volumes/{volume(client, 'ps1_vol')['uuid']}"
    client.rest("PATCH", f"{path}?return_timeout=10", {"size": 2 * GIB, "autosize": {"mode": "grow"}})
    shown = client.rest("GET", f"{base}/ps1")
    assert (shown["size"], shown["autosize_mode"]) == (2 * GIB, "grow")
    client.rest("PATCH", f"{path}?return_timeout=10", {"autosize": {"maximum": 9 * GIB}})
    assert volume(client, "ps1_vol", "autosize")["autosize"]["maximum"] == 9 * GIB
    assert code(client, "DELETE", f"{path}?return_timeout=10") == "8"
    client.rest("DELETE", f"{base}/ps1")
    assert volume(client, "ps1_vol")["size"] == 2 * GIB
    client.rest("DELETE", f"{path}?return_timeout=10")
    assert code(client, "GET", path) == "4"


def test_volumes_are_made_in_a_job(client: SimClient) -> None:
    body = {"name": "vol_new", "svm": {"name": "svm1"}, "size": "1GB", "aggregates": [{"name": "aggr1"}]}
    assert code(client, "POST", "/storage/volumes", {**body, "name": "vol-new"}) == "262197"
    answer = call(client, "POST", "/storage/volumes?return_timeout=10", body)
    assert answer.status == 201
    path = answer.headers["location"].removeprefix("/api")
    assert client.rest("GET", path)["size"] == GIB
    assert code(client, "POST", "/storage/volumes", body) == "1"
    client.rest("DELETE", f"{path}?return_timeout=10")


def test_the_aggregate_is_the_ssd_tier(client: SimClient) -> None:
    client.fsx("fill", volume="vol1", bytes=512 * GIB)
    (record,) = client.rest("GET", "/storage/aggregates?fields=space,state,node")["records"]
    block = record["space"]["block_storage"]
    assert (block["size"], block["used_percent"]) == (1024 * GIB, 50)
    client.fsx("fill", volume="vol1", bytes=0)
