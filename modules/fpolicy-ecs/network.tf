resource "aws_security_group" "server" {
  name        = local._full_name
  description = "FPolicy server: from the file system's security groups only."
  vpc_id      = var.network.vpc_id
  tags        = merge(var.context.tags, { Name = local._full_name })
}

resource "aws_vpc_security_group_ingress_rule" "fpolicy" {
  for_each = var.network.source_security_group_ids

  security_group_id            = aws_security_group.server.id
  description                  = "FPolicy from ${each.key}"
  referenced_security_group_id = each.value
  ip_protocol                  = "tcp"
  from_port                    = var.server_settings.port
  to_port                      = var.server_settings.port
  tags                         = var.context.tags
}

# SQS, S3, CloudWatch Logs and ECR have public addresses that change; with interface endpoints, name their range.
resource "aws_vpc_security_group_egress_rule" "https" {
  security_group_id = aws_security_group.server.id
  description       = "AWS APIs over HTTPS"
  cidr_ipv4         = var.network.https_egress_cidr
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
  tags              = var.context.tags
}

resource "aws_vpc_security_group_egress_rule" "spool" {
  for_each = try(var.spool.efs, null) == null ? {} : { this = var.spool.efs }

  security_group_id            = aws_security_group.server.id
  description                  = "Spool on EFS"
  referenced_security_group_id = each.value.security_group_id
  ip_protocol                  = "tcp"
  from_port                    = 2049
  to_port                      = 2049
  tags                         = var.context.tags
}
