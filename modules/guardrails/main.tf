locals {
  # Every metric of a guardrail carries it; the prefix is what tells environments of one account apart.
  _environment = var.context.name_prefix
}

module "table" {
  source = "../dynamodb-table"

  context                     = var.context
  deletion_protection_enabled = var.deletion_protection_enabled
  kms_key_arn                 = var.operations.kms_key_arn
  name                        = "guardrails"
  range_key                   = "sk"
  ttl_enabled                 = true
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
