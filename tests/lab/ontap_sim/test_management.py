"""REST around its resources: methods, pages, clients, faults, request log, EMS, certificates."""

from __future__ import annotations

import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest
import urllib3

from lab.ontap_sim.client import SimClient, SimClientError
from lab.ontap_sim.process import SimProcess
from tests.lab.ontap_sim.rest_calls import call, code


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimClient]:
    directory = tmp_path_factory.mktemp("management")
    volumes = [{"name": name, "directory": str(directory / name)} for name in ("vol1", "vol2", "vol3")]
    config = {"svms": [{"name": "svm1", "volumes": volumes}]}
    with SimProcess(config, directory / "sim") as process:
        yield process.client


@pytest.fixture
def client(shared: SimClient) -> Iterator[SimClient]:
    """The simulator of this file, without faults before and after."""
    shared.clear_faults()
    yield shared
    shared.clear_faults()
    if shared.ready["certificate"] not in str(shared.exchange_certificate(restore=True)):
        raise AssertionError("the first certificate is not back")


# methods, links, pages ---------------------------------------------------------------------------------


def test_methods_are_those_of_the_path(client: SimClient) -> None:
    answer = call(client, "PATCH", "/storage/volumes")
    assert (answer.status, answer.json()["error"]["code"]) == (405, "3")
    allowed = call(client, "OPTIONS", "/storage/volumes").headers["allow"].split(", ")
    assert sorted(allowed) == ["GET", "HEAD", "OPTIONS", "POST"]
    head = call(client, "HEAD", "/storage/volumes")
    assert (head.status, head.data) == (200, b"")
    assert code(client, "GET", "/cluster", {"name": "x"}) == "262198"
    assert code(client, "POST", "/storage/volumes", [1]) == "262199"


def test_plain_json_has_only_the_link_to_the_next_page(client: SimClient) -> None:
    path = "/storage/volumes?max_records=2"
    plain = call(client, "GET", path, accept="application/json").json()
    assert set(plain["_links"]) == {"next"}
    assert "_links" not in plain["records"][0]
    for accept in ("application/hal+json", "*/*"):
        full = call(client, "GET", path, accept=accept).json()
        assert set(full["_links"]) == {"self", "next"}
        first = full["records"][0]
        assert call(client, "GET", first["_links"]["self"]["href"][4:]).json()["name"] == first["name"]
    assert "_links" not in call(client, "GET", "/cluster", accept="application/json").json()


def test_counting_needs_no_records(client: SimClient) -> None:
    answer = client.rest("GET", "/storage/volumes?return_records=false")
    assert (answer["num_records"], "records" in answer) == (3, False)


def test_filters_know_null_not_and_lists_and_order_is_by_value(client: SimClient) -> None:
    def names(query: str) -> list[str]:
        return [record["name"] for record in client.rest("GET", f"/storage/volumes?{query}")["records"]]

    assert names("nas.path=null") == []
    assert names("nas.path=!null&name=!vol2") == ["vol1", "vol3"]
    assert names("aggregates.name=aggr1&name=vol1|vol2&order_by=msid%20desc") == ["vol2", "vol1"]
    assert code(client, "GET", "/storage/volumes?order_by=colour") == "262197"
    assert code(client, "GET", "/storage/volumes?max_records=many") == "262197"


def test_a_page_may_be_empty_and_still_have_a_next(client: SimClient) -> None:
    client.fault("page", path="/api/storage/volumes", records=0)
    client.fault("page", path="/api/storage/volumes", records=1, skip=1)
    path, sizes, names = "/storage/volumes", [], []
    while path:
        answer = client.rest("GET", path)
        sizes.append(answer["num_records"])
        names += [record["name"] for record in answer["records"]]
        path = answer["_links"].get("next", {}).get("href", "").removeprefix("/api")
    assert (sizes, names) == ([0, 1, 2], ["vol1", "vol2", "vol3"])


# SVMs and clients --------------------------------------------------------------------------------------


def test_an_svm_says_its_interfaces(client: SimClient) -> None:
    (svm,) = client.rest("GET", "/svm/svms?fields=ip_interfaces,s3,state")["records"]
    services = [name for item in svm["ip_interfaces"] for name in item["services"]]
    assert "data_fpolicy_client" in services
    assert svm["s3"] == {"enabled": False}


def test_clients_that_fpolicy_cannot_see_can_be_found(client: SimClient) -> None:
    client.set_sessions(
        nfs=[
            {"svm": "svm1", "client_ip": "192.0.2.1", "protocol": "nfs3", "volume": "vol1"},
            {"svm": "svm1", "client_ip": "192.0.2.2", "protocol": "nfs4.2", "volume": "vol1"},
        ],
        cifs=[{"svm": "svm1", "identifier": 1, "connection_id": 2, "client_ip": "192.0.2.3"}],
    )
    path = "/protocols/nfs/connected-clients"
    (found,) = client.rest("GET", f"{path}?protocol=nfs4.2&fields=protocol,volume.name")["records"]
    assert (found["client_ip"], found["volume"]) == ("192.0.2.2", {"name": "vol1"})
    assert client.rest("GET", "/protocols/cifs/sessions")["num_records"] == 1


# faults ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("status", "retry_after"), [(429, 3), (500, None), (503, 1)])
def test_a_status_fault_answers_instead(client: SimClient, status: int, retry_after: int | None) -> None:
    client.fault("status", path="/api/cluster", status=status, retry_after=retry_after)
    answer = call(client, "GET", "/cluster")
    assert answer.status == status
    assert answer.headers.get("retry-after") == (None if retry_after is None else str(retry_after))
    assert call(client, "GET", "/cluster").status == 200


def test_a_storm_of_401_locks_nobody_and_lasts_until_it_is_cleared(client: SimClient) -> None:
    client.fault("status", status=401, count=0)
    for _ in range(8):
        assert call(client, "GET", "/cluster").json()["error"]["code"] == "6691623"
    client.clear_faults()
    assert call(client, "GET", "/cluster").status == 200


@pytest.mark.parametrize(("effect", "applied"), [("reset", False), ("lost_answer", True)])
def test_a_broken_connection_leaves_the_change_undone_or_done(
    client: SimClient, effect: str, applied: bool
) -> None:
    body = {"name": f"fault_{effect}", "primary_servers": ["127.0.0.9"], "port": 9}
    base = f"/protocols/fpolicy/{client.svm_uuid('svm1')}/engines"
    client.fault(effect, method="POST", path="/api/protocols/fpolicy/*/engines")
    with pytest.raises((urllib3.exceptions.ProtocolError, urllib3.exceptions.SSLError)):
        call(client, "POST", base, body)
    assert (code(client, "GET", f"{base}/{body['name']}") == "") is applied
    (rule,) = client.faults()
    assert (rule["seen"], rule["struck"]) == (1, 1)


def test_a_rule_strikes_the_kth_request_from_now(client: SimClient) -> None:
    client.fault("status", skip=2, count=2, status=503)
    assert [call(client, "GET", "/cluster").status for _ in range(5)] == [200, 200, 503, 503, 200]


def test_a_delay_delays(client: SimClient) -> None:
    for effect in ("delay", "late_answer"):
        client.fault(effect, seconds=0.4)
        began = time.monotonic()
        assert call(client, "GET", "/cluster").status == 200
        assert time.monotonic() - began >= 0.4


def test_an_unknown_fault_is_refused(client: SimClient) -> None:
    for wrong in ({"effect": "explode"}, {"effect": "delay", "colour": "red"}):
        with pytest.raises(SimClientError, match="effects"):
            client.fault(**wrong)


def test_the_clock_may_be_wrong_everywhere(client: SimClient) -> None:
    def ahead() -> float:
        date = parsedate_to_datetime(call(client, "GET", "/cluster").headers["date"])
        return date.timestamp() - time.time()

    assert abs(ahead()) < 5
    client.set_clock(3600)
    assert abs(ahead() - 3600) < 5
    (row,) = client.operations([{"op": "create", "path": f"/late-{time.time_ns()}"}])
    assert row["time_us"] / 1e6 - time.time() > 3500
    client.clear_faults()
    assert abs(ahead()) < 5


# request log -------------------------------------------------------------------------------------------


def test_the_log_has_what_was_sent_and_no_secret(client: SimClient) -> None:
    last = client.requests()[-1]["number"]
    client.fault("status", method="DELETE", status=503)
    call(
        client, "POST", "/security/authentication/password?x=1", {"name": "fsxadmin", "password": "S3cret-99"}
    )
    call(client, "DELETE", "/cluster/jobs/j")
    post, delete = client.requests(last)
    assert (post["method"], post["path"]) == ("POST", "/api/security/authentication/password")
    assert (post["query"], post["status"], post["user"]) == ({"x": "1"}, 400, "fsxadmin")
    assert post["body"] == {"name": "fsxadmin", "password": "***"}
    assert (delete["status"], delete["fault"], delete["user"]) == (503, "status", "")
    assert "S3cret-99" not in str(client.requests())


# EMS ---------------------------------------------------------------------------------------------------


def test_messages_have_an_index_for_each_node_and_debug_must_be_asked_for(client: SimClient) -> None:
    server = {"fpserver": "10.0.4.21", "policy": "pol"}
    client.emit("fpolicy.server.disconnect", "error", "broken", node=1, **server)
    client.emit("fpolicy.server.connect", "notice", "connected", node=2, **server)
    client.emit("lab.noise", "debug", "noise", node=1)
    path = "/support/ems/events"
    seen = [(item["node"]["name"][-1], item["index"]) for item in client.rest("GET", path)["records"]]
    assert seen == [("1", 1), ("2", 1)]
    (noise,) = client.rest("GET", f"{path}?message.severity=debug")["records"]
    assert noise["index"] == 2
    (found,) = client.rest("GET", f"{path}?message.name=fpolicy.server.dis*&fields=parameters")["records"]
    assert {"name": "fpserver", "value": "10.0.4.21"} in found["parameters"]
    assert found["log_message"] == "fpolicy.server.disconnect: broken"
    since = found["time"].replace("+00:00", "Z")
    assert client.rest("GET", f"{path}?time=%3E={since}")["num_records"] == 2
    assert client.rest("GET", f"{path}?time=%3E=2099-01-01T00:00:00Z")["num_records"] == 0
    assert client.rest("GET", f"{path}?message.severity=error|alert")["num_records"] == 1
    assert client.rest("GET", f"{path}?max_records=1")["_links"]["next"]


# certificates ------------------------------------------------------------------------------------------


def test_the_certificate_presented_is_the_one_in_the_list(client: SimClient) -> None:
    query = "type=server&fields=common_name,serial_number,expiry_time,public_certificate,svm"
    (record,) = client.rest("GET", f"/security/certificates?{query}")["records"]
    assert record["public_certificate"] == Path(client.ready["certificate"]).read_text()
    assert code(client, "DELETE", f"/security/certificates/{record['uuid']}") == "8"


@pytest.mark.parametrize("installed", [True, False])
def test_another_certificate_fails_the_pin_and_ends_open_connections(
    client: SimClient, installed: bool
) -> None:
    old = Path(client.ready["certificate"])
    with urllib3.PoolManager(ca_certs=str(old), retries=False, timeout=10.0) as pool:
        assert pool.request("GET", f"{client.ready['rest']}/api/cluster").status == 401
        new = Path(client.exchange_certificate(installed=installed))
        with pytest.raises((urllib3.exceptions.ProtocolError, urllib3.exceptions.SSLError)):
            pool.request("GET", f"{client.ready['rest']}/api/cluster")
        with pytest.raises(urllib3.exceptions.SSLError, match="CERTIFICATE_VERIFY_FAILED"):
            pool.request("GET", f"{client.ready['rest']}/api/cluster")
    (record,) = client.rest("GET", "/security/certificates?type=server&fields=public_certificate")["records"]
    assert record["public_certificate"] == (new if installed else old).read_text()


def test_a_certificate_may_be_about_to_end_or_over(client: SimClient) -> None:
    client.exchange_certificate(lifetime_days=2)
    (record,) = client.rest("GET", "/security/certificates?type=server&fields=expiry_time")["records"]
    assert record["expiry_time"] < time.strftime("%Y-%m-%d", time.gmtime(time.time() + 3 * 86400))
    client.exchange_certificate(lifetime_days=-1)
    with pytest.raises(urllib3.exceptions.SSLError, match="expired"):
        client.rest("GET", "/cluster")


def test_an_svm_takes_the_certificate_of_its_servers_authority(client: SimClient) -> None:
    body = {
        "type": "client_ca",
        "svm": {"name": "svm1"},
        "public_certificate": Path(client.ready["certificate"]).read_text(),
    }
    assert code(client, "POST", "/security/certificates", {**body, "type": "ca"}) == "262197"
    assert code(client, "POST", "/security/certificates", {**body, "public_certificate": "x"}) == "262197"
    client.rest("POST", "/security/certificates", body)
    assert code(client, "POST", "/security/certificates", body) == "1"
    (record,) = client.rest("GET", "/security/certificates?svm.name=svm1&fields=type,scope")["records"]
    assert (record["type"], record["scope"]) == ("client_ca", "svm")
    base = f"/protocols/fpolicy/{client.svm_uuid('svm1')}/engines"
    engine = {"name": "tls", "primary_servers": ["127.0.0.9"], "port": 9, "ssl_option": "server_auth"}
    client.rest("POST", base, engine)
    client.rest("DELETE", f"{base}/tls")
    client.rest("DELETE", f"/security/certificates/{record['uuid']}")
    assert code(client, "POST", base, engine) != "", "without the certificate nothing could be verified"
