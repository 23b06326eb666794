"""TLS between nodes and servers: the reconciler puts the CA on the SVM, exchanges it and takes it away.

Real REST calls to the simulator, whose nodes really verify and are verified.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509
from fsxn_runtime.errors import FsxnError
from fsxn_runtime.fpolicy import run as run_module
from fsxn_runtime.fpolicy.model import Certificate, ClientCertificate, Engine, WaitFor, Wanted
from fsxn_runtime.fpolicy.run import Run, State
from fsxn_runtime.fpolicy.wanted import wanted_of

from tests.python.fpolicy.sim_world import HOSTS, RealClock, SimWorld, sim_world
from tests.support.certificates import Authority, Pair

A, B, C = HOSTS
OLD, NEW, OTHER, CLIENTS = (Authority(f"{name} CA") for name in ("old", "new", "other", "clients"))


@pytest.fixture(autouse=True)
def brief_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    for what, seconds in (
        (WaitFor.LINGER, 0.2),
        (WaitFor.LINKS, 1),
        (WaitFor.GUARD, 1),
        (WaitFor.RECONNECT, 0.2),
    ):
        monkeypatch.setitem(run_module.PATIENCE_SECONDS, what, seconds)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[SimWorld]:
    with sim_world(tmp_path) as made:
        yield made


def present(world: SimWorld, tmp_path: Path, authority: Authority, client_ca: str = "") -> None:
    """Let all servers show a certificate of this CA from now on; with `client_ca` they ask for one."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    pair = authority.sign("fpolicy-server")
    path = tmp_path / "pair.pem"
    path.write_text(pair.certificate + pair.key)
    context.load_cert_chain(path)
    if client_ca:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(cadata=client_ca)
    for server in world.servers.values():
        server.stop()
        server.tls = context
        server.start()


def certificate(authority: Authority) -> Certificate:
    (found,) = certificates_of({"pem": [authority.certificate]})
    return found


def certificates_of(written: dict[str, object]) -> tuple[Certificate, ...]:
    """As they are made of what Terraform gives."""
    document = {
        "svm": "svm1",
        "enabled": True,
        "guard": True,
        "priority": 1,
        "policy": "p",
        "engine": {"port": 1, "keep_alive_seconds": 120, "ssl_option": "server_auth"},
        "events": {},
        "scope": {},
        "certificates": written,
    }
    return wanted_of(document).certificates


def trusting(world: SimWorld, *authorities: Authority) -> Wanted:
    engine = Engine("p", frozenset(), world.port, ssl_option="server_auth")
    return replace(world.wanted, engine=engine, certificates=tuple(certificate(each) for each in authorities))


def installed(world: SimWorld) -> dict[str, str]:
    """Type of every certificate of the SVM, by name."""
    found = world.sim.rest("GET", "/security/certificates?svm.name=svm1&fields=name,type")["records"]
    return {record["name"]: record["type"] for record in found}


def test_the_ca_comes_before_the_engine_that_needs_it_and_nodes_connect(
    world: SimWorld, tmp_path: Path
) -> None:
    present(world, tmp_path, OLD)
    report = world.run(A, wanted=trusting(world, OLD))
    assert (report.state, report.missing) == (State.CONNECTED, 0)
    name = certificate(OLD).name
    assert report.steps[0] == f"InstallCertificate {name}"
    assert installed(world) == {name: "client_ca"}
    assert world.engine()["ssl_option"] == "server_auth"
    assert world.run(A, wanted=trusting(world, OLD)).steps == []
    world.create()
    assert world.lost() == set()


def test_addresses_change_under_a_guard_over_tls_and_nothing_is_lost(world: SimWorld, tmp_path: Path) -> None:
    present(world, tmp_path, OLD)
    world.run(A, wanted=trusting(world, OLD))
    report = world.run(B, C, wanted=trusting(world, OLD), between=world.create)
    assert (report.state, report.unguarded) == (State.CONNECTED, 0)
    assert world.lost() == set()


def test_a_ca_is_exchanged_without_disabling_anything(world: SimWorld, tmp_path: Path) -> None:
    """Steps: both are trusted; the servers show the new one; the old one goes. Nothing is lost."""
    present(world, tmp_path, OLD)
    world.run(A, wanted=trusting(world, OLD))
    both = world.run(A, wanted=trusting(world, OLD, NEW), between=world.create)
    assert both.steps == [f"InstallCertificate {certificate(NEW).name}"]
    present(world, tmp_path, NEW)
    world.create()
    world.wait_connected(A)
    after = world.run(A, wanted=trusting(world, NEW), between=world.create)
    assert after.steps == [f"Delete {certificate(OLD).name}"]
    assert installed(world) == {certificate(NEW).name: "client_ca"}
    assert world.lost() == set()


def test_a_ca_that_is_not_listed_any_more_stays_until_all_nodes_are_connected(
    world: SimWorld, tmp_path: Path
) -> None:
    """The new one alone is listed while the servers are away: what they will show is not known."""
    present(world, tmp_path, OLD)
    world.run(A, wanted=trusting(world, OLD))
    world.servers[A].stop()
    report = world.run(A, wanted=trusting(world, NEW))
    assert report.state is State.DISCONNECTED
    assert installed(world).keys() == {certificate(OLD).name, certificate(NEW).name}
    present(world, tmp_path, NEW)
    world.wait_connected(A)
    world.run(A, wanted=trusting(world, NEW))
    assert installed(world).keys() == {certificate(NEW).name}


def test_a_server_that_another_ca_signed_gets_nothing(world: SimWorld, tmp_path: Path) -> None:
    present(world, tmp_path, OTHER)
    report = world.run(A, wanted=trusting(world, OLD))
    assert report.state is State.DISCONNECTED
    world.create()
    assert world.servers[A].refused > 0
    assert world.arrived() == set()
    present(world, tmp_path, OLD)
    world.wait_connected(A)
    assert world.lost() == set()  # the store kept it


def test_removal_takes_our_ca_and_leaves_anothers(world: SimWorld, tmp_path: Path) -> None:
    theirs = {"type": "client_ca", "svm": {"name": "svm1"}, "name": "theirs"}
    world.sim.rest("POST", "/security/certificates", {**theirs, "public_certificate": OTHER.certificate})
    present(world, tmp_path, OLD)
    wanted = trusting(world, OLD)
    world.run(A, wanted=wanted)
    Run(wanted, world.side(with_certificates=True), RealClock(), lambda: None).remove(keeps_store=False)
    assert installed(world) == {"theirs": "client_ca"}
    assert world.side().look().policies == {}


def test_without_tls_any_more_the_ca_is_looked_for_and_taken_away(world: SimWorld, tmp_path: Path) -> None:
    present(world, tmp_path, OLD)
    world.run(A, wanted=trusting(world, OLD))
    for server in world.servers.values():
        server.stop()
        server.tls = None
        server.start()
    report = world.run(A, wanted=replace(world.wanted, had_certificates=True))
    assert report.state is State.CONNECTED
    assert installed(world) == {}


def test_a_ca_that_somebody_installed_already_is_adopted_and_stays(world: SimWorld, tmp_path: Path) -> None:
    """ONTAP takes no certificate twice."""
    theirs = {"type": "client_ca", "svm": {"name": "svm1"}, "name": "theirs"}
    world.sim.rest("POST", "/security/certificates", {**theirs, "public_certificate": OLD.certificate})
    present(world, tmp_path, OLD)
    wanted = trusting(world, OLD)
    assert world.run(A, wanted=wanted).state is State.CONNECTED
    Run(wanted, world.side(with_certificates=True), RealClock(), lambda: None).remove(keeps_store=False)
    assert installed(world) == {"theirs": "client_ca"}


def test_a_ca_of_another_type_is_installed_anew_and_the_first_one_goes(
    world: SimWorld, tmp_path: Path
) -> None:
    """Which type ONTAP reads is unknown, so an operator may have to change it."""
    present(world, tmp_path, OLD)
    world.run(A, wanted=trusting(world, OLD))
    document = {"type": "root_ca", "pem": [OLD.certificate]}
    other = replace(trusting(world, OLD), certificates=certificates_of(document))
    world.run(A, wanted=other)
    assert list(installed(world).values()) == ["root_ca"]


def test_turning_tls_on_under_load_is_told_to_be_uncovered_and_loses_no_more_than_the_change(
    world: SimWorld, tmp_path: Path
) -> None:
    """New tasks speak TLS, the old one does not: the guard cannot connect before the engine is changed."""
    plain = world.servers[A].tls
    world.run(A)
    present(world, tmp_path, OLD)
    world.servers[A].stop()
    world.servers[A].tls = plain
    world.servers[A].start()
    world.wait_connected(A)
    report = world.run(B, wanted=trusting(world, OLD), between=world.create)
    assert (report.state, report.unguarded) == (State.CONNECTED, 1)
    told = {row["seq"] for row in world.ledger() if row["kind"] == "notification" and row["policy"] == "p"}
    unseen = {row["path"] for row in world.operations() if row["seq"] not in told}
    assert world.lost() == unseen
    assert 0 < len(unseen) <= 10  # four calls, a file before and after each, and two looks


@pytest.mark.parametrize("effect", ["status", "reset", "lost_answer"])
@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_a_certificates_call_may_fail_or_lose_its_answer(
    world: SimWorld, tmp_path: Path, method: str, effect: str
) -> None:
    present(world, tmp_path, OLD)
    world.run(A, wanted=trusting(world, OLD))
    world.sim.fault(effect, path="/api/security/certificates*", method=method)
    world.run(A, wanted=trusting(world, OLD, NEW))
    world.run(A, wanted=trusting(world, OLD))
    (fault,) = world.sim.faults()
    assert fault["struck"] == 1
    assert installed(world).keys() == {certificate(OLD).name}


# mutual ----------------------------------------------------------------------------------------------


def give_client_certificate(world: SimWorld, pair: Pair) -> ClientCertificate:
    """Put the SVM's own certificate there, as an operator does; what ONTAP calls it."""
    body = {"type": "client", "svm": {"name": "svm1"}}
    world.sim.rest(
        "POST",
        "/security/certificates",
        {**body, "public_certificate": pair.certificate, "private_key": pair.key},
    )
    serial = f"{x509.load_pem_x509_certificate(pair.certificate.encode()).serial_number:X}"
    return ClientCertificate("svm1", serial, "clients CA")


def known_by(world: SimWorld, client: ClientCertificate) -> Wanted:
    wanted = trusting(world, OLD)
    engine = replace(wanted.engine, ssl_option="mutual_auth", client_certificate=client)
    return replace(wanted, engine=engine)


def test_with_mutual_auth_both_sides_know_each_other(world: SimWorld, tmp_path: Path) -> None:
    present(world, tmp_path, OLD, CLIENTS.certificate)
    wanted = known_by(world, give_client_certificate(world, CLIENTS.sign("svm1")))
    report = world.run(A, wanted=wanted)
    assert (report.state, report.missing) == (State.CONNECTED, 0)
    assert world.run(A, wanted=wanted).steps == []
    moved = world.run(B, wanted=wanted, between=world.create)
    assert (moved.state, moved.unguarded) == (State.CONNECTED, 0)
    assert world.lost() == set()


def test_the_svms_certificate_is_exchanged_under_the_guard(world: SimWorld, tmp_path: Path) -> None:
    present(world, tmp_path, OLD, CLIENTS.certificate)
    world.run(A, wanted=known_by(world, give_client_certificate(world, CLIENTS.sign("svm1"))))
    second = give_client_certificate(world, CLIENTS.sign("svm1"))
    report = world.run(A, wanted=known_by(world, second), between=world.create)
    assert (report.state, report.unguarded) == (State.CONNECTED, 0)
    assert world.engine()["certificate"]["serial_number"] == second.serial_number
    assert world.lost() == set()


def test_a_certificate_that_the_server_does_not_know_lets_nobody_in(world: SimWorld, tmp_path: Path) -> None:
    present(world, tmp_path, OLD, OTHER.certificate)
    report = world.run(A, wanted=known_by(world, give_client_certificate(world, CLIENTS.sign("svm1"))))
    assert report.state is State.DISCONNECTED
    assert world.servers[A].refused > 0


def test_a_client_certificate_that_the_svm_does_not_have_is_refused_at_the_guard(
    world: SimWorld, tmp_path: Path
) -> None:
    present(world, tmp_path, OLD, CLIENTS.certificate)
    client = give_client_certificate(world, CLIENTS.sign("svm1"))
    world.run(A, wanted=known_by(world, client))
    with pytest.raises(FsxnError, match="client certificate"):
        world.run(A, wanted=known_by(world, replace(client, serial_number="12")), between=world.create)
    assert world.policy()["enabled"]
    assert world.engine()["certificate"]["serial_number"] == client.serial_number
    assert world.lost() == set()
