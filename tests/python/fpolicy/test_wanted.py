"""The wanted state as Terraform writes it."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from fsxn_runtime.errors import MisconfiguredError
from fsxn_runtime.fpolicy.model import Certificate, Engine, Event, Policy, Store, Wanted
from fsxn_runtime.fpolicy.records import fingerprint
from fsxn_runtime.fpolicy.wanted import following, keeps_store, wanted_of
from hypothesis import given
from hypothesis import strategies as st


def document(**changes: object) -> dict[str, Any]:
    """What Terraform writes for one SVM."""
    return {
        "svm": "svm1",
        "enabled": True,
        "guard": False,
        "priority": 1,
        "policy": "p",
        "engine": {"port": 9898, "keep_alive_seconds": 120, "ssl_option": "no_auth"},
        "events": {},
        "scope": {"include_volumes": ["*"]},
        "store": None,
        "keep_store": True,
        **changes,
    }


def test_everything_that_is_written_is_read() -> None:
    nfs = {"protocol": "nfsv3", "operations": ["write", "create"], "filters": ["first_write"]}
    wanted = wanted_of(
        document(
            guard=True,
            priority=3,
            engine={"port": 1, "keep_alive_seconds": 60, "ssl_option": "server_auth"},
            events={"nfs": nfs, "cifs": {"protocol": "cifs", "operations": ["close"]}},
            scope={"include_volumes": ["a", "b"], "check_extensions_on_directories": True},
            store={"volume": "v", "size_bytes": 5},
            certificates={"type": "root_ca", "pem": ["PEM"]},
        )
    )
    assert wanted == Wanted(
        svm="svm1",
        policy=Policy(
            "p",
            "p",
            frozenset({"p_cifs", "p_nfs"}),
            frozenset(
                {
                    ("include_volumes", "a"),
                    ("include_volumes", "b"),
                    ("check_extensions_on_directories", "true"),
                }
            ),
            "p",
            is_enabled=True,
            priority=3,
        ),
        engine=Engine("p", frozenset(), 1, 60, "server_auth"),
        events=(
            Event("p_cifs", "cifs", frozenset({"close"})),
            Event("p_nfs", "nfsv3", frozenset({"create", "write"}), frozenset({"first_write"})),
        ),
        store=Store("p", "v", 5),
        is_guarded=True,
        certificates=(
            Certificate(
                f"p_ca_{fingerprint('root_ca', 'PEM')}", fingerprint("root_ca", "PEM"), "PEM", "root_ca"
            ),
        ),
    )


@pytest.mark.parametrize(
    ("engine", "kind"),
    [
        ({}, "asynchronous"),
        ({"type": "asynchronous"}, "asynchronous"),
        ({"type": "synchronous"}, "synchronous"),
    ],
)
def test_an_engine_is_of_the_servers_mode(engine: dict[str, object], kind: str) -> None:
    wanted = wanted_of(document(engine={**document()["engine"], **engine}))
    assert (wanted.engine.kind, wanted.store) == (kind, None)


@pytest.mark.parametrize(
    "name", ["svm", "enabled", "guard", "priority", "policy", "engine", "events", "scope"]
)
def test_a_wanted_state_without_one_of_its_members_is_refused(name: str) -> None:
    whole = document()
    del whole[name]
    with pytest.raises(MisconfiguredError, match=name):
        wanted_of(whole)


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
_whole = document(
    events={"nfs": {"protocol": "nfsv3", "operations": ["create"], "filters": []}},
    store={"volume": "v", "size_bytes": 5},
    certificates={"type": "client_ca", "pem": ["PEM"]},
)


@given(st.sampled_from(sorted(_whole)), _json, st.booleans())
def test_any_document_is_read_or_refused_with_one_error(name: str, value: object, deep: bool) -> None:
    changed = copy.deepcopy(_whole)
    inner = changed[name]
    if deep and isinstance(inner, dict):
        inner[min(inner)] = value
    else:
        changed[name] = value
    try:
        assert isinstance(wanted_of(changed), Wanted)
    except MisconfiguredError as exc:
        assert exc.code == "bad_wanted_state"


@pytest.mark.parametrize(
    "changes",
    [{"scope": []}, {"events": []}, {"engine": 5}, {"priority": "first"}, {"store": {"volume": "v"}}],
    ids=str,
)
def test_a_member_of_another_kind_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(MisconfiguredError, match="cannot be read"):
        wanted_of(document(**changes))


def test_a_policy_without_a_store_names_none() -> None:
    assert wanted_of(document()).policy.store == ""


@pytest.mark.parametrize(("changes", "kept"), [({}, True), ({"keep_store": False}, False)])
def test_a_store_is_kept_unless_told_otherwise(changes: dict[str, object], kept: bool) -> None:
    assert keeps_store(document(**changes)) is kept
    without = document()
    del without["keep_store"]
    assert keeps_store(without)


def test_that_there_were_certificates_is_known_from_then_on() -> None:
    tls, plain = document(certificates={"pem": ["PEM"]}), document(certificates={"pem": []})
    assert not wanted_of(following(plain, None)).looks_at_certificates
    assert not wanted_of(following(plain, plain)).looks_at_certificates
    assert wanted_of(following(tls, None)).looks_at_certificates
    after = following(plain, tls)
    assert wanted_of(after).looks_at_certificates
    assert wanted_of(following(plain, after)).looks_at_certificates


@pytest.mark.parametrize(
    ("ssl_option", "client"),
    [("mutual_auth", None), ("server_auth", {"name": "a", "serial_number": "1", "ca": "b"})],
)
def test_mutual_auth_and_the_svms_certificate_go_together(ssl_option: str, client: object) -> None:
    engine = {**document()["engine"], "ssl_option": ssl_option, "client_certificate": client}
    with pytest.raises(MisconfiguredError, match="go together"):
        wanted_of(document(engine=engine))


def certificate(pem: str, kind: str = "client_ca") -> Certificate:
    (found,) = wanted_of(document(certificates={"pem": [pem], "type": kind})).certificates
    return found


@given(st.text(min_size=1, max_size=40), st.text(min_size=1, max_size=40))
def test_another_certificate_has_another_name_and_line_ends_do_not_matter(one: str, two: str) -> None:
    same = "".join(one.split()) == "".join(two.split())
    assert (certificate(one).name == certificate(two).name) is same
    assert certificate(one).name.startswith("p_ca_")
    assert certificate(one).name != certificate(one, "root_ca").name
    assert len(certificate(one).name) == len("p_ca_") + 12
    assert certificate("\r\n".join(one)).name == certificate("\n".join(one)).name
