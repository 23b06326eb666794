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
  description = "A key."
  name        = "notifications"
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

run "rejects_a_name_with_a_slash" {
  command = plan

  variables {
    name = "a/b"
  }

  expect_failures = [var.name]
}

run "rejects_a_publisher_that_is_no_service" {
  command = plan

  variables {
    publishers = ["111122223333"]
  }

  expect_failures = [var.publishers]
}

run "rejects_publishers_of_a_key_that_signs" {
  command = plan

  variables {
    publishers = ["events.amazonaws.com"]
    signing    = true
  }

  expect_failures = [var.signing]
}
