"""What AWS says of the network that a deployment is made in. Reads only.

Source: EC2 and FSx API references; docs/howto/diagnose.md says what each check needs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from itertools import islice
from typing import Any, Final

from fsxn_runtime.diagnose.collecting import Collector
from fsxn_runtime.diagnose.preflight_model import Inputs
from fsxn_runtime.edge.aws_errors import aws_call
from fsxn_runtime.errors import RejectedError

Clients = Callable[[str], Any]

_MOST: Final = 500
# What a route may point to; the first that is there (EC2 API reference, Route).
_TARGETS: Final = (
    "NatGatewayId",
    "TransitGatewayId",
    "VpcPeeringConnectionId",
    "NetworkInterfaceId",
    "InstanceId",
    "EgressOnlyInternetGatewayId",
    "CarrierGatewayId",
    "LocalGatewayId",
    "CoreNetworkArn",
    "GatewayId",
)


class Network:
    """One file system and the subnets beside it. Clients come by the service's name."""

    def __init__(self, clients: Clients, inputs: Inputs) -> None:
        self._clients = clients
        self._inputs = inputs

    def collectors(self) -> dict[str, Collector]:
        """Give what can be collected, by name. Each raises the errors of `edge.aws_errors`."""
        parts: Mapping[str, Collector] = {
            "endpoints": self.endpoints,
            "file_system": self.file_system,
            "groups": self.groups,
            "nodes": self.nodes,
            "routes": self.routes,
            "subnets": self.subnets,
            "svms": self.svms,
        }
        return {name: partial(_with_errors, name, collector) for name, collector in parts.items()}

    def file_system(self) -> dict[str, Any]:
        """Read type, state and deployment of the file system."""
        found = self._file_system()
        return {
            "type": found.get("FileSystemType", ""),
            "lifecycle": found.get("Lifecycle", ""),
            "deployment": found.get("OntapConfiguration", {}).get("DeploymentType", ""),
        }

    def svms(self) -> list[dict[str, str]]:
        """Read the SVMs of the file system."""
        self._need_file_system()
        pages = (
            self._clients("fsx")
            .get_paginator("describe_storage_virtual_machines")
            .paginate(Filters=[{"Name": "file-system-id", "Values": [self._inputs.file_system_id]}])
        )
        found = (each for page in pages for each in page["StorageVirtualMachines"])
        return [{"name": each["Name"], "lifecycle": each["Lifecycle"]} for each in islice(found, _MOST)]

    def nodes(self) -> list[dict[str, Any]]:
        """Read the interfaces of the file system's nodes: subnet and security groups of each."""
        ids = self._file_system().get("NetworkInterfaceIds", [])
        if not ids:
            raise RejectedError("FSx names no network interface of this file system", code="no_interfaces")
        answer = self._clients("ec2").describe_network_interfaces(NetworkInterfaceIds=ids)
        return [
            {
                "id": each["NetworkInterfaceId"],
                "subnet": each["SubnetId"],
                "groups": [group["GroupId"] for group in each.get("Groups", [])],
            }
            for each in answer["NetworkInterfaces"]
        ]

    def groups(self) -> dict[str, list[dict[str, Any]]]:
        """Read the outbound rules of the nodes' security groups, by group."""
        ids = sorted({group for node in self.nodes() for group in node["groups"]})
        answer = self._clients("ec2").describe_security_groups(GroupIds=ids)
        return {
            each["GroupId"]: [
                {
                    "protocol": rule["IpProtocol"],
                    "from_port": rule.get("FromPort", 0),
                    "to_port": rule.get("ToPort", 65535),
                    "cidrs": [part["CidrIp"] for part in rule.get("IpRanges", [])],
                    "groups": [part["GroupId"] for part in rule.get("UserIdGroupPairs", [])],
                }
                for rule in each.get("IpPermissionsEgress", [])
            ]
            for each in answer["SecurityGroups"]
        }

    def subnets(self) -> dict[str, dict[str, Any]]:
        """Read the server's subnets, by id; one that is not there is not in the answer."""
        answer = self._clients("ec2").describe_subnets(
            Filters=[{"Name": "subnet-id", "Values": list(self._inputs.subnet_ids)}]
        )
        return {
            each["SubnetId"]: {
                "vpc": each["VpcId"],
                "zone": each["AvailabilityZone"],
                "cidr": each["CidrBlock"],
                "free": each["AvailableIpAddressCount"],
            }
            for each in answer["Subnets"]
        }

    def routes(self) -> dict[str, list[dict[str, str]]]:
        """Read the routes of each subnet, of server and nodes: its own table's, or the VPC's main one."""
        try:
            nodes = {node["subnet"] for node in self.nodes()}
        except RejectedError:
            nodes = set()  # what is known of the server's subnets is worth having alone
        answer = self._clients("ec2").describe_subnets(
            Filters=[{"Name": "subnet-id", "Values": sorted(nodes | set(self._inputs.subnet_ids))}]
        )
        vpc_of = {each["SubnetId"]: each["VpcId"] for each in answer["Subnets"]}
        tables = self._clients("ec2").describe_route_tables(
            Filters=[{"Name": "vpc-id", "Values": sorted(set(vpc_of.values()))}]
        )["RouteTables"]
        return {subnet: _routes(tables, subnet, vpc) for subnet, vpc in vpc_of.items()}

    def endpoints(self) -> list[str]:
        """Read the services that the VPC has an endpoint of."""
        answer = self._clients("ec2").describe_vpc_endpoints(
            Filters=[{"Name": "vpc-id", "Values": [self._inputs.vpc_id]}]
        )
        return sorted(
            each["ServiceName"]
            for each in answer["VpcEndpoints"]
            if each.get("State", "").lower() == "available"
        )

    def _need_file_system(self) -> None:
        if not self._inputs.file_system_id:
            raise RejectedError("the file system's id was not said", code="no_file_system_id")

    def _file_system(self) -> dict[str, Any]:
        self._need_file_system()
        answer = self._clients("fsx").describe_file_systems(FileSystemIds=[self._inputs.file_system_id])
        found: dict[str, Any] = answer["FileSystems"][0]
        return found


def _routes(tables: list[Mapping[str, Any]], subnet: str, vpc: str) -> list[dict[str, str]]:
    """Give the routes of the subnet's own table; without one, of its VPC's main table."""
    own = [t for t in tables if any(a.get("SubnetId") == subnet for a in t.get("Associations", []))]
    main = [t for t in tables if t["VpcId"] == vpc and any(a.get("Main") for a in t.get("Associations", []))]
    table = (own or main or [{}])[0]
    return [
        {
            "destination": route["DestinationCidrBlock"],
            "target": next((str(route[name]) for name in _TARGETS if route.get(name)), ""),
            "state": route.get("State", ""),
        }
        for route in table.get("Routes", [])
        if "DestinationCidrBlock" in route  # prefix lists lead to AWS's gateways, and are no way to a node
    ]


def _with_errors(name: str, collector: Collector) -> Any:
    with aws_call(name):
        return collector()
