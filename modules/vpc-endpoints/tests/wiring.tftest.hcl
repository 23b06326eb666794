# What the module connects, with a mocked provider.

mock_provider "aws" {
  # Mocked strings are random, so a mocked policy document is not JSON (terraform-provider-aws issue 36700).
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{}" }
  }
}

variables {
  client_security_group_ids = { ontap-access = "sg-0123456789abcdef0", server = "sg-0123456789abcdef1" }
  context = {
    account_id  = "111122223333"
    name_prefix = "fsxn-test"
    region      = "us-east-1"
  }
  network = {
    route_table_ids = ["rtb-0123456789abcdef0"]
    subnet_ids      = ["subnet-0123456789abcdef0"]
    vpc_id          = "vpc-0123456789abcdef0"
  }
  services = {
    reconcile = ["dynamodb", "ecs", "s3", "secretsmanager"]
    rotate    = ["secretsmanager"]
    server    = ["ecr.api", "ecr.dkr", "logs", "s3", "sqs"]
  }
}

run "makes_one_endpoint_of_each_service_that_anybody_calls" {
  command = plan

  assert {
    condition     = toset(keys(aws_vpc_endpoint.interface)) == toset(["ecr.api", "ecr.dkr", "ecs", "logs", "secretsmanager", "sqs"])
    error_message = "Every service but s3 and dynamodb has an interface endpoint, however many call it."
  }

  assert {
    condition     = toset(keys(aws_vpc_endpoint.gateway)) == toset(["dynamodb", "s3"])
    error_message = "s3 and dynamodb have gateway endpoints."
  }

  assert {
    condition     = alltrue([for endpoint in aws_vpc_endpoint.interface : endpoint.private_dns_enabled])
    error_message = "Callers use the services' public names, so private DNS must be on."
  }

  assert {
    condition     = output.callers.secretsmanager == tolist(["reconcile", "rotate"])
    error_message = "The output says who calls what."
  }
}

run "makes_nothing_that_exists_and_says_that_it_is_there" {
  command = plan

  variables {
    existing = ["dynamodb", "ecr.api", "ecr.dkr", "ecs", "kms", "logs", "s3", "secretsmanager"]
  }

  assert {
    condition     = toset(keys(aws_vpc_endpoint.interface)) == toset(["sqs"]) && length(aws_vpc_endpoint.gateway) == 0
    error_message = "Only what is called and does not exist is made."
  }

  assert {
    condition     = contains(output.services, "sqs") && contains(output.services, "kms")
    error_message = "Both made and existing endpoints can be reached."
  }
}

run "lets_in_the_named_groups_on_https_only" {
  command = plan

  assert {
    condition = toset([for rule in aws_vpc_security_group_ingress_rule.client : rule.referenced_security_group_id]) == toset(values(var.client_security_group_ids)) && alltrue([
      for rule in aws_vpc_security_group_ingress_rule.client : rule.from_port == 443 && rule.to_port == 443 && rule.cidr_ipv4 == null
    ])
    error_message = "Only the named groups reach the endpoints, on port 443."
  }

  assert {
    condition     = toset(keys(aws_vpc_security_group_egress_rule.gateway)) == toset(["ontap-access/dynamodb", "ontap-access/s3", "server/dynamodb", "server/s3"])
    error_message = "Each group is let out to each gateway endpoint."
  }
}
