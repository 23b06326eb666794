locals {
  # Every key that the table or an index has, once: DynamoDB wants their types declared.
  _key_attributes = toset(compact(concat(
    [var.hash_key, var.range_key],
    flatten([for index in values(var.indexes) : [index.hash_key, index.range_key]]),
  )))
}

resource "aws_dynamodb_table" "this" {
  # checkov:skip=CKV_AWS_119:a customer key is the caller's choice (kms_key_arn); AWS encrypts the table in any case
  name                        = "${var.context.name_prefix}-${var.name}"
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = var.hash_key
  range_key                   = var.range_key
  deletion_protection_enabled = var.deletion_protection_enabled
  tags                        = var.context.tags

  dynamic "attribute" {
    for_each = local._key_attributes

    content {
      name = attribute.value
      type = "S"
    }
  }

  dynamic "global_secondary_index" {
    for_each = var.indexes

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
    enabled     = var.kms_key_arn != null
    kms_key_arn = var.kms_key_arn
  }

  dynamic "ttl" {
    for_each = var.ttl_enabled ? { this = true } : {}

    content {
      attribute_name = "ttl"
      enabled        = true
    }
  }
}
