"""The FPolicy state machine: what may be made, changed, enabled and deleted, and the codes of refusals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from lab.ontap_sim.fpolicy import PARTIAL_CODES, FpolicyConfig, shown
from lab.ontap_sim.fpolicy_fields import FILTERS
from lab.ontap_sim.model import SimError
from lab.ontap_sim.rest_errors import RestError

ENGINE = {"name": "eng", "primary_servers": ["127.0.0.9"], "port": 9, "type": "asynchronous"}
EVENT = {"name": "ev", "protocol": "cifs", "file_operations": {"create": True, "close": True}}
POLICY = {"name": "pol", "engine": {"name": "eng"}, "events": [], "mandatory": False, "scope": {}}


@pytest.fixture
def config() -> FpolicyConfig:
    """An engine and an event, as a policy needs them."""
    made = FpolicyConfig()
    made.create_engine(ENGINE)
    made.create_event(EVENT)
    return made


def code(call: Callable[..., object], *arguments: Any) -> str:
    """Expect a refusal and return its code."""
    with pytest.raises(RestError) as caught:
        call(*arguments)
    return caught.value.code


# engines -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"secondary_servers": ["127.0.0.9"]}, "9764922"),
        ({"primary_servers": ["127.0.0.8", "127.0.0.8"]}, "9764922"),
        ({"primary_servers": "127.0.0.9"}, "262197"),
        ({"primary_servers": [1]}, "262197"),
        ({"primary_servers": []}, "262197"),
        ({"buffer_size": {"send": 1}}, "262179"),
        ({"resiliency": {"retention_duration": "PT11M"}}, "262186"),
        ({"request_cancel_timeout": "PT1M41S"}, "262186"),
        ({"max_server_requests": 10001}, "262186"),
        ({"max_connection_retries": 21}, "262186"),
        ({"status_request_interval": "PT51S"}, "262186"),
    ],
)
def test_an_engine_refuses_what_is_out_of_range(change: dict[str, Any], expected: str) -> None:
    assert code(FpolicyConfig().create_engine, ENGINE | change) == expected


def test_an_engine_that_an_enabled_policy_uses_does_not_change(config: FpolicyConfig) -> None:
    config.create_policy(POLICY | {"priority": 1})
    before = dict(config.engines["eng"])
    assert code(config.change_engine, "eng", {"max_connection_retries": 1}) == "9764942"
    assert config.engines["eng"] == before
    config.change_policy("pol", {"enabled": False})
    config.change_engine("eng", {"buffer_size": {"send_buffer": 65536}})
    assert config.engines["eng"]["buffer_size"] == {"send_buffer": 65536, "recv_buffer": 262144}
    assert code(config.change_engine, "eng", {"name": "other"}) == "262196"


def test_an_answer_has_no_empty_lists_and_an_event_no_false_members(config: FpolicyConfig) -> None:
    config.create_policy(POLICY | {"scope": {"include_volumes": ["*"], "exclude_shares": []}})
    assert "secondary_servers" not in shown(config.engines["eng"])
    config.change_event("ev", {"file_operations": {"close": False}})
    assert shown(config.events["ev"]) == {
        "name": "ev",
        "protocol": "cifs",
        "file_operations": {"create": True},
    }
    assert shown(config.policies["pol"])["scope"] == {"include_volumes": ["*"]}
    assert "priority" not in shown(config.policies["pol"])


# events ------------------------------------------------------------------------------------------------

OPERATIONS = {
    "create", "create_dir", "delete", "delete_dir", "getattr", "open", "close", "read", "write",
    "rename", "rename_dir", "setattr", "link", "lookup", "symlink", "access",
}  # fmt: skip


@pytest.mark.parametrize(
    ("protocol", "missing"),
    [
        ("cifs", {"link", "lookup", "symlink", "access"}),
        ("nfsv3", {"open", "close", "getattr", "access"}),
        ("nfsv4", {"link", "lookup", "symlink", "access"}),
    ],
)
def test_a_protocol_takes_its_operations_only(protocol: str, missing: set[str]) -> None:
    refused = set()
    for operation in OPERATIONS:
        body = {"name": "ev", "protocol": protocol, "file_operations": {operation: True}}
        try:
            FpolicyConfig().create_event(body)
        except RestError as exc:
            assert exc.code == "262197"
            refused.add(operation)
    assert refused == missing


@pytest.mark.parametrize(
    ("protocol", "operation", "name", "allowed"),
    [
        ("cifs", "close", "close_with_modification", True),
        ("cifs", "create", "close_with_modification", False),
        ("nfsv4", "close", "close_with_modification", False),
        ("nfsv4", "close", "exclude_directory", True),
        ("nfsv3", "write", "first_write", True),
        ("nfsv3", "write", "monitor_ads", False),
        ("cifs", "write", "monitor_ads", True),
        ("nfsv3", "setattr", "setattr_with_mode_change", True),
        ("nfsv4", "setattr", "setattr_with_mode_change", False),
        ("nfsv4", "setattr", "setattr_with_dacl_change", True),
        ("cifs", "setattr", "setattr_with_allocation_size_change", True),
        ("cifs", "rename_dir", "offline_bit", False),
        ("nfsv3", "lookup", "exclude_directory", True),
        ("cifs", "open", "open_with_delete_intent", True),
        ("cifs", "open", "no_such_filter", False),
    ],
)
def test_a_filter_goes_with_its_operation_only(
    protocol: str, operation: str, name: str, allowed: bool
) -> None:
    body = {"name": "ev", "protocol": protocol, "file_operations": {operation: True}, "filters": {name: True}}
    if allowed:
        FpolicyConfig().create_event(body)
    else:
        assert code(FpolicyConfig().create_event, body) == "262197"


def test_every_filter_of_the_table_is_accepted_with_its_operation() -> None:
    for protocol, operations in FILTERS.items():
        for operation, filters in operations.items():
            body = {"name": "ev", "protocol": protocol, "file_operations": {operation: True}}
            FpolicyConfig().create_event(body | {"filters": dict.fromkeys(filters, True)})


@pytest.mark.parametrize("protocol", ["nfsv4.1", "s3", "smb", "nfs", "http"])
def test_there_are_three_protocols(protocol: str) -> None:
    assert code(FpolicyConfig().create_event, EVENT | {"protocol": protocol}) == "262197"


@pytest.mark.parametrize(
    "body",
    [
        {"protocol": "cifs"},
        {"file_operations": {"create": True}},
        {"protocol": "cifs", "file_operations": {"create": False}},
        {"filters": {"first_write": True}},
        {"monitor_fileop_failure": True},
        EVENT | {"filters": {"close_with_modification": True}, "monitor_fileop_failure": True},
    ],
)
def test_an_event_is_whole_or_refused(body: dict[str, Any]) -> None:
    assert code(FpolicyConfig().create_event, {"name": "ev"} | body) == "2"


def test_a_change_of_an_event_merges_and_false_takes_a_member_away(config: FpolicyConfig) -> None:
    config.change_event("ev", {"file_operations": {"rename": True}})
    config.change_event("ev", {"filters": {"close_with_modification": True}})
    assert shown(config.events["ev"])["file_operations"] == {"create": True, "close": True, "rename": True}
    assert code(config.change_event, "ev", {"file_operations": {"close": False}}) == "262197"
    config.change_event("ev", {"filters": {"close_with_modification": False}})
    config.change_event("ev", {"file_operations": {"close": False}})
    assert shown(config.events["ev"])["file_operations"] == {"create": True, "rename": True}


def test_an_event_in_use_stays(config: FpolicyConfig) -> None:
    config.create_policy(POLICY | {"events": [{"name": "ev"}]})
    assert code(config.delete_event, "ev") == "8"
    config.change_event("ev", {"file_operations": {"rename": True}})
    config.change_policy("pol", {"priority": 1})
    assert code(config.change_event, "ev", {"file_operations": {"delete": True}}) == "8"
    config.change_policy("pol", {"enabled": False})
    config.delete_policy("pol")
    config.delete_event("ev")


# policies ----------------------------------------------------------------------------------------------


def test_two_policies_of_one_svm_are_told_by_priority(config: FpolicyConfig) -> None:
    config.create_policy(POLICY | {"name": "second", "priority": 2})
    config.create_policy(POLICY | {"name": "first", "priority": 1})
    config.create_policy(POLICY | {"name": "idle"})
    config.create_policy({"name": "blocking", "events": [], "scope": {}, "priority": 3})
    assert [name for name, _ in config.external_policies()] == ["first", "second"]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"engine": {"name": "none"}}, "4"),
        ({"events": [{"name": "none"}]}, "4"),
        ({"persistent_store": "none"}, "4"),
        ({"enabled": True}, "262196"),
        ({"priority": 11}, "262186"),
        ({"passthrough_read": True}, "9765038"),
        ({"allow_privileged_access": True}, "2"),
        ({"privileged_user": "nobody"}, "262197"),
        ({"scope": {"include_files": ["*"]}}, "262197"),
        ({"scope": {"include_volumes": [7]}}, "262197"),
        ({"scope": {"check_extensions_on_directories": "yes"}}, "262197"),
    ],
)
def test_a_policy_is_refused_and_not_there(
    config: FpolicyConfig, change: dict[str, Any], expected: str
) -> None:
    assert code(config.create_policy, POLICY | change) == expected
    assert config.policies == {}


def test_a_refused_change_leaves_a_policy_as_it_was(config: FpolicyConfig) -> None:
    config.create_policy(POLICY | {"priority": 1})
    before = dict(config.policies["pol"])
    for body in ({"scope": {}}, {"priority": 2, "mandatory": True}, {"enabled": False, "scope": {}}):
        assert code(config.change_policy, "pol", body) == "9765036"
    assert code(config.change_policy, "pol", {"priority": 2}) == "9764908"
    assert config.policies["pol"] == before


def test_enabling_checks_again_what_the_engine_has_become(config: FpolicyConfig) -> None:
    config.create_store({"name": "ps", "volume": "ps_vol", "size": 1 << 20})
    config.create_policy(POLICY | {"persistent_store": "ps"})
    config.change_engine("eng", {"type": "synchronous"})
    assert code(config.change_policy, "pol", {"priority": 1}) == "2"
    assert config.policies["pol"]["enabled"] is False


def test_calls_that_succeed_half_way_leave_what_they_did(config: FpolicyConfig) -> None:
    for partial in PARTIAL_CODES:
        config.fail_partly(partial)
    body = POLICY | {"scope": {"include_volumes": ["vol1"]}, "priority": 1}
    assert code(config.create_policy, body) == "9765037"
    assert (config.policies["pol"]["scope"], config.policies["pol"]["enabled"]) == ({}, False)
    assert code(config.create_policy, body | {"name": "other"}) == "9765027"
    assert config.policies["other"]["enabled"] is False
    assert code(config.change_policy, "pol", {"priority": 1, "mandatory": True}) == "9765029"
    assert (config.policies["pol"]["mandatory"], config.policies["pol"]["enabled"]) == (True, False)
    config.change_policy("pol", {"priority": 1})
    config.fail_partly("9765029")
    assert code(config.change_policy, "pol", {"enabled": False}) == "9765029"
    assert config.policies["pol"]["enabled"] is True
    config.change_policy("pol", {"enabled": False})
    assert code(config.delete_all) == "9765031"
    assert (config.policies, list(config.engines)) == ({}, ["eng"])
    config.delete_all()
    assert (config.engines, config.events, config.stores) == ({}, {}, {})
    with pytest.raises(SimError):
        config.fail_partly("1")


# everything at once ------------------------------------------------------------------------------------


def test_everything_is_made_at_once_or_nothing() -> None:
    config = FpolicyConfig()
    body = {"engines": [ENGINE], "events": [EVENT], "policies": [POLICY | {"events": [{"name": "gone"}]}]}
    assert code(config.create_all, body) == "4"
    assert (config.engines, config.events, config.policies) == ({}, {}, {})
    body["policies"] = [POLICY | {"events": [{"name": "ev"}], "priority": 1}]
    config.create_all(body)
    assert config.policies["pol"]["enabled"] is True
    assert code(config.delete_all) == "9765030"
    assert code(config.create_all, {"scopes": []}) == "262179"


def test_objects_of_the_cluster_cannot_be_changed_through_an_svm() -> None:
    config = FpolicyConfig(cluster_objects=True)
    assert code(config.change_engine, "cluster_engine", {"port": 1}) == "9764886"
    assert code(config.delete_engine, "cluster_engine") == "9764886"
    assert code(config.change_policy, "cluster_policy", {"priority": 1}) == "9764900"
    assert code(config.delete_policy, "cluster_policy") == "9764900"
