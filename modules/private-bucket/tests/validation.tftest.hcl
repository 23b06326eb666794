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
  name = "reports"
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

run "rejects_a_name_that_the_account_id_would_make_too_long" {
  command = plan

  variables {
    name = "abcdefghijklmnopqrstuvwxyz"
  }

  expect_failures = [var.name]
}

run "rejects_an_expiration_of_half_a_day" {
  command = plan

  variables {
    expirations = { results = { days = 0.5, prefix = "results/" } }
  }

  expect_failures = [var.expirations]
}

run "rejects_old_versions_of_no_days" {
  command = plan

  variables {
    old_versions_days = 0
  }

  expect_failures = [var.old_versions_days]
}
