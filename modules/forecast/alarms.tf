resource "aws_cloudwatch_metric_alarm" "days_until_full" {
  alarm_name          = "${var.context.name_prefix}-days-until-full"
  alarm_description   = "Something of ${var.file_system_id} will be full within ${var.threshold_days} days. docs/runbooks/days-until-full.md"
  namespace           = var.operations.metric_namespace
  metric_name         = "DaysUntilFull"
  dimensions          = { FileSystemId = var.file_system_id }
  statistic           = var.metric_catalogue.metrics["DaysUntilFull"].statistic
  period              = 86400
  evaluation_periods  = 1
  threshold           = var.threshold_days
  comparison_operator = "LessThanOrEqualToThreshold"
  treat_missing_data  = "notBreaching" # nothing grows
  alarm_actions       = [var.operations.notification_topic_arn]
  ok_actions          = [var.operations.notification_topic_arn] # it was forecast anew, or nothing grows any more
  tags                = var.context.tags
}

# Every run publishes it, whatever it finds: silence means that nobody looks ahead.
resource "aws_cloudwatch_metric_alarm" "missing" {
  alarm_name          = "${var.context.name_prefix}-forecast-missing"
  alarm_description   = "No forecast of ${var.file_system_id} was made for two days. docs/runbooks/forecast-missing.md"
  namespace           = var.operations.metric_namespace
  metric_name         = "ForecastAvailable"
  dimensions          = { FileSystemId = var.file_system_id }
  statistic           = "SampleCount"
  period              = 86400
  evaluation_periods  = 2
  threshold           = 1
  comparison_operator = "LessThanThreshold"
  treat_missing_data  = "breaching" # as said above
  alarm_actions       = [var.operations.notification_topic_arn]
  ok_actions          = [var.operations.notification_topic_arn] # a run has published again
  tags                = var.context.tags
}
