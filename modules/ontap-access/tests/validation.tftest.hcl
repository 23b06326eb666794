# Every validation has a run that must fail.

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

run "rejects_an_address_with_a_port" {
  command = plan

  variables {
    management = { addresses = ["198.19.255.10:443"] }
  }

  expect_failures = [var.management]
}

run "rejects_no_address_at_all" {
  command = plan

  variables {
    management = { addresses = [] }
  }

  expect_failures = [var.management]
}

run "rejects_a_port_that_does_not_exist" {
  command = plan

  variables {
    management = { addresses = ["198.19.255.10"], port = 65536 }
  }

  expect_failures = [var.management]
}

run "rejects_a_network_without_subnets" {
  command = plan

  variables {
    network = { https_egress_cidr = "0.0.0.0/0", subnet_ids = [], vpc_id = "vpc-0123456789abcdef0" }
  }

  expect_failures = [var.network]
}

run "rejects_an_egress_range_that_is_none" {
  command = plan

  variables {
    network = { https_egress_cidr = "everywhere", subnet_ids = ["subnet-0123456789abcdef0"], vpc_id = "vpc-0123456789abcdef0" }
  }

  expect_failures = [var.network]
}

run "rejects_the_name_of_a_secret" {
  command = plan

  variables {
    secret = { arn = "fsxn/ontap" }
  }

  expect_failures = [var.secret]
}

run "rejects_a_second_endpoint_beside_one_that_exists" {
  command = plan

  variables {
    secrets_endpoint = { create = true, security_group_id = "sg-0123456789abcdef0" }
  }

  expect_failures = [var.secrets_endpoint]
}

run "rejects_rules_for_an_endpoint_that_is_not_made_here" {
  command = plan

  variables {
    secrets_endpoint = { other_client_groups = { other = "sg-0123456789abcdef0" } }
  }

  expect_failures = [var.secrets_endpoint]
}

run "rejects_a_network_without_a_way_to_secrets_manager" {
  command = plan

  variables {
    network = { subnet_ids = ["subnet-0123456789abcdef0"], vpc_id = "vpc-0123456789abcdef0" }
  }

  expect_failures = [var.secrets_endpoint]
}
