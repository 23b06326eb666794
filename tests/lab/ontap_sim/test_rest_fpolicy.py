"""FPolicy over REST: whole configurations, objects of the cluster, connections, half successes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from lab.ontap_sim.client import DEFAULT_EVENTS, SimClient, SimClientError
from tests.lab.ontap_sim.conftest import World

Start = Callable[..., World]

ENGINE = {"name": "eng", "primary_servers": ["127.0.0.9"], "port": 9, "type": "asynchronous"}
POLICY = {
    "name": "pol",
    "engine": {"name": "eng"},
    "events": [{"name": "ev_cifs"}],
    "mandatory": False,
    "scope": {"include_volumes": ["*"]},
    "priority": 1,
}
FPOLICY = "/protocols/fpolicy"


def refused(client: SimClient, method: str, path: str, body: dict[str, Any] | None = None) -> str:
    """Expect an error and return its code."""
    with pytest.raises(SimClientError) as caught:
        client.rest(method, path, body)
    return caught.value.code


def test_the_whole_configuration_is_made_shown_and_deleted(start: Start) -> None:
    client = start().client
    uuid = client.svm_uuid("svm1")
    body = {"svm": {"name": "svm1"}, "engines": [ENGINE], "events": [DEFAULT_EVENTS[0]], "policies": [POLICY]}
    assert refused(client, "POST", FPOLICY, {**body, "svm": {"name": "svm9"}}) == "262197"
    client.rest("POST", FPOLICY, body)
    assert len(client.connections("svm1")) == 2
    (whole,) = client.rest("GET", f"{FPOLICY}?fields=*")["records"]
    assert whole["policies"][0]["priority"] == 1
    assert client.rest("GET", f"{FPOLICY}/{uuid}")["engines"] == whole["engines"]
    assert refused(client, "DELETE", f"{FPOLICY}/{uuid}") == "9765030"
    client.disable_fpolicy("svm1", "pol")
    client.rest("DELETE", f"{FPOLICY}/{uuid}")
    assert "engines" not in client.rest("GET", f"{FPOLICY}/{uuid}")
    assert client.rest("GET", f"{FPOLICY}/{uuid}/events")["num_records"] == 0


def test_objects_of_the_cluster_are_listed_and_cannot_be_read_by_name(start: Start) -> None:
    client = start(cluster_objects=True).client
    base = f"{FPOLICY}/{client.svm_uuid('svm1')}"
    for kind, name in (("engines", "cluster_engine"), ("policies", "cluster_policy")):
        assert [record["name"] for record in client.rest("GET", f"{base}/{kind}")["records"]] == [name]
        assert refused(client, "GET", f"{base}/{kind}/{name}") == "4"
    assert refused(client, "DELETE", f"{base}/engines/cluster_engine") == "9764886"


def test_a_policy_made_without_its_scope_is_there(start: Start) -> None:
    client = start().client
    base = f"{FPOLICY}/{client.svm_uuid('svm1')}"
    client.rest("POST", f"{base}/engines", ENGINE)
    client.rest("POST", f"{base}/events", DEFAULT_EVENTS[0])
    client.fail_fpolicy("svm1", "9765037")
    assert refused(client, "POST", f"{base}/policies", POLICY) == "9765037"
    assert "scope" not in client.rest("GET", f"{base}/policies/pol")


def test_there_are_no_channels_of_passthrough_read(start: Start) -> None:
    client = start().client
    client.configure_fpolicy("svm1", ["127.0.0.9"], 9)
    path = f"{FPOLICY}/*/connections"
    assert client.rest("GET", f"{path}?passthrough_read=false")["num_records"] == 2
    assert client.rest("GET", f"{path}?passthrough_read=true")["num_records"] == 0
