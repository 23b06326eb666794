resource "aws_cloudwatch_metric_alarm" "failures" {
  alarm_name          = "${var.context.name_prefix}-lineage-failures"
  alarm_description   = "Work was done whose lineage could not be written. docs/runbooks/lineage-failures.md"
  namespace           = var.operations.metric_namespace
  metric_name         = "LineageFailures_count"
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 1
  threshold           = 0
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching" # no work, no record that could be lost
  alarm_actions       = [var.operations.notification_topic_arn]
  ok_actions          = [var.operations.notification_topic_arn] # no more are lost; those of before stay missing, and the log has them
  tags                = var.context.tags
}

# Every run publishes the lag; three hours without one are as bad as a lag of three hours.
resource "aws_cloudwatch_metric_alarm" "export_behind" {
  count = local._export_count

  alarm_name          = "${var.context.name_prefix}-lineage-export-behind"
  alarm_description   = "Hours of lineage are not exported, or nobody exports. docs/runbooks/lineage-export-behind.md"
  namespace           = var.operations.metric_namespace
  metric_name         = "LineageExportLag_sec"
  statistic           = "Maximum"
  period              = 3600
  evaluation_periods  = 3
  threshold           = 10800
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "breaching" # as said above
  alarm_actions       = [var.operations.notification_topic_arn]
  ok_actions          = [var.operations.notification_topic_arn] # a run has sealed its hours
  tags                = var.context.tags
}
