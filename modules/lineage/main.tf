locals {
  # Indexes by name: hash key and range key. What each answers: by workload and time, by execution, by hour (export).
  _indexes = {
    "uc_id-timestamp-index" = { hash_key = "uc_id", range_key = "processing_timestamp" }
    "execution-index"       = { hash_key = "step_functions_execution_arn", range_key = null }
    "write_hour-index"      = { hash_key = "write_hour", range_key = "processing_timestamp" }
  }
}

resource "aws_dynamodb_table" "this" {
  # checkov:skip=CKV_AWS_119:a customer key is the caller's choice (var.operations.kms_key_arn); AWS encrypts the table in any case
  name                        = "${var.context.name_prefix}-data-lineage"
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = "source_file_key"
  range_key                   = "processing_timestamp"
  deletion_protection_enabled = var.deletion_protection_enabled
  tags                        = var.context.tags

  attribute {
    name = "source_file_key"
    type = "S"
  }

  attribute {
    name = "processing_timestamp"
    type = "S"
  }

  attribute {
    name = "uc_id"
    type = "S"
  }

  attribute {
    name = "step_functions_execution_arn"
    type = "S"
  }

  attribute {
    name = "write_hour"
    type = "S"
  }

  dynamic "global_secondary_index" {
    for_each = local._indexes

    content {
      name            = global_secondary_index.key
      hash_key        = global_secondary_index.value.hash_key
      range_key       = global_secondary_index.value.range_key
      projection_type = "ALL"
    }
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
