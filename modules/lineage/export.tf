# The export: hours of records in S3, each with a signed manifest. All of it only with var.export.

locals {
  _bucket_name    = "${var.context.name_prefix}-lineage-${var.context.account_id}"
  _export_count   = var.export == null ? 0 : 1
  _hour_index_arn = "${aws_dynamodb_table.this.arn}/index/write_hour-index"
}

# Where the export stands: one item, and one for each hour.
resource "aws_dynamodb_table" "export" {
  # checkov:skip=CKV_AWS_119:a customer key is the caller's choice (var.operations.kms_key_arn); AWS encrypts the table in any case
  count = local._export_count

  name                        = "${var.context.name_prefix}-lineage-export"
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = "pk"
  deletion_protection_enabled = var.deletion_protection_enabled
  tags                        = var.context.tags

  attribute {
    name = "pk"
    type = "S"
  }

  point_in_time_recovery {
    enabled = true
  }

  server_side_encryption {
    enabled     = var.operations.kms_key_arn != null
    kms_key_arn = var.operations.kms_key_arn
  }
}

# RSA, so that an auditor can check with the public key and no AWS. KMS does not rotate asymmetric keys.
resource "aws_kms_key" "signing" {
  count = local._export_count

  description              = "Signs the manifests of the lineage export of ${var.context.name_prefix}."
  customer_master_key_spec = "RSA_3072"
  deletion_window_in_days  = 30
  key_usage                = "SIGN_VERIFY"
  policy                   = data.aws_iam_policy_document.signing_key[0].json
  tags                     = var.context.tags
}

resource "aws_kms_alias" "signing" {
  count = local._export_count

  name          = "alias/${var.context.name_prefix}-lineage-signing"
  target_key_id = aws_kms_key.signing[0].key_id
}

module "export" {
  source = "../lambda-function"
  count  = local._export_count

  async        = {}
  context      = var.context
  name         = "lineage-export"
  description  = "Exports the lineage of each hour to ${local._bucket_name} and signs what it wrote."
  handler      = "fsxn_runtime.lineage_export.handler.handler"
  operations   = var.operations
  package_path = var.export.package_path
  policies     = { export = data.aws_iam_policy_document.export[0].json }
  # An object's records are packed in memory, and the keys of an hour are compared there: 16 bytes and Python's
  # overhead for each of at most 3.6 million records an hour. 900 s is the longest that Lambda runs.
  runtime = { memory_mb = 1024, timeout_seconds = 900 }

  environment = {
    LINEAGE_EXPORT_BUCKET        = aws_s3_bucket.export[0].id
    LINEAGE_EXPORT_GRACE_MINUTES = var.export.grace_minutes
    LINEAGE_EXPORT_MAX_HOURS     = var.export.max_hours
    LINEAGE_EXPORT_SINCE         = var.export.since
    LINEAGE_EXPORT_TABLE         = aws_dynamodb_table.export[0].name
    LINEAGE_SIGNING_KEY          = aws_kms_key.signing[0].arn
    LINEAGE_TABLE                = aws_dynamodb_table.this.name
    LOG_LEVEL                    = var.operations.log_level
    METRIC_NAMESPACE             = var.operations.metric_namespace
  }
}

resource "aws_cloudwatch_event_rule" "export" {
  count = local._export_count

  name                = "${var.context.name_prefix}-lineage-export"
  description         = "Exports the lineage of the hours that are over."
  schedule_expression = var.export.schedule_expression
  tags                = var.context.tags
}

resource "aws_cloudwatch_event_target" "export" {
  count = local._export_count

  rule      = aws_cloudwatch_event_rule.export[0].name
  target_id = "export"
  arn       = module.export[0].function_arn
  input     = jsonencode({ action = "export" })
}

resource "aws_lambda_permission" "export" {
  count = local._export_count

  statement_id   = "Schedule"
  action         = "lambda:InvokeFunction"
  function_name  = module.export[0].function_name
  principal      = "events.amazonaws.com"
  source_account = var.context.account_id
  source_arn     = aws_cloudwatch_event_rule.export[0].arn
}
