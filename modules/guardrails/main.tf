locals {
  # Every metric of a guardrail carries it; the prefix is what tells environments of one account apart.
  _environment = var.context.name_prefix
}

resource "aws_dynamodb_table" "this" {
  # checkov:skip=CKV_AWS_119:a customer key is the caller's choice (var.operations.kms_key_arn); AWS encrypts the table in any case
  name                        = "${var.context.name_prefix}-guardrails"
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = "pk"
  range_key                   = "sk"
  deletion_protection_enabled = var.deletion_protection_enabled
  tags                        = var.context.tags

  attribute {
    name = "pk"
    type = "S"
  }

  attribute {
    name = "sk"
    type = "S"
  }

  point_in_time_recovery {
    enabled = true
  }

  server_side_encryption {
    enabled     = var.operations.kms_key_arn != null
    kms_key_arn = var.operations.kms_key_arn
  }

  ttl {
    attribute_name = "ttl"
    enabled        = true
  }
}

# A warning, not an error: the cap may be meant that way, and then file systems only grow with a grant.
check "file_system_step_fits_the_cap" {
  assert {
    condition = alltrue([
      for size in values(var.file_system_sizes_gb) :
      ceil(size / 10) <= lookup(var.limits.daily_caps_gb, "file_system_grow", var.limits.daily_cap_gb)
    ])
    error_message = "A step of 10 %, the least by which FSx grows a file system, is above the daily cap: the guardrail will deny every growth. Raise limits.daily_caps_gb[\"file_system_grow\"]."
  }
}
