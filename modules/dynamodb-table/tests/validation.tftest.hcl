# Every validation has a run that must fail.

mock_provider "aws" {}

variables {
  context = {
    account_id  = "111122223333"
    name_prefix = "fsxn-test"
    region      = "us-east-1"
  }
  name = "state"
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

run "rejects_a_name_with_a_dot" {
  command = plan

  variables {
    name = "a.b"
  }

  expect_failures = [var.name]
}

run "rejects_more_indexes_than_dynamodb_has" {
  command = plan

  variables {
    indexes = { for number in range(21) : "index-${number}" => { hash_key = "key" } }
  }

  expect_failures = [var.indexes]
}
