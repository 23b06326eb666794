# What the module makes, with a mocked provider.

mock_provider "aws" {}

variables {
  context = {
    account_id  = "111122223333"
    name_prefix = "fsxn-test"
    region      = "us-east-1"
  }
  name = "state"
}

run "a_table_can_be_restored_and_costs_by_use" {
  command = plan

  assert {
    condition     = aws_dynamodb_table.this.point_in_time_recovery[0].enabled && aws_dynamodb_table.this.billing_mode == "PAY_PER_REQUEST"
    error_message = "Every table has point-in-time recovery and is on demand."
  }

  assert {
    condition     = aws_dynamodb_table.this.name == "fsxn-test-state" && output.table_name == "fsxn-test-state"
    error_message = "The name begins with the prefix."
  }

  assert {
    condition     = length(aws_dynamodb_table.this.ttl) == 0 && !aws_dynamodb_table.this.server_side_encryption[0].enabled
    error_message = "Without being asked, nothing expires and AWS owns the key."
  }
}

run "each_key_is_declared_once" {
  command = plan

  variables {
    indexes = {
      "by-status" = { hash_key = "status", range_key = "sk" }
      "by-time"   = { hash_key = "status" }
    }
    range_key = "sk"
  }

  assert {
    condition     = toset(aws_dynamodb_table.this.attribute[*].name) == toset(["pk", "sk", "status"])
    error_message = "DynamoDB refuses an attribute twice, and one that no key uses."
  }

  assert {
    condition     = toset(aws_dynamodb_table.this.global_secondary_index[*].name) == toset(["by-status", "by-time"])
    error_message = "Each index is made under its name."
  }
}

run "a_customer_key_encrypts_the_table" {
  command = plan

  variables {
    kms_key_arn = "arn:aws:kms:us-east-1:111122223333:key/own"
    ttl_enabled = true
  }

  assert {
    condition     = aws_dynamodb_table.this.server_side_encryption[0].enabled && aws_dynamodb_table.this.server_side_encryption[0].kms_key_arn == "arn:aws:kms:us-east-1:111122223333:key/own"
    error_message = "The key is the caller's."
  }

  assert {
    condition     = aws_dynamodb_table.this.ttl[0].attribute_name == "ttl" && aws_dynamodb_table.this.ttl[0].enabled
    error_message = "Items expire by their attribute ttl."
  }
}
