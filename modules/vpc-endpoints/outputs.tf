output "callers" {
  description = "Who calls each service from inside the VPC, by service."
  value       = { for service in local._called : service => sort([for caller, services in var.services : caller if contains(services, service)]) }
}

output "made" {
  description = "Services whose endpoints are made here, by kind."
  value       = { gateway = local._gateway, interface = local._interface }
}

output "security_group_id" {
  description = "Id of the security group of the interface endpoints."
  value       = aws_security_group.this.id
}

output "services" {
  description = "Services that can be reached, made here or existing, once they can: input endpoints of the modules."
  value       = setunion(local._made, var.existing)
  depends_on = [
    aws_vpc_endpoint.gateway,
    aws_vpc_endpoint.interface,
    aws_vpc_security_group_egress_rule.gateway,
    aws_vpc_security_group_ingress_rule.client,
  ]
}
