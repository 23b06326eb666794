"""Preflight: what is wrong is found at the node it is wrong at; what was not read is not ok."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from fsxn_runtime.diagnose import Fact, Facts, Inputs, Verdict, aws_checks, ontap_checks

INPUTS = Inputs(
    file_system_id="fs-0123456789abcdef0",
    svms=("svm1",),
    vpc_id="vpc-1",
    subnet_ids=("subnet-a", "subnet-b"),
    source_group_ids=("sg-fsx",),
    management_addresses=("198.19.255.10",),
)
LOCAL = {"destination": "10.0.0.0/16", "target": "local", "state": "active"}
NAT = {"destination": "0.0.0.0/0", "target": "nat-1", "state": "active"}
ONTAP = {"destination": "198.19.255.10/32", "target": "eni-1", "state": "active"}
OUT = {"protocol": "tcp", "from_port": 9000, "to_port": 9999, "cidrs": ["10.0.0.0/16"], "groups": []}
AWS: dict[str, Any] = {
    "endpoints": [],
    "file_system": {"type": "ONTAP", "lifecycle": "AVAILABLE", "deployment": "MULTI_AZ_1"},
    "groups": {"sg-fsx": [OUT]},
    "nodes": [
        {"id": "eni-1", "subnet": "subnet-x", "groups": ["sg-fsx"]},
        {"id": "eni-2", "subnet": "subnet-y", "groups": ["sg-fsx"]},
    ],
    "routes": {
        **{subnet: [LOCAL, NAT, ONTAP] for subnet in ("subnet-a", "subnet-b")},
        **{subnet: [LOCAL] for subnet in ("subnet-x", "subnet-y")},
    },
    "subnets": {
        "subnet-a": {"vpc": "vpc-1", "zone": "zone-a", "cidr": "10.0.0.0/24", "free": 200},
        "subnet-b": {"vpc": "vpc-1", "zone": "zone-b", "cidr": "10.0.1.0/24", "free": 200},
    },
    "svms": [{"name": "svm1", "lifecycle": "CREATED"}],
}
PARTS: dict[str, Any] = {
    "cluster": {"version": "9.17.1", "release": "", "clock_skew_seconds": 0.4},
    "nfs_clients": {"by_protocol": {"nfs3": 2}, "clients": []},
    "policies": [
        {
            "svm_name": "svm1",
            "name": "lab",
            "enabled": True,
            "priority": 2,
            "scope": {"include_volumes": ["vol*"]},
        },
        {"svm_name": "svm1", "name": "virus_scan", "enabled": True, "priority": 1, "scope": {}},
    ],
    "stores": [{"svm_name": "svm1", "name": "lab", "volume": "lab_store"}],
    "svms": [
        {
            "name": "svm1",
            "interfaces": [{"address": "10.0.0.9", "services": ["data_nfs", "data_fpolicy_client"]}],
        }
    ],
    "volumes": [{"svm": "svm1", "name": "vol1", "junction_path": "/vol1"}],
}

SERVICES = ("dynamodb", "ecr.api", "ecr.dkr", "ecs", "logs", "s3", "secretsmanager", "sqs")

Change = Callable[[dict[str, Any]], Any]


def aws_facts(change: Change = lambda _: None) -> Facts:
    data = copy.deepcopy(AWS)
    change(data)
    return {name: Fact(each) for name, each in data.items()}


def ontap_facts(change: Change = lambda _: None) -> Facts:
    parts = copy.deepcopy(PARTS)
    change(parts)
    return {"ontap": Fact({"parts": parts, "errors": {}})}


def findings(checks: list[Any]) -> list[str]:
    return [check.name for check in checks if check.verdict is Verdict.FINDING]


WRONG_AWS: dict[str, tuple[Change, str]] = {
    "no ONTAP": (lambda f: f["file_system"].update(type="LUSTRE"), "file system"),
    "being made": (lambda f: f["file_system"].update(lifecycle="CREATING"), "file system"),
    "no such SVM": (lambda f: f.update(svms=[{"name": "other", "lifecycle": "CREATED"}]), "SVM svm1"),
    "SVM failed": (lambda f: f["svms"][0].update(lifecycle="FAILED"), "SVM svm1"),
    "no such subnet": (lambda f: f["subnets"].pop("subnet-b"), "subnet subnet-b"),
    "another VPC": (lambda f: f["subnets"]["subnet-b"].update(vpc="vpc-2"), "subnet subnet-b"),
    "subnet full": (lambda f: f["subnets"]["subnet-b"].update(free=7), "subnet subnet-b"),
    "one zone": (lambda f: f["subnets"]["subnet-b"].update(zone="zone-a"), "zones"),
    "a node with another group": (
        lambda f: f["nodes"][1].update(groups=["sg-other"]),
        "security groups of eni-2",
    ),
    "port not let out": (lambda f: f["groups"]["sg-fsx"][0].update(to_port=9897), "security groups of eni-1"),
    "range not let out": (
        lambda f: f["groups"]["sg-fsx"][0].update(cidrs=["10.0.0.0/24"]),
        "security groups of eni-1",
    ),
    "a node without route": (lambda f: f["routes"].update({"subnet-y": []}), "routes of eni-2"),
    "a route into nothing": (
        lambda f: f["routes"].update({"subnet-y": [{**LOCAL, "state": "blackhole"}]}),
        "routes of eni-2",
    ),
    "no way to the floating address": (
        lambda f: f["routes"].update({"subnet-a": [LOCAL, {**NAT, "state": "blackhole"}]}),
        "routes to ONTAP",
    ),
    "no way to AWS": (
        lambda f: f["routes"].update({"subnet-a": [LOCAL, ONTAP]}),
        "way to AWS from subnet-a",
    ),
    "a public subnet": (
        lambda f: f["routes"].update({"subnet-a": [LOCAL, ONTAP, {**NAT, "target": "igw-1"}]}),
        "way to AWS from subnet-a",
    ),
}
WRONG_ONTAP: dict[str, tuple[Change, str]] = {
    "too old for a store": (lambda p: p["cluster"].update(version="9.13.1"), "ONTAP: version"),
    "too old for NFS 4.1": (lambda p: p["cluster"].update(version="9.14.1"), "ONTAP: version"),
    "clock": (lambda p: p["cluster"].update(clock_skew_seconds=-6.0), "ONTAP: clock"),
    "no LIF service": (
        lambda p: p["svms"][0]["interfaces"][0].update(services=["data_nfs"]),
        "ONTAP: LIF of SVM svm1",
    ),
    "no priority is free": (
        lambda p: p.update(
            policies=[{"svm_name": "svm1", "name": f"p{n}", "enabled": True} for n in range(10)]
        ),
        "ONTAP: policies of SVM svm1",
    ),
    "none for the guard": (
        lambda p: p.update(
            policies=[{"svm_name": "svm1", "name": f"p{n}", "enabled": True} for n in range(9)]
        ),
        "ONTAP: policies of SVM svm1",
    ),
    "scope with a slip": (
        lambda p: p["policies"][0]["scope"].update(include_volumes=["vol1", "porjects"]),
        "ONTAP: scope on SVM svm1",
    ),
    "nothing in scope": (lambda p: p["volumes"][0].update(junction_path=""), "ONTAP: scope on SVM svm1"),
    "NFS 4.2": (
        lambda p: p["nfs_clients"].update(clients=[{"client_ip": "10.0.9.9", "volume": "vol1"}]),
        "ONTAP: NFS 4.2 clients",
    ),
}


def test_what_is_as_it_must_be_is_ok_everywhere() -> None:
    checks = [*aws_checks(INPUTS, aws_facts()), *ontap_checks(INPUTS, ontap_facts(), "lab")]
    assert {check.verdict for check in checks} == {Verdict.OK}
    assert len(checks) == 20


@pytest.mark.parametrize("wrong", WRONG_AWS)
def test_what_is_wrong_at_aws_is_found_where_it_is(wrong: str) -> None:
    change, name = WRONG_AWS[wrong]
    assert name in findings(aws_checks(INPUTS, aws_facts(change)))


@pytest.mark.parametrize("wrong", WRONG_ONTAP)
def test_what_is_wrong_at_ontap_is_the_only_finding(wrong: str) -> None:
    change, name = WRONG_ONTAP[wrong]
    assert findings(ontap_checks(INPUTS, ontap_facts(change), "lab")) == [name]


@pytest.mark.parametrize("part", AWS)
def test_what_was_not_read_is_not_ok(part: str) -> None:
    """Each part is needed by some check, which says why it is not known; nothing is found because of it."""
    denied = {**aws_facts(), part: Fact(None, "AccessDenied", "aws_denied")}
    checks = aws_checks(INPUTS, denied)
    needs = {"endpoints": aws_facts(lambda f: f["routes"].update({"subnet-a": [LOCAL, ONTAP]}))}
    if part in needs:
        checks = aws_checks(INPUTS, {**needs[part], part: denied[part]})
    unknown = [check for check in checks if check.verdict is Verdict.UNKNOWN]
    assert unknown and any("AccessDenied" in check.says for check in unknown)
    assert all(check.todo for check in unknown)


def test_before_the_apply_ontap_is_not_known_and_says_how_to_look_by_hand() -> None:
    checks = ontap_checks(INPUTS, {"ontap": Fact(None, "there is no function", "aws_refused")}, "lab")
    assert {check.verdict for check in checks} == {Verdict.UNKNOWN}
    assert all("cluster date show" in check.todo for check in checks)


def test_a_part_that_ontap_refused_is_not_known() -> None:
    parts = {name: part for name, part in PARTS.items() if name != "nfs_clients"}
    error = {"nfs_clients": {"code": "ontap_forbidden", "message": "the role does not allow it"}}
    checks = ontap_checks(INPUTS, {"ontap": Fact({"parts": parts, "errors": error})}, "lab")
    (unknown,) = [check for check in checks if check.verdict is Verdict.UNKNOWN]
    assert (unknown.name, unknown.says) == ("ONTAP: NFS 4.2 clients", "the role does not allow it")


def test_no_client_at_all_proves_nothing_of_nfs_42() -> None:
    facts = ontap_facts(lambda p: p.update(nfs_clients={"by_protocol": {}, "clients": []}))
    (unknown,) = [c for c in ontap_checks(INPUTS, facts, "lab") if c.verdict is Verdict.UNKNOWN]
    assert "nfsstat -m" in unknown.todo


def test_endpoints_take_the_place_of_a_nat_gateway() -> None:
    def change(facts: dict[str, Any]) -> None:
        facts["routes"].update({"subnet-a": [LOCAL, ONTAP], "subnet-b": [LOCAL, ONTAP]})
        facts["endpoints"] = [f"com.amazonaws.r.{each}" for each in SERVICES]

    assert findings(aws_checks(INPUTS, aws_facts(change))) == []
