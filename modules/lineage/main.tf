locals {
  # Indexes by name: hash key and range key. What each answers: by workload and time, by execution, by hour (export).
  _indexes = {
    "uc_id-timestamp-index" = { hash_key = "uc_id", range_key = "processing_timestamp" }
    "execution-index"       = { hash_key = "step_functions_execution_arn", range_key = null }
    "write_hour-index"      = { hash_key = "write_hour", range_key = "processing_timestamp" }
  }
}

module "table" {
  source = "../dynamodb-table"

  context                     = var.context
  deletion_protection_enabled = var.deletion_protection_enabled
  hash_key                    = "source_file_key"
  indexes                     = local._indexes
  kms_key_arn                 = var.operations.kms_key_arn
  name                        = "data-lineage"
  range_key                   = "processing_timestamp"
  ttl_enabled                 = true
}
