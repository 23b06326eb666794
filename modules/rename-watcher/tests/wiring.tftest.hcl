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
  lineage = {
    table_name    = "lineage"
    ttl_days      = 365
    writer_policy = "{}"
  }
  operations        = { notification_topic_arn = "arn:aws:sns:us-east-1:111122223333:notifications" }
  package_path      = "./versions.tf" # only its hash is read
  topic_kms_key_arn = "arn:aws:kms:us-east-1:111122223333:key/topic"
}

run "the_scope_gets_each_extension_in_both_cases" {
  command = plan

  variables {
    extensions = ["Locked", "enc"]
  }

  assert {
    condition     = output.suffixes == tolist([".ENC", ".LOCKED", ".enc", ".locked"])
    error_message = "A rule compares letter by letter."
  }
}
