# The interface endpoint of Secrets Manager, when the VPC has neither one nor a way out.

resource "aws_security_group" "endpoint" {
  count = var.secrets_endpoint.create ? 1 : 0

  name        = "${local._name}-endpoint"
  description = "Secrets Manager's interface endpoint: from clients of ONTAP and the groups named."
  vpc_id      = var.network.vpc_id
  tags        = merge(var.context.tags, { Name = "${local._name}-endpoint" })
}

resource "aws_vpc_security_group_ingress_rule" "endpoint" {
  for_each = var.secrets_endpoint.create ? merge(var.secrets_endpoint.other_client_groups, { ontap-access = aws_security_group.client.id }) : {}

  security_group_id            = aws_security_group.endpoint[0].id
  description                  = "Secrets Manager from ${each.key}"
  referenced_security_group_id = each.value
  ip_protocol                  = "tcp"
  from_port                    = 443
  to_port                      = 443
  tags                         = var.context.tags
}

# Private DNS sends every Secrets Manager call of the VPC here, so the policy asks only whose they are.
data "aws_iam_policy_document" "endpoint" {
  statement {
    sid       = "OwnAccountOnly"
    actions   = ["secretsmanager:*"]
    resources = ["*"] # which secret, the callers' own policies say

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

resource "aws_vpc_endpoint" "secrets_manager" {
  count = var.secrets_endpoint.create ? 1 : 0

  vpc_id              = var.network.vpc_id
  service_name        = "com.amazonaws.${var.context.region}.secretsmanager"
  vpc_endpoint_type   = "Interface"
  private_dns_enabled = true
  policy              = data.aws_iam_policy_document.endpoint.json
  security_group_ids  = [aws_security_group.endpoint[0].id]
  subnet_ids          = var.network.subnet_ids
  tags                = merge(var.context.tags, { Name = "${local._name}-secretsmanager" })
}
