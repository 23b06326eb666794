locals {
  _name = "${var.context.name_prefix}-ontap-access"

  # The endpoint's group: the one made here, the one of an endpoint that exists, or none.
  _endpoint_security_groups = merge(
    { for group in aws_security_group.endpoint : "made" => group.id },
    var.secrets_endpoint.security_group_id == null ? {} : { existing = var.secrets_endpoint.security_group_id },
  )
}

# Functions that talk to ONTAP: out to ONTAP's management addresses and to AWS APIs, nothing in.
resource "aws_security_group" "client" {
  # checkov:skip=CKV2_AWS_5:the functions that take the output vpc attach it; they are other modules'
  name        = local._name
  description = "Clients of ONTAP: its management addresses and AWS APIs, nothing comes in."
  vpc_id      = var.network.vpc_id
  tags        = merge(var.context.tags, { Name = local._name })
}

resource "aws_vpc_security_group_egress_rule" "management" {
  for_each = var.management.addresses

  security_group_id = aws_security_group.client.id
  description       = "ONTAP REST at ${each.key}"
  cidr_ipv4         = "${each.key}/32"
  ip_protocol       = "tcp"
  from_port         = var.management.port
  to_port           = var.management.port
  tags              = var.context.tags
}

# AWS services have public addresses that change; with interface endpoints, name their range or nothing.
resource "aws_vpc_security_group_egress_rule" "https" {
  for_each = var.network.https_egress_cidr == null ? {} : { this = var.network.https_egress_cidr }

  security_group_id = aws_security_group.client.id
  description       = "AWS APIs over HTTPS"
  cidr_ipv4         = each.value
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
  tags              = var.context.tags
}

resource "aws_vpc_security_group_egress_rule" "endpoint" {
  for_each = local._endpoint_security_groups

  security_group_id            = aws_security_group.client.id
  description                  = "Secrets Manager through its interface endpoint"
  referenced_security_group_id = each.value
  ip_protocol                  = "tcp"
  from_port                    = 443
  to_port                      = 443
  tags                         = var.context.tags
}
