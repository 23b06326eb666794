output "secret_policy" {
  description = "JSON policy document of a function that reads ONTAP's credentials."
  value       = data.aws_iam_policy_document.secret.json
}

output "security_group_id" {
  description = "Id of the security group of ONTAP's clients, for the rules of other endpoints."
  value       = aws_security_group.client.id
}

output "vpc" {
  description = "Subnets and security group of a function that talks to ONTAP, as module lambda-function takes them; usable once ONTAP and Secrets Manager can be reached."
  value = {
    security_group_ids = [aws_security_group.client.id]
    subnet_ids         = var.network.subnet_ids
  }
  depends_on = [
    aws_vpc_endpoint.secrets_manager,
    aws_vpc_security_group_egress_rule.endpoint,
    aws_vpc_security_group_egress_rule.https,
    aws_vpc_security_group_egress_rule.management,
    aws_vpc_security_group_ingress_rule.endpoint,
  ]
}
