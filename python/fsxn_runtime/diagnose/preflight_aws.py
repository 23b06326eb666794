"""Preflight on AWS's side: file system, SVMs, subnets, security groups and routes, node by node. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from fsxn_runtime.diagnose.facts import Facts, known
from fsxn_runtime.diagnose.preflight_model import Check, Inputs, Verdict, unknown

# A deployment runs old and new tasks at once, and two functions have interfaces there too.
_FREE_ADDRESSES: Final = 8
# What is called from these subnets where no NAT gateway is: by tasks (image, queue, log, volume map), and by
# the reconciler and the diagnose function (output vpc_services of module fpolicy-ecs).
_SERVICES: Final = ("dynamodb", "ecr.api", "ecr.dkr", "ecs", "logs", "s3", "secretsmanager", "sqs")


def aws_checks(inputs: Inputs, facts: Facts) -> list[Check]:
    """Judge what Terraform will be applied to. What was not read is not known, never ok."""
    return [
        *_file_system(inputs, facts),
        *_svms(inputs, facts),
        *_subnets(inputs, facts),
        *_groups(inputs, facts),
        *_routes(inputs, facts),
        *_management(inputs, facts),
        *_ways_out(inputs, facts),
    ]


def _file_system(inputs: Inputs, facts: Facts) -> Iterator[Check]:
    name = "file system"
    if not inputs.file_system_id:
        yield Check(name, Verdict.UNKNOWN, "its id was not said", "give --file-system, or --plan")
        return
    found = known(facts, "file_system")
    if found is None:
        yield unknown(
            name,
            facts,
            "file_system",
            f"aws fsx describe-file-systems --file-system-ids {inputs.file_system_id}",
        )
    elif found.get("type") != "ONTAP":
        yield Check(
            name,
            Verdict.FINDING,
            f"{inputs.file_system_id} is of type {found.get('type')}",
            "it must be ONTAP",
        )
    elif found["lifecycle"] != "AVAILABLE":
        yield Check(
            name,
            Verdict.FINDING,
            f"{inputs.file_system_id} is {found['lifecycle']}",
            "wait until it is AVAILABLE",
        )
    else:
        yield Check(
            name,
            Verdict.OK,
            f"{inputs.file_system_id} is AVAILABLE, {found['deployment'] or 'deployment not told'}",
        )


def _svms(inputs: Inputs, facts: Facts) -> Iterator[Check]:
    found = known(facts, "svms")
    for svm in inputs.svms:
        name = f"SVM {svm}"
        if found is None:
            yield unknown(name, facts, "svms", "aws fsx describe-storage-virtual-machines")
            continue
        states = {each["name"]: each["lifecycle"] for each in found}
        if svm not in states:
            there = ", ".join(sorted(states)) or "none"
            yield Check(
                name, Verdict.FINDING, f"the file system has no such SVM; it has {there}", "correct svms"
            )
        elif states[svm] not in ("CREATED", "AVAILABLE"):
            yield Check(name, Verdict.FINDING, f"it is {states[svm]}", "look at its lifecycle reason in FSx")
        else:
            yield Check(name, Verdict.OK, "there")


def _subnets(inputs: Inputs, facts: Facts) -> Iterator[Check]:
    if not inputs.subnet_ids:
        yield Check("subnets", Verdict.UNKNOWN, "no subnet was said", "give --subnet, or --plan")
        return
    found = known(facts, "subnets")
    if found is None:
        yield unknown("subnets", facts, "subnets", "aws ec2 describe-subnets")
        return
    for subnet in inputs.subnet_ids:
        seen, name = found.get(subnet), f"subnet {subnet}"
        if seen is None:
            yield Check(name, Verdict.FINDING, "there is no such subnet", "correct network.subnet_ids")
        elif inputs.vpc_id and seen["vpc"] != inputs.vpc_id:
            yield Check(
                name, Verdict.FINDING, f"it is in {seen['vpc']}, not in {inputs.vpc_id}", "correct network"
            )
        elif seen["free"] < _FREE_ADDRESSES:
            says = f"{seen['free']} addresses are free; a deployment and two functions need {_FREE_ADDRESSES}"
            yield Check(name, Verdict.FINDING, says, "take a larger subnet")
        else:
            yield Check(name, Verdict.OK, f"{seen['cidr']} in {seen['zone']}, {seen['free']} addresses free")
    zones = {found[subnet]["zone"] for subnet in inputs.subnet_ids if subnet in found}
    if len(zones) < 2:
        says = f"all tasks are in {', '.join(zones) or 'no zone'}: its outage is the server's"
        yield Check("zones", Verdict.FINDING, says, "name one subnet in each of two zones")
    else:
        yield Check("zones", Verdict.OK, ", ".join(sorted(zones)))


def _groups(inputs: Inputs, facts: Facts) -> Iterator[Check]:
    """Each node may reach the server: its interface has an admitted group, and its groups let it out."""
    nodes, groups = known(facts, "nodes"), known(facts, "groups")
    if not nodes:
        yield unknown(
            "security groups", facts, "nodes", "aws ec2 describe-network-interfaces, of the file system"
        )
        return
    ranges = _ranges(inputs, facts)
    for node in nodes:
        name = f"security groups of {node['id']}"
        admitted = sorted(set(node["groups"]) & set(inputs.source_group_ids))
        if inputs.source_group_ids and not admitted:
            says = f"it has {', '.join(node['groups'])}; let in are {', '.join(inputs.source_group_ids)}"
            yield Check(
                name,
                Verdict.FINDING,
                says,
                "name one of the node's groups in network.source_security_group_ids",
            )
        elif groups is None or not ranges:
            yield unknown(name, facts, "groups", "aws ec2 describe-security-groups")
        elif not all(_lets_out(node, groups, part, inputs.server_port) for part in ranges):
            says = f"the node's groups let nothing out to port {inputs.server_port} of every server subnet"
            yield Check(name, Verdict.FINDING, says, f"add an outbound rule for tcp {inputs.server_port}")
        else:
            yield Check(
                name,
                Verdict.OK,
                f"let in by {', '.join(admitted) or 'its group'}, and out to tcp {inputs.server_port}",
            )


def _lets_out(node: Mapping[str, Any], groups: Mapping[str, Any], to: str, port: int) -> bool:
    """Say whether one of the node's groups has an outbound rule that covers the port and the range.

    A rule that names another group may hold the server's, which is not there before the apply: it counts.
    """
    return any(
        rule["protocol"] in ("-1", "tcp")
        and (rule["protocol"] == "-1" or rule["from_port"] <= port <= rule["to_port"])
        and (rule["groups"] or any(_covers(cidr, to) for cidr in rule["cidrs"]))
        for group in node["groups"]
        for rule in groups.get(group, [])
    )


def _routes(inputs: Inputs, facts: Facts) -> Iterator[Check]:
    nodes, routes, ranges = known(facts, "nodes"), known(facts, "routes"), _ranges(inputs, facts)
    if not nodes or routes is None or not ranges:
        part = "routes" if nodes else "nodes"
        yield unknown("routes", facts, part, "aws ec2 describe-route-tables, of the nodes' subnets")
        return
    for node in nodes:
        lost = [part for part in ranges if not _way(routes.get(node["subnet"], []), part)]
        name = f"routes of {node['id']}"
        if lost:
            says = f"from {node['subnet']} no route leads to {', '.join(lost)}"
            yield Check(name, Verdict.FINDING, says, "add the route, and the way back")
        else:
            yield Check(name, Verdict.OK, f"from {node['subnet']} to every server subnet")


def _management(inputs: Inputs, facts: Facts) -> Iterator[Check]:
    """The functions' subnets, which are the server's in every root, reach ONTAP's management addresses."""
    routes, addresses = known(facts, "routes"), inputs.management_addresses
    if not addresses or routes is None:
        yield unknown("routes to ONTAP", facts, "routes", "say the plan's ontap.management.addresses")
        return
    for subnet in inputs.subnet_ids:
        lost = [address for address in addresses if not _way(routes.get(subnet, []), f"{address}/32")]
        if lost:
            says = f"from {subnet} no route leads to {', '.join(lost)}"
            todo = "add the subnet's route table to the file system's RouteTableIds (Multi-AZ), or a route"
            yield Check("routes to ONTAP", Verdict.FINDING, says, todo)
        else:
            yield Check("routes to ONTAP", Verdict.OK, f"from {subnet} to {', '.join(addresses)}")


def _ways_out(inputs: Inputs, facts: Facts) -> Iterator[Check]:
    """Tasks have no public address: they reach AWS by NAT, by a transit gateway, or by endpoints."""
    routes, endpoints = known(facts, "routes"), known(facts, "endpoints")
    if routes is None or not inputs.subnet_ids:
        yield unknown("way to AWS", facts, "routes", "aws ec2 describe-route-tables")
        return
    for subnet in inputs.subnet_ids:
        way = _way(routes.get(subnet, []), "0.0.0.0/0")
        missing = [each for each in _SERVICES if not any(e.endswith(f".{each}") for e in endpoints or [])]
        name = f"way to AWS from {subnet}"
        if way and not way.startswith("igw-"):
            yield Check(name, Verdict.OK, f"by {way}")
        elif endpoints is None:
            yield unknown(name, facts, "endpoints", "aws ec2 describe-vpc-endpoints")
        elif not missing:
            yield Check(name, Verdict.OK, "by VPC endpoints")
        else:
            says = f"no NAT gateway, and no endpoint of {', '.join(missing)}"
            if way:
                says = f"its default route is {way}, and tasks have no public address; {says}"
            yield Check(name, Verdict.FINDING, says, "add a NAT gateway, or these endpoints")


def _ranges(inputs: Inputs, facts: Facts) -> list[str]:
    found = known(facts, "subnets") or {}
    return [found[subnet]["cidr"] for subnet in inputs.subnet_ids if subnet in found]


def _way(routes: Sequence[Mapping[str, Any]], to: str) -> str:
    """Give the target of the narrowest active route that covers a range; "" when none does."""
    covering = [each for each in routes if _covers(each["destination"], to)]
    best = max(covering, key=lambda each: ipaddress.ip_network(each["destination"]).prefixlen, default=None)
    return str(best["target"]) if best and best["state"] == "active" else ""


def _covers(outer: str, inner: str) -> bool:
    wide, narrow = ipaddress.ip_network(outer), ipaddress.ip_network(inner)
    if not isinstance(wide, ipaddress.IPv4Network) or not isinstance(narrow, ipaddress.IPv4Network):
        return False
    return narrow.subnet_of(wide)
