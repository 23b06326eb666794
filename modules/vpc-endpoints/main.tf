# From who calls what to which endpoints are missing: everything here follows from var.services.

locals {
  _name     = "${var.context.name_prefix}-endpoints"
  _gateways = toset(["dynamodb", "s3"]) # free of charge, and what Fargate pulls image layers through

  _called    = toset(flatten([for services in values(var.services) : tolist(services)]))
  _made      = setsubtract(local._called, var.existing)
  _gateway   = setintersection(local._made, local._gateways)
  _interface = setsubtract(local._made, local._gateways)

  # Actions of a service begin with its endpoint's name, but for these.
  _action_prefixes = {
    "ecr.api"       = "ecr"
    "ecr.dkr"       = "ecr"
    "ecs-agent"     = "ecs"
    "ecs-telemetry" = "ecs"
    "monitoring"    = "cloudwatch"
  }

  _egress = merge([
    for service in local._gateway : {
      for client, group in var.client_security_group_ids : "${client}/${service}" => { group = group, service = service }
    }
  ]...)
}

resource "aws_security_group" "this" {
  name        = local._name
  description = "Interface endpoints of AWS services: HTTPS from the named groups, nothing leaves."
  vpc_id      = var.network.vpc_id
  tags        = merge(var.context.tags, { Name = local._name })
}

resource "aws_vpc_security_group_ingress_rule" "client" {
  for_each = var.client_security_group_ids

  security_group_id            = aws_security_group.this.id
  description                  = "AWS APIs from ${each.key}"
  referenced_security_group_id = each.value
  ip_protocol                  = "tcp"
  from_port                    = 443
  to_port                      = 443
  tags                         = var.context.tags
}

# Private DNS sends every call of the VPC to these services here, so the policy asks only whose they are.
data "aws_iam_policy_document" "interface" {
  for_each = local._interface

  statement {
    sid       = "OwnAccountOnly"
    actions   = ["${lookup(local._action_prefixes, each.key, each.key)}:*"]
    resources = ["*"] # what of the service a caller may touch is its role's to say

    principals {
      type        = "AWS"
      identifiers = ["*"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:PrincipalAccount"
      values   = [var.context.account_id]
    }
  }
}

resource "aws_vpc_endpoint" "interface" {
  for_each = local._interface

  vpc_id              = var.network.vpc_id
  service_name        = "com.amazonaws.${var.context.region}.${each.key}"
  vpc_endpoint_type   = "Interface"
  private_dns_enabled = true
  policy              = data.aws_iam_policy_document.interface[each.key].json
  security_group_ids  = [aws_security_group.this.id]
  subnet_ids          = var.network.subnet_ids
  tags                = merge(var.context.tags, { Name = "${local._name}-${each.key}" })
}

# No policy of ours: every call of these subnets goes this way, also image layers (a bucket of AWS's) and what others
# read from S3.
resource "aws_vpc_endpoint" "gateway" {
  for_each = local._gateway

  vpc_id            = var.network.vpc_id
  service_name      = "com.amazonaws.${var.context.region}.${each.key}"
  vpc_endpoint_type = "Gateway"
  route_table_ids   = var.network.route_table_ids
  tags              = merge(var.context.tags, { Name = "${local._name}-${each.key}" })

  lifecycle {
    precondition {
      condition     = length(var.network.route_table_ids) > 0
      error_message = "The gateway endpoint of ${each.key} needs network.route_table_ids: without a route nothing reaches it."
    }
  }
}

# What a gateway endpoint leads to has public addresses, which a group that may leave to the VPC only cannot reach.
resource "aws_vpc_security_group_egress_rule" "gateway" {
  for_each = local._egress

  security_group_id = each.value.group
  description       = "To ${each.value.service} through its gateway endpoint"
  prefix_list_id    = aws_vpc_endpoint.gateway[each.value.service].prefix_list_id
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
  tags              = var.context.tags
}
