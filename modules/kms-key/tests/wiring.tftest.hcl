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
  description = "A key."
  name        = "notifications"
}

run "a_key_encrypts_and_is_rotated" {
  command = plan

  assert {
    condition     = aws_kms_key.this.enable_key_rotation && output.key_usage == "ENCRYPT_DECRYPT" && aws_kms_key.this.deletion_window_in_days == 30
    error_message = "The default is a symmetric key with rotation."
  }

  assert {
    condition     = aws_kms_alias.this.name == "alias/fsxn-test-notifications"
    error_message = "The alias begins with the prefix."
  }
}

run "a_key_that_signs_can_be_checked_outside_of_aws" {
  command = plan

  variables {
    signing = true
  }

  assert {
    condition     = aws_kms_key.this.customer_master_key_spec == "RSA_3072" && aws_kms_key.this.key_usage == "SIGN_VERIFY"
    error_message = "RSA, which KMS does not rotate."
  }
}
