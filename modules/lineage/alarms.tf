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
  treat_missing_data  = "notBreaching"
  alarm_actions       = [var.operations.notification_topic_arn]
  ok_actions          = [var.operations.notification_topic_arn]
  tags                = var.context.tags
}
