# What the module connects, with a mocked provider.

mock_provider "aws" {
  # Mocked strings are random, so a mocked policy document is not JSON (terraform-provider-aws issue 36700).
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{}" }
  }
}

variables {
  access_point = {
    alias = "test-vol1-ext-s3alias"
    arn   = "arn:aws:s3:us-east-1:111122223333:accesspoint/test-vol1"
  }
  context = {
    account_id  = "111122223333"
    name_prefix = "fsxn-test"
    region      = "us-east-1"
  }
  junction_path = "/vol1"
  lineage = {
    table_name    = "lineage"
    ttl_days      = 365
    writer_policy = "{}"
  }
  operations   = { notification_topic_arn = "arn:aws:sns:us-east-1:111122223333:notifications" }
  package_path = "./versions.tf" # only its hash is read
}

run "keeps_reports_when_terraform_destroys" {
  command = plan

  assert {
    condition     = !var.output.force_destroy
    error_message = "Reports are deleted only when the caller asks for it."
  }
}
