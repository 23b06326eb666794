"""The client against the simulated ONTAP: what it asks, and what it makes of the answers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from fsxn_runtime.ontap import OntapClient, OntapSecret, path, settled
from fsxn_runtime.ontap.errors import (
    OntapConflictError,
    OntapNotFoundError,
    OntapRejectedError,
    OntapUnauthorizedError,
)

VOLUMES = path("storage", "volumes")


@pytest.fixture
def client(secret: OntapSecret) -> Iterator[OntapClient]:
    with OntapClient(secret) as made:
        yield made


@pytest.fixture
def fpolicy(client: OntapClient) -> str:
    (svm,) = client.records(path("svm", "svms"), query={"name": "svm1"}, fields=("uuid",))
    return svm["uuid"]


def test_the_cluster_answers_with_the_fields_asked_for(client: OntapClient) -> None:
    cluster = client.get(path("cluster"), fields=("name", "version.full"))
    assert cluster["name"] and cluster["version"]["full"]
    assert "timezone" not in cluster


@pytest.mark.parametrize("page_records", [1, 2, 3, 10])
def test_the_size_of_pages_does_not_change_the_records(client: OntapClient, page_records: int) -> None:
    found = client.records(VOLUMES, fields=("name",), query={"max_records": page_records})
    assert [record["name"] for record in found] == ["vol1", "vol2", "vol3"]


def test_an_object_that_is_not_there_is_not_found(client: OntapClient) -> None:
    with pytest.raises(OntapNotFoundError) as caught:
        client.get(path("storage", "volumes", "no such"))
    assert (caught.value.status, caught.value.ontap_code) == (404, "4")


def test_an_unknown_field_is_rejected(client: OntapClient) -> None:
    with pytest.raises(OntapRejectedError) as caught:
        list(client.records(VOLUMES, fields=("no_such",)))
    assert (caught.value.status, caught.value.ontap_code) == (400, "262197")


def test_a_name_arrives_as_it_is_whatever_it_holds(client: OntapClient) -> None:
    name = "é a/b ?&#%+%2F.."
    with pytest.raises(OntapNotFoundError) as caught:
        client.get(path("storage", "volumes", name))
    assert str(caught.value).endswith(name)


def test_a_second_object_of_a_name_is_a_conflict_and_settled_finds_the_first(
    client: OntapClient, fpolicy: str
) -> None:
    engines = path("protocols", "fpolicy", fpolicy, "engines")
    body = {"name": "twice", "primary_servers": ["127.0.0.1"], "port": 9, "type": "asynchronous"}

    def look(port: int) -> dict[str, object] | None:
        found = client.get(path("protocols", "fpolicy", fpolicy, "engines", "twice"))
        return found if found["port"] == port else None

    client.post(engines, body)
    with pytest.raises(OntapConflictError):
        client.post(engines, body)
    assert settled(lambda: client.post(engines, body), lambda: look(9))["name"] == "twice"
    with pytest.raises(OntapConflictError):
        settled(lambda: client.post(engines, body), lambda: look(10))
    client.delete(path("protocols", "fpolicy", fpolicy, "engines", "twice"))


def test_a_wrong_password_is_refused_without_asking_again(secret: OntapSecret) -> None:
    with OntapClient(replace(secret, password="not the password")) as client:
        for _ in range(3):
            with pytest.raises(OntapUnauthorizedError) as caught:
                client.get(VOLUMES)
    assert caught.value.status == 401
    assert "not the password" not in str(caught.value)
