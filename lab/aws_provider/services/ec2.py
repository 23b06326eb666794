"""EC2 networking: VPCs, subnets, security groups and their rules. Stored by the local AWS, nothing more."""

from __future__ import annotations

from typing import Any

from lab.aws_provider.cloud import Cloud
from lab.aws_provider.errors import NotFoundError, ProviderError
from lab.aws_provider.records import Record
from lab.aws_provider.services.calls import (
    absent,
    change_tags,
    made_name,
    one,
    set_only,
    tag_list,
    tag_map,
    undecided,
)
from lab.aws_provider.values import Object

GONE = (
    "InvalidVpcID.NotFound", "InvalidSubnetID.NotFound", "InvalidGroup.NotFound", "InvalidGroupId.NotFound",
    "InvalidSecurityGroupRuleId.NotFound",
)  # fmt: skip


def _specification(kind: str, tags: dict[str, str]) -> dict[str, Any]:
    return {"TagSpecifications": [{"ResourceType": kind, "Tags": tag_list(tags)}]} if tags else {}


def _change_tags(cloud: Cloud, state: Object, changed: set[str]) -> None:
    if "tags_all" not in changed:
        return
    client, identifier = cloud.client("ec2"), state["id"]
    filters = [{"Name": "resource-id", "Values": [identifier]}]
    change_tags(
        state["tags_all"],
        tag_map(client.describe_tags(Filters=filters)["Tags"]),
        lambda fresh: client.create_tags(Resources=[identifier], Tags=tag_list(fresh)),
        lambda keys: client.delete_tags(Resources=[identifier], Tags=[{"Key": key} for key in keys]),
    )


def _only(found: list[dict[str, Any]], identifier: str) -> dict[str, Any]:
    if not found:
        raise NotFoundError(identifier)
    return found[0]


# vpc -----------------------------------------------------------------------------------------------------

VPC_FLAGS = {"enable_dns_support": "EnableDnsSupport", "enable_dns_hostnames": "EnableDnsHostnames"}


def _create_vpc(cloud: Cloud, values: Object) -> Object:
    made = cloud.client("ec2").create_vpc(
        CidrBlock=values["cidr_block"],
        InstanceTenancy=values["instance_tenancy"],
        **_specification("vpc", values["tags_all"]),
    )
    return {"id": made["Vpc"]["VpcId"]}


def _set_vpc(cloud: Cloud, state: Object, changed: set[str]) -> None:
    for name in sorted(changed & set(VPC_FLAGS)):
        cloud.client("ec2").modify_vpc_attribute(
            VpcId=state["id"], **{VPC_FLAGS[name]: {"Value": bool(state[name])}}
        )


def _update_vpc(cloud: Cloud, state: Object, changed: set[str]) -> None:
    _set_vpc(cloud, state, changed)
    _change_tags(cloud, state, changed)


def _read_vpc(cloud: Cloud, state: Object) -> Object:
    client, vpc = cloud.client("ec2"), state["id"]
    with absent(*GONE):
        found = _only(client.describe_vpcs(VpcIds=[vpc])["Vpcs"], vpc)
        flags = {
            name: client.describe_vpc_attribute(VpcId=vpc, Attribute=key[0].lower() + key[1:])
            for name, key in VPC_FLAGS.items()
        }
    of_vpc = [{"Name": "vpc-id", "Values": [vpc]}]
    acls = client.describe_network_acls(Filters=of_vpc)["NetworkAcls"]
    tables = client.describe_route_tables(Filters=of_vpc)["RouteTables"]
    groups = client.describe_security_groups(Filters=of_vpc)["SecurityGroups"]
    table = one(tables).get("RouteTableId", "")
    return {
        "arn": cloud.arn("ec2", f"vpc/{vpc}"),
        "cidr_block": found["CidrBlock"],
        "default_network_acl_id": next((acl["NetworkAclId"] for acl in acls if acl["IsDefault"]), ""),
        "default_route_table_id": table,
        "default_security_group_id": next((g["GroupId"] for g in groups if g["GroupName"] == "default"), ""),
        "dhcp_options_id": found.get("DhcpOptionsId", ""),
        "instance_tenancy": found.get("InstanceTenancy", "default"),
        "main_route_table_id": table,
        "owner_id": found.get("OwnerId", cloud.account),
        **{name: flags[name][VPC_FLAGS[name]]["Value"] for name in VPC_FLAGS},
        "tags": tag_map(found.get("Tags")),
    }


def _delete_vpc(cloud: Cloud, state: Object) -> None:
    with absent(*GONE):
        cloud.client("ec2").delete_vpc(VpcId=state["id"])


# subnet --------------------------------------------------------------------------------------------------


def _create_subnet(cloud: Cloud, values: Object) -> Object:
    made = cloud.client("ec2").create_subnet(
        VpcId=values["vpc_id"],
        **set_only(CidrBlock=values["cidr_block"], AvailabilityZone=values["availability_zone"]),
        **_specification("subnet", values["tags_all"]),
    )
    return {"id": made["Subnet"]["SubnetId"]}


def _set_subnet(cloud: Cloud, state: Object, changed: set[str]) -> None:
    if "map_public_ip_on_launch" in changed:
        cloud.client("ec2").modify_subnet_attribute(
            SubnetId=state["id"], MapPublicIpOnLaunch={"Value": bool(state["map_public_ip_on_launch"])}
        )


def _update_subnet(cloud: Cloud, state: Object, changed: set[str]) -> None:
    _set_subnet(cloud, state, changed)
    _change_tags(cloud, state, changed)


def _read_subnet(cloud: Cloud, state: Object) -> Object:
    with absent(*GONE):
        found = _only(cloud.client("ec2").describe_subnets(SubnetIds=[state["id"]])["Subnets"], state["id"])
    return {
        "arn": cloud.arn("ec2", f"subnet/{state['id']}"),
        "availability_zone": found["AvailabilityZone"],
        "availability_zone_id": found.get("AvailabilityZoneId", ""),
        "cidr_block": found["CidrBlock"],
        "map_public_ip_on_launch": found.get("MapPublicIpOnLaunch", False),
        "owner_id": found.get("OwnerId", cloud.account),
        "vpc_id": found["VpcId"],
        "tags": tag_map(found.get("Tags")),
    }


def _delete_subnet(cloud: Cloud, state: Object) -> None:
    with absent(*GONE):
        cloud.client("ec2").delete_subnet(SubnetId=state["id"])


# security group ------------------------------------------------------------------------------------------


def _check_group(config: Object) -> None:
    if config.get("ingress") or config.get("egress"):
        raise ProviderError("use aws_vpc_security_group_ingress_rule and _egress_rule", attribute="ingress")


def _create_group(cloud: Cloud, values: Object) -> Object:
    name = made_name(values)
    made = cloud.client("ec2").create_security_group(
        GroupName=name,
        Description=values["description"] or "Managed by Terraform",
        **set_only(VpcId=values["vpc_id"]),
        **_specification("security-group", values["tags_all"]),
    )
    return {"id": made["GroupId"], "name": name}


def _without_egress(cloud: Cloud, state: Object, _changed: set[str]) -> None:
    """AWS gives a new group a rule that lets everything out; the real provider takes it away, so do we."""
    client, group = cloud.client("ec2"), state["id"]
    found = client.describe_security_groups(GroupIds=[group])["SecurityGroups"][0]["IpPermissionsEgress"]
    if found:
        client.revoke_security_group_egress(GroupId=group, IpPermissions=found)


def _read_group(cloud: Cloud, state: Object) -> Object:
    with absent(*GONE):
        groups = cloud.client("ec2").describe_security_groups(GroupIds=[state["id"]])["SecurityGroups"]
    found = _only(groups, state["id"])
    return {
        "arn": cloud.arn("ec2", f"security-group/{state['id']}"),
        "description": found["Description"],
        "name": found["GroupName"],
        "owner_id": found.get("OwnerId", cloud.account),
        "vpc_id": found.get("VpcId", ""),
        "tags": tag_map(found.get("Tags")),
    }


def _delete_group(cloud: Cloud, state: Object) -> None:
    with absent(*GONE):
        cloud.client("ec2").delete_security_group(GroupId=state["id"])


# rules ---------------------------------------------------------------------------------------------------


def _check_rule(config: Object) -> None:
    ways = ("cidr_ipv4", "cidr_ipv6", "prefix_list_id", "referenced_security_group_id")
    if not undecided(config, *ways) and sum(config.get(way) is not None for way in ways) != 1:
        raise ProviderError(f"a rule needs exactly one of {', '.join(ways)}", attribute="ip_protocol")


def _permission(values: Object) -> dict[str, Any]:
    described = set_only(Description=values["description"])
    permission: dict[str, Any] = {
        "IpProtocol": values["ip_protocol"],
        **set_only(FromPort=values["from_port"], ToPort=values["to_port"]),
    }
    if values["cidr_ipv4"]:
        permission["IpRanges"] = [{"CidrIp": values["cidr_ipv4"], **described}]
    elif values["cidr_ipv6"]:
        permission["Ipv6Ranges"] = [{"CidrIpv6": values["cidr_ipv6"], **described}]
    elif values["prefix_list_id"]:
        permission["PrefixListIds"] = [{"PrefixListId": values["prefix_list_id"], **described}]
    else:
        permission["UserIdGroupPairs"] = [{"GroupId": values["referenced_security_group_id"], **described}]
    return permission


def _read_rule(cloud: Cloud, state: Object) -> Object:
    with absent(*GONE):
        rules = cloud.client("ec2").describe_security_group_rules(SecurityGroupRuleIds=[state["id"]])
    found = _only(rules["SecurityGroupRules"], state["id"])
    return {
        "arn": cloud.arn("ec2", f"security-group-rule/{state['id']}"),
        "security_group_id": found["GroupId"],
        "security_group_rule_id": found["SecurityGroupRuleId"],
        "ip_protocol": found["IpProtocol"],
        "cidr_ipv4": found.get("CidrIpv4", ""),
        "tags": tag_map(found.get("Tags")),
    }


def _rule(direction: str) -> Record:
    """Ingress or egress: same arguments, other calls."""

    def create(cloud: Cloud, values: Object) -> Object:
        client = cloud.client("ec2")
        authorize = getattr(client, f"authorize_security_group_{direction}")
        made = authorize(
            GroupId=values["security_group_id"],
            IpPermissions=[_permission(values)],
            **_specification("security-group-rule", values["tags_all"]),
        )
        return {"id": made["SecurityGroupRules"][0]["SecurityGroupRuleId"]}

    def delete(cloud: Cloud, state: Object) -> None:
        revoke = getattr(cloud.client("ec2"), f"revoke_security_group_{direction}")
        with absent(*GONE):
            revoke(GroupId=state["security_group_id"], SecurityGroupRuleIds=[state["id"]])

    return Record(
        type=f"aws_vpc_security_group_{direction}_rule",
        create=create,
        update=_change_tags,
        read=_read_rule,
        delete=delete,
        check=_check_rule,
        create_only=frozenset(
            {
                "cidr_ipv4", "cidr_ipv6", "description", "from_port", "ip_protocol", "prefix_list_id",
                "referenced_security_group_id", "security_group_id", "to_port",
            }
        ),
        name_of="description",
    )  # fmt: skip


RECORDS = (
    Record(
        type="aws_vpc",
        create=_create_vpc,
        finish=_set_vpc,
        update=_update_vpc,
        read=_read_vpc,
        delete=_delete_vpc,
        create_only=frozenset({"cidr_block", "ipv4_ipam_pool_id", "ipv4_netmask_length"}),
        defaults={"enable_dns_support": True},
        blank={
            "enable_network_address_usage_metrics": False,
            "ipv6_association_id": "",
            "ipv6_cidr_block": "",
            "ipv6_cidr_block_network_border_group": "",
        },
        name_of="cidr_block",
    ),
    Record(
        type="aws_subnet",
        create=_create_subnet,
        finish=_set_subnet,
        update=_update_subnet,
        read=_read_subnet,
        delete=_delete_subnet,
        create_only=frozenset({"vpc_id", "cidr_block", "availability_zone", "availability_zone_id"}),
        blank={"ipv6_cidr_block_association_id": "", "private_dns_hostname_type_on_launch": "ip-name"},
        name_of="cidr_block",
    ),
    Record(
        type="aws_security_group",
        create=_create_group,
        finish=_without_egress,
        update=_change_tags,
        read=_read_group,
        delete=_delete_group,
        check=_check_group,
        create_only=frozenset({"name", "description", "vpc_id"}),
        defaults={"description": "Managed by Terraform", "revoke_rules_on_delete": False},
    ),
    _rule("ingress"),
    _rule("egress"),
)
