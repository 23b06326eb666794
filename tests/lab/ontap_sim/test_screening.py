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
        (replace(NFS, code="NFS_WR", first_write=True), True),
        (replace(NFS, code="NFS_WR", size_changed=True), True),
        (replace(SMB, code="SMB_WR", first_write=True), False),
        (replace(SMB, code="SMB_CLOSE"), False),
        (replace(SMB, code="SMB_CLOSE", modified_close=True), True),
        (replace(NFS, code="NFS_CREAT_DIR", file_type=FileType.DIR), False),
        (replace(NFS, code="NFS_SET_ATTR"), False),
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
