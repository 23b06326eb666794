# What the module makes, with a mocked provider.

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

run "a_bucket_is_private_and_versioned" {
  command = plan

  assert {
    condition     = aws_s3_bucket.this.bucket == "fsxn-test-reports-111122223333" && !aws_s3_bucket.this.object_lock_enabled
    error_message = "The name is unique by the account id; nothing is locked unless asked."
  }

  assert {
    condition     = alltrue([for field in ["block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets"] : aws_s3_bucket_public_access_block.this[field]])
    error_message = "Nothing may make it public."
  }

  assert {
    condition     = aws_s3_bucket_versioning.this.versioning_configuration[0].status == "Enabled"
    error_message = "What is written over can be had back."
  }

  assert {
    condition     = aws_s3_bucket_lifecycle_configuration.this.rule[*].id == tolist(["uploads-that-broke-off"])
    error_message = "Without being asked, no version goes."
  }
}

run "versions_and_results_go_by_age" {
  command = plan

  variables {
    expirations       = { results = { days = 31, prefix = "results/" } }
    old_versions_days = 30
  }

  assert {
    condition     = { for rule in aws_s3_bucket_lifecycle_configuration.this.rule : rule.id => try(rule.expiration[0].days, rule.noncurrent_version_expiration[0].noncurrent_days) } == { old-versions = 30, results = 31 }
    error_message = "Each rule has its own days."
  }
}

run "a_customer_key_encrypts_what_comes_in" {
  command = plan

  variables {
    kms_key_arn = "arn:aws:kms:us-east-1:111122223333:key/own"
  }

  assert {
    condition     = alltrue([for rule in aws_s3_bucket_server_side_encryption_configuration.this.rule : rule.bucket_key_enabled && rule.apply_server_side_encryption_by_default[0].sse_algorithm == "aws:kms"])
    error_message = "The key is the caller's, and a bucket key saves its requests."
  }
}
