"""REST over TLS: authentication, errors, fields, pages, and the rules between FPolicy objects."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import urllib3

from lab.ontap_sim.client import DEFAULT_EVENTS, SimClient, SimClientError
from lab.ontap_sim.process import SimProcess


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimClient]:
    directory = tmp_path_factory.mktemp("rest")
    volumes = [{"name": name, "directory": str(directory / name)} for name in ("vol1", "vol2", "vol3")]
    with SimProcess({"svms": [{"name": "svm1", "volumes": volumes}]}, directory / "sim") as process:
        yield process.client


@pytest.fixture
def base(client: SimClient) -> Iterator[str]:
    """The FPolicy path of the SVM, emptied after the test."""
    path = f"/protocols/fpolicy/{client.svm_uuid('svm1')}"
    yield path
    for policy in client.rest("GET", f"{path}/policies?fields=enabled")["records"]:
        if policy["enabled"]:
            client.rest("PATCH", f"{path}/policies/{policy['name']}", {"enabled": False})
        client.rest("DELETE", f"{path}/policies/{policy['name']}")
    for kind in ("engines", "events", "persistent-stores"):
        for record in client.rest("GET", f"{path}/{kind}")["records"]:
            client.rest("DELETE", f"{path}/{kind}/{record['name']}")


def refused(client: SimClient, method: str, path: str, body: dict[str, Any] | None = None) -> str:
    """Expect an error and return its code."""
    with pytest.raises(SimClientError) as caught:
        client.rest(method, path, body)
    return caught.value.code


def engine(client: SimClient, base: str, **more: Any) -> None:
    body = {"name": "eng", "primary_servers": ["127.0.0.9"], "port": 9, "type": "asynchronous", **more}
    client.rest("POST", f"{base}/engines", body)


def policy(client: SimClient, base: str, name: str = "pol", **more: Any) -> None:
    body = {"name": name, "engine": {"name": "eng"}, "events": [], "mandatory": False, "scope": {}, **more}
    client.rest("POST", f"{base}/policies", body)


# the interface -----------------------------------------------------------------------------------------


def test_the_certificate_passes_strict_verification(client: SimClient) -> None:
    context = ssl.create_default_context(cafile=client.ready["certificate"])
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    answer = urllib3.PoolManager(ssl_context=context).request("GET", f"{client.ready['rest']}/api/cluster")
    assert answer.status == 401
    assert answer.json()["error"]["code"] == "6691623"


def test_a_wrong_password_is_refused_on_every_request(client: SimClient) -> None:
    other = SimClient({**client.ready, "password": "wrong"})
    assert refused(other, "GET", "/cluster") == "6691623"
    other.close()


def test_the_cluster_says_its_version(client: SimClient) -> None:
    assert client.rest("GET", "/cluster?fields=version")["version"]["generation"] == 9
    assert refused(client, "GET", "/cluster?fields=*") == "262220"


def test_an_unknown_field_fails_the_whole_request(client: SimClient) -> None:
    assert refused(client, "GET", "/storage/volumes?fields=name,used_percent") == "262197"
    assert refused(client, "GET", "/storage/volumes?used_percent=3") == "262179"


def test_a_collection_shows_keys_and_expensive_fields_only_when_named(client: SimClient) -> None:
    (record,) = client.rest("GET", "/storage/volumes?name=vol1")["records"]
    assert set(record) == {"uuid", "name", "_links"}
    (record,) = client.rest("GET", "/storage/volumes?name=vol1&fields=*")["records"]
    assert "nas" not in record
    assert "percent_used" not in record["space"]
    (record,) = client.rest("GET", "/storage/volumes?name=vol1&fields=nas.path,space")["records"]
    assert (record["nas"], record["space"]["percent_used"]) == ({"path": "/vol1"}, 0)


def test_pages_follow_their_links_and_give_everything_once(client: SimClient) -> None:
    names, path = [], "/storage/volumes?max_records=2&fields=name"
    while path:
        answer = client.rest("GET", path)
        assert answer["num_records"] <= 2
        names += [record["name"] for record in answer["records"]]
        path = answer["_links"].get("next", {}).get("href", "").removeprefix("/api")
    assert names == ["vol1", "vol2", "vol3"]


def test_filters_take_wildcards_alternatives_and_comparisons(client: SimClient) -> None:
    def found(query: str) -> list[str]:
        return [record["name"] for record in client.rest("GET", f"/storage/volumes?{query}")["records"]]

    assert found("name=vol*&order_by=name%20desc") == ["vol3", "vol2", "vol1"]
    assert found("name=vol1|vol3") == ["vol1", "vol3"]
    assert found("name=!vol1") == ["vol2", "vol3"]
    assert found("size=%3E=1099511627776&name=vol2") == ["vol2"]
    assert found("size=%3C5") == []


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("GET", "/nothing", "4"),
        ("DELETE", "/cluster", "3"),
        ("GET", "/storage/volumes/no-such-uuid", "4"),
        ("GET", "/protocols/fpolicy/no-such-svm/policies", "4"),
    ],
)
def test_what_is_not_there_or_not_allowed_has_its_code(
    client: SimClient, method: str, path: str, code: str
) -> None:
    assert refused(client, method, path) == code


def test_the_volume_map_has_what_the_server_needs(client: SimClient) -> None:
    (svm,) = client.volume_map()["svms"].values()
    assert svm["name"] == "svm1"
    assert {"name": "vol2", "junction_path": "/vol2"} in svm["volumes"].values()


# FPolicy -----------------------------------------------------------------------------------------------


def test_defaults_are_the_dangerous_ones_of_ontap(client: SimClient, base: str) -> None:
    client.rest("POST", f"{base}/engines", {"name": "eng", "primary_servers": ["127.0.0.9"], "port": 9})
    client.rest("POST", f"{base}/policies", {"name": "pol", "events": [], "scope": {}})
    assert client.rest("GET", f"{base}/engines/eng")["type"] == "synchronous"
    shown = client.rest("GET", f"{base}/policies/pol")
    assert (shown["mandatory"], shown["engine"]["name"]) == (True, "native")


def test_a_policy_is_enabled_by_its_priority(client: SimClient, base: str) -> None:
    """POST with a priority enables; PATCH of the priority alone enables; enabling without one is refused."""
    engine(client, base)
    policy(client, base, "first", priority=1)
    policy(client, base, "second")
    assert client.rest("GET", f"{base}/policies/first")["enabled"] is True
    second = client.rest("GET", f"{base}/policies/second")
    assert second["enabled"] is False
    assert "priority" not in second
    assert refused(client, "PATCH", f"{base}/policies/second", {"enabled": True}) == "9765026"
    client.rest("PATCH", f"{base}/policies/second", {"priority": 2})
    assert client.rest("GET", f"{base}/policies/second")["enabled"] is True


def test_enabling_and_disabling_twice_have_their_codes(client: SimClient, base: str) -> None:
    engine(client, base)
    policy(client, base, priority=1)
    path = f"{base}/policies/pol"
    assert refused(client, "PATCH", path, {"enabled": True, "priority": 1}) == "9764908"
    assert refused(client, "PATCH", path, {"enabled": False, "priority": 1}) == "9765025"
    client.rest("PATCH", path, {"enabled": False})
    assert refused(client, "PATCH", path, {"enabled": False}) == "9764907"


def test_nothing_changes_while_a_policy_is_enabled(client: SimClient, base: str) -> None:
    engine(client, base)
    client.rest("POST", f"{base}/events", DEFAULT_EVENTS[0])
    policy(client, base, priority=1, events=[{"name": "ev_cifs"}])
    assert refused(client, "PATCH", f"{base}/policies/pol", {"mandatory": True}) == "9765036"
    assert refused(client, "PATCH", f"{base}/engines/eng", {"primary_servers": ["127.0.0.8"]}) == "9764942"
    assert refused(client, "PATCH", f"{base}/events/ev_cifs", {"filters": {}}) == "8"
    assert refused(client, "DELETE", f"{base}/policies/pol") == "9764941"
    client.rest("PATCH", f"{base}/policies/pol", {"enabled": False})
    client.rest("PATCH", f"{base}/engines/eng", {"primary_servers": ["127.0.0.8"]})
    assert client.rest("GET", f"{base}/engines/eng")["primary_servers"] == ["127.0.0.8"]
    assert refused(client, "DELETE", f"{base}/engines/eng") == "9764942"


def test_a_taken_priority_leaves_the_policy_behind_disabled(client: SimClient, base: str) -> None:
    engine(client, base)
    policy(client, base, "first", priority=1)
    body = {"name": "pol", "engine": {"name": "eng"}, "events": [], "scope": {}, "priority": 1}
    assert refused(client, "POST", f"{base}/policies", body) == "9765027"
    assert client.rest("GET", f"{base}/policies/pol")["enabled"] is False
    assert refused(client, "PATCH", f"{base}/policies/pol", {"priority": 1, "mandatory": False}) == "9765029"
    assert client.rest("GET", f"{base}/policies/pol")["mandatory"] is False


def test_one_store_for_each_svm_and_only_for_policies_that_may_lose_nothing(
    client: SimClient, base: str
) -> None:
    engine(client, base)
    engine(client, base, name="sync", type="synchronous")
    store = {"name": "ps1", "volume": "ps1_vol", "size": 1 << 20}
    client.rest("POST", f"{base}/persistent-stores", store)
    assert refused(client, "POST", f"{base}/persistent-stores", {**store, "name": "ps2"}) == "1"
    assert refused(client, "PATCH", f"{base}/persistent-stores/ps1", {"autosize_mode": "grow"}) == "262196"
    body = {"name": "pol", "events": [], "scope": {}, "persistent_store": "ps1"}
    for wrong in (
        {"engine": {"name": "eng"}, "mandatory": True},
        {"engine": {"name": "sync"}, "mandatory": False},
        {"mandatory": False},
    ):
        assert refused(client, "POST", f"{base}/policies", {**body, **wrong}) == "2"
    assert client.rest("GET", "/storage/volumes?name=ps1_vol")["num_records"] == 1


def test_events_merge_and_refuse_what_their_protocol_has_not(client: SimClient, base: str) -> None:
    path = f"{base}/events"
    client.rest("POST", path, {"name": "e", "protocol": "nfsv3", "file_operations": {"create": True}})
    client.rest("PATCH", f"{path}/e", {"file_operations": {"write": True}, "filters": {"first_write": True}})
    shown = client.rest("GET", f"{path}/e")
    assert shown["file_operations"] == {"create": True, "write": True}
    for wrong in (
        {"protocol": "nfsv4.1", "file_operations": {"create": True}},
        {"protocol": "nfsv3", "file_operations": {"close": True}},
        {
            "protocol": "nfsv3",
            "file_operations": {"write": True},
            "filters": {"close_with_modification": True},
        },
    ):
        assert refused(client, "POST", path, {"name": "bad", **wrong}) == "262197"
    no_protocol = {"name": "bad", "file_operations": {"create": True}}
    assert refused(client, "POST", path, no_protocol) == "2"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"primary_servers": ["server.example"]}, "262197"),
        ({"secondary_servers": ["127.0.0.9"]}, "9764922"),
        ({"port": 70000}, "262186"),
        ({"keep_alive_interval": "PT5S"}, "262186"),
        ({"session_timeout": "10"}, "262197"),
        ({"colour": "red"}, "262179"),
    ],
)
def test_an_engine_refuses_what_is_no_value(
    client: SimClient, base: str, change: dict[str, Any], code: str
) -> None:
    body = {"name": "eng", "primary_servers": ["127.0.0.9"], "port": 9, **change}
    assert refused(client, "POST", f"{base}/engines", body) == code


def test_a_policy_without_scope_is_refused(client: SimClient, base: str) -> None:
    assert refused(client, "POST", f"{base}/policies", {"name": "pol", "events": []}) == "9764898"


def test_configure_fpolicy_twice_changes_nothing_and_with_new_servers_the_engine(
    client: SimClient, base: str
) -> None:
    client.configure_fpolicy("svm1", ["127.0.0.7"], 9)
    client.configure_fpolicy("svm1", ["127.0.0.7"], 9)
    client.configure_fpolicy("svm1", ["127.0.0.7", "127.0.0.8"], 9)
    records = client.connections("svm1")
    servers = {(record["node"]["name"], record["server"]) for record in records}
    assert len(servers) == len(records) == 4
    assert {record["state"] for record in records} == {"disconnected"}
    client.disable_fpolicy("svm1")
    client.disable_fpolicy("svm1")
    assert client.connections("svm1") == []


def test_the_ready_line_names_files_that_exist(client: SimClient) -> None:
    assert Path(client.ready["certificate"]).read_text().startswith("-----BEGIN CERTIFICATE-----")
    assert Path(client.ready["ledger"]).is_file()
