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
}

run "subscribes_each_address_by_its_fixed_name" {
  command = plan

  variables {
    email_addresses = { operators = "operators@example.com" }
  }

  assert {
    condition     = aws_sns_topic_subscription.email["operators"].endpoint == "operators@example.com"
    error_message = "The subscription's address in the state is the map's key."
  }
}
