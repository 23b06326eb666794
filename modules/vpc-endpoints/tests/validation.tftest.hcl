# Every validation and every precondition has a run that must fail.

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

run "rejects_a_prefix_with_capitals" {
  command = plan

  variables {
    context = {
      account_id  = "111122223333"
      name_prefix = "FSxN"
      region      = "us-east-1"
    }
  }

  expect_failures = [var.context]
}

run "rejects_endpoints_that_nobody_may_use" {
  command = plan

  variables {
    client_security_group_ids = {}
  }

  expect_failures = [var.client_security_group_ids]
}

run "rejects_a_network_without_subnets" {
  command = plan

  variables {
    network = {
      route_table_ids = ["rtb-0123456789abcdef0"]
      subnet_ids      = []
      vpc_id          = "vpc-0123456789abcdef0"
    }
  }

  expect_failures = [var.network]
}

run "rejects_a_gateway_without_a_route_table" {
  command = plan

  variables {
    network = {
      subnet_ids = ["subnet-0123456789abcdef0"]
      vpc_id     = "vpc-0123456789abcdef0"
    }
  }

  expect_failures = [aws_vpc_endpoint.gateway]
}

run "rejects_a_name_with_its_region" {
  command = plan

  variables {
    services = { server = ["com.amazonaws.us-east-1.sqs"] }
  }

  expect_failures = [var.services]
}
