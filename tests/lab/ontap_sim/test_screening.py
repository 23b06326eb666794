"""Which operations a policy hears of: protocol, operation, filters, scope."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from lab.ontap_sim.client import DEFAULT_EVENTS, DEFAULT_SCOPE
from lab.ontap_sim.model import FileType, Operation, Protocol
from lab.ontap_sim.screening import wanted
from tests.lab.ontap_sim.test_wire import NFS, SMB

EVENTS = [{"filters": {}, **event} for event in DEFAULT_EVENTS]


def is_wanted(operation: Operation, **scope: Any) -> bool:
    return wanted(operation, {"scope": {**DEFAULT_SCOPE, **scope}}, EVENTS)


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        (NFS, True),
        (SMB, True),
        (replace(NFS, protocol=Protocol("NFS", 4, 1)), True),
        (replace(NFS, protocol=Protocol("NFS", 4, 2)), False),
        (replace(NFS, code="NFS_WR"), False),
        (replace(NFS, code="NFS_WR", traits=frozenset({"first_write"})), True),
        (replace(NFS, code="NFS_WR", traits=frozenset({"write_with_size_change"})), True),
        (replace(SMB, code="SMB_WR", traits=frozenset({"first_write"})), False),
        (replace(SMB, code="SMB_CLOSE"), False),
        (replace(SMB, code="SMB_CLOSE", traits=frozenset({"close_with_modification"})), True),
        (replace(NFS, code="NFS_CREAT_DIR", file_type=FileType.DIR), False),
        (replace(NFS, code="NFS_SET_ATTR"), False),
        (replace(NFS, code="S3_CREAT", protocol=Protocol.parse("S3")), False),
    ],
    ids=lambda value: value.code if isinstance(value, Operation) else str(value),
)
def test_the_default_events_report_what_they_name(operation: Operation, expected: bool) -> None:
    assert is_wanted(operation) is expected


@pytest.mark.parametrize(
    ("path", "scope", "expected"),
    [
        ("/a.txt", {"include_volumes": ["vol?"]}, True),
        ("/a.txt", {"include_volumes": ["other"]}, False),
        ("/a.txt", {"include_volumes": ["*"], "exclude_volumes": ["vol1"]}, False),
        ("/a.TMP", {}, False),
        ("/a.pdf", {"include_extension": ["pdf"]}, True),
        ("/a.txt", {"include_extension": ["pdf"]}, False),
        ("/README", {"include_extension": ["pdf"]}, True),
        ("/README", {"include_extension": ["pdf"], "object_monitoring_with_no_extension": False}, False),
    ],
)
def test_the_scope_decides_by_volume_and_extension(path: str, scope: dict[str, Any], expected: bool) -> None:
    assert is_wanted(replace(NFS, path=path), **scope) is expected


def test_a_rename_to_a_name_in_scope_is_reported() -> None:
    assert is_wanted(replace(NFS, code="NFS_REN", path="/a.tmp", target="/a.pdf"))
    assert not is_wanted(replace(NFS, code="NFS_REN", path="/a.tmp", target="/b.tmp"))


def test_a_share_outside_the_scope_is_silent_for_smb_only() -> None:
    assert not is_wanted(SMB, include_shares=["other"])
    assert is_wanted(NFS, include_shares=["other"])


def test_an_export_policy_outside_the_scope_is_silent_for_nfs_only() -> None:
    assert not is_wanted(NFS, exclude_export_policies=["def*"])
    assert is_wanted(NFS, include_export_policies=["default"])
    assert is_wanted(SMB, exclude_export_policies=["def*"])


def test_a_directory_is_checked_for_its_extension_only_when_the_scope_says_so() -> None:
    made = replace(NFS, code="NFS_CREAT_DIR", path="/a.tmp", file_type=FileType.DIR)
    event = {"protocol": "nfsv3", "file_operations": {"create_dir": True}, "filters": {}}
    scope: dict[str, Any] = {"exclude_extension": ["tmp"]}
    assert wanted(made, {"scope": scope}, [event])
    assert not wanted(made, {"scope": {**scope, "check_extensions_on_directories": True}}, [event])


@pytest.mark.parametrize(
    ("operation", "filters", "expected"),
    [
        (replace(SMB, code="SMB_OPEN"), {}, True),
        (replace(SMB, code="SMB_OPEN"), {"open_with_write_intent": True}, False),
        (
            replace(SMB, code="SMB_OPEN", traits=frozenset({"open_with_write_intent"})),
            {"open_with_write_intent": True},
            True,
        ),
        (replace(SMB, code="SMB_GET_ATTR", file_type=FileType.DIR), {}, True),
        (replace(SMB, code="SMB_GET_ATTR", file_type=FileType.DIR), {"exclude_directory": True}, False),
        (replace(SMB, code="SMB_RD"), {"offline_bit": True}, False),
        (replace(SMB, code="SMB_RD"), {"monitor_ads": True}, True),
        (replace(SMB, code="SMB_RD"), {"first_read": True}, False),
    ],
)
def test_filters_narrow_their_operation(
    operation: Operation, filters: dict[str, bool], expected: bool
) -> None:
    operations = {"open": True, "getattr": True, "read": True}
    event = {"protocol": "cifs", "file_operations": operations, "filters": filters}
    assert wanted(operation, {"scope": {}}, [event]) is expected
