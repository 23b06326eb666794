# The export: hours of records in S3, each with a signed manifest. All of it only with var.export.

locals {
  _bucket_name    = "${var.context.name_prefix}-lineage-${var.context.account_id}"
  _export_count   = var.export == null ? 0 : 1
  _hour_index_arn = "${module.table.table_arn}/index/write_hour-index"
}

# Where the export stands: one item, and one for each hour.
module "export_table" {
  source = "../dynamodb-table"
  count  = local._export_count

  context                     = var.context
  deletion_protection_enabled = var.deletion_protection_enabled
  kms_key_arn                 = var.operations.kms_key_arn
  name                        = "lineage-export"
}

# RSA, so that an auditor can check with the public key and no AWS.
module "signing_key" {
  source = "../kms-key"
  count  = local._export_count

  context     = var.context
  description = "Signs the manifests of the lineage export of ${var.context.name_prefix}."
  name        = "lineage-signing"
  signing     = true
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
    LINEAGE_EXPORT_BUCKET        = module.bucket[0].bucket_name
    LINEAGE_EXPORT_GRACE_MINUTES = var.export.grace_minutes
    LINEAGE_EXPORT_MAX_HOURS     = var.export.max_hours
    LINEAGE_EXPORT_SINCE         = var.export.since
    LINEAGE_EXPORT_TABLE         = module.export_table[0].table_name
    LINEAGE_SIGNING_KEY          = module.signing_key[0].key_arn
    LINEAGE_TABLE                = module.table.table_name
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
