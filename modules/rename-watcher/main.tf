locals {
  # Whose cost it is.
  _context = merge(var.context, { tags = merge(var.context.tags, { Workload = var.uc_id }) })
}

# One item: until when people are not told again.
module "table" {
  source = "../dynamodb-table"

  context     = local._context
  kms_key_arn = var.operations.kms_key_arn
  name        = "${var.uc_id}-window"
}

module "process" {
  source = "../lambda-function"

  context      = local._context
  name         = "${var.uc_id}-process"
  description  = "Judges one rename and tells people when it looks like ransomware."
  handler      = "fsxn_runtime.workloads.rename_watcher.handler.handler"
  operations   = var.operations
  package_path = var.package_path
  policies = {
    lineage = var.lineage.writer_policy
    watch   = data.aws_iam_policy_document.process.json
  }
  runtime = { timeout_seconds = 30 }

  environment = {
    ALERT_TOPIC_ARN  = var.operations.notification_topic_arn
    EXTENSIONS       = join(",", sort(var.extensions))
    LINEAGE_TABLE    = var.lineage.table_name
    LINEAGE_TTL_DAYS = var.lineage.ttl_days
    LOG_LEVEL        = var.operations.log_level
    METRIC_NAMESPACE = var.operations.metric_namespace
    UC_ID            = var.uc_id
    WINDOW_SECONDS   = var.window_seconds
    WINDOW_TABLE     = module.table.table_name
  }
}

resource "aws_cloudwatch_metric_alarm" "suspicious" {
  alarm_name          = "${var.context.name_prefix}-${var.uc_id}-suspicious"
  alarm_description   = "Files get the extensions of ransomware, ${var.alarm_threshold} or more in a minute. docs/runbooks/rename-watcher.md"
  namespace           = var.operations.metric_namespace
  metric_name         = "RenameWatcherSuspicious_count"
  dimensions          = { UcId = var.uc_id }
  statistic           = "Sum"
  period              = 60
  evaluation_periods  = 1
  threshold           = var.alarm_threshold
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data  = "notBreaching" # no rename, no suspicion
  alarm_actions       = [var.operations.notification_topic_arn]
  ok_actions          = [var.operations.notification_topic_arn] # the burst is over: now look at what it did
  tags                = local._context.tags
}
