# What the module connects, with a mocked provider.

mock_provider "aws" {
  # Mocked strings are random, so a mocked policy document is not JSON (terraform-provider-aws issue 36700).
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{}" }
  }
}

variables {
  context = {
    account_id  = "111122223333"
    name_prefix = "fsxn-test"
    region      = "us-east-1"
  }
  management = { addresses = ["198.19.255.10"] }
  network = {
    https_egress_cidr = "0.0.0.0/0"
    subnet_ids        = ["subnet-0123456789abcdef0"]
    vpc_id            = "vpc-0123456789abcdef0"
  }
  secret = { arn = "arn:aws:secretsmanager:us-east-1:111122223333:secret:fsxn/ontap-AbCdEf" }
}

run "opens_ontap_only_at_the_named_addresses" {
  command = plan

  variables {
    management = { addresses = ["198.19.255.10", "10.0.1.20"], port = 8443 }
  }

  assert {
    condition     = toset([for rule in aws_vpc_security_group_egress_rule.management : rule.cidr_ipv4]) == toset(["198.19.255.10/32", "10.0.1.20/32"])
    error_message = "Each management address is a rule of its own, of one address."
  }

  assert {
    condition     = alltrue([for rule in aws_vpc_security_group_egress_rule.management : rule.from_port == 8443 && rule.to_port == 8443])
    error_message = "Only the REST port is open."
  }
}

run "makes_no_endpoint_unless_asked" {
  command = plan

  assert {
    condition     = length(aws_vpc_endpoint.secrets_manager) == 0 && length(aws_security_group.endpoint) == 0 && length(aws_vpc_security_group_ingress_rule.endpoint) == 0
    error_message = "Another endpoint with private DNS would be refused, so none is made unasked."
  }
}

run "without_a_range_https_reaches_the_endpoint_alone" {
  command = plan

  variables {
    network          = { subnet_ids = ["subnet-0123456789abcdef0"], vpc_id = "vpc-0123456789abcdef0" }
    secrets_endpoint = { security_group_id = "sg-0123456789abcdef0" }
  }

  assert {
    condition     = length(aws_vpc_security_group_egress_rule.https) == 0
    error_message = "No range was named, so none is open."
  }

  assert {
    condition     = [for rule in aws_vpc_security_group_egress_rule.endpoint : rule.referenced_security_group_id] == ["sg-0123456789abcdef0"]
    error_message = "The endpoint's own group is what HTTPS may leave to."
  }
}

run "an_endpoint_made_here_lets_in_the_clients_and_the_named_groups" {
  command = plan

  variables {
    secrets_endpoint = { create = true, other_client_groups = { other = "sg-0123456789abcdef0" } }
  }

  assert {
    condition     = sort(keys(aws_vpc_security_group_ingress_rule.endpoint)) == tolist(["ontap-access", "other"])
    error_message = "Nobody else may use the endpoint."
  }

  assert {
    condition     = aws_vpc_endpoint.secrets_manager[0].service_name == "com.amazonaws.us-east-1.secretsmanager" && aws_vpc_endpoint.secrets_manager[0].private_dns_enabled
    error_message = "The endpoint answers under the service's own name."
  }
}
