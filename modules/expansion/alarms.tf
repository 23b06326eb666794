locals {
  # All three dimensions, or there is no data; Maximum, because an average hides a full aggregate (FSx user guide).
  _ssd = {
    ssd = {
      dimensions  = { DataType = "All", FileSystemId = var.file_system_id, StorageTier = "SSD" }
      description = "The SSD tier of ${var.file_system_id} is more than ${var.policy.threshold_pct} % full."
    }
  }
  _volumes = {
    for name, volume in var.volumes : "volume-${name}" => {
      dimensions  = { FileSystemId = var.file_system_id, VolumeId = volume.id }
      description = "Volume ${name} (${volume.id}) is more than ${var.policy.threshold_pct} % full."
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "utilisation" {
  for_each = merge(local._ssd, local._volumes)

  alarm_name          = "${local._name}-${each.key}"
  alarm_description   = "${each.value.description} docs/runbooks/capacity-utilisation.md"
  namespace           = "AWS/FSx"
  metric_name         = "StorageCapacityUtilization"
  dimensions          = each.value.dimensions
  statistic           = "Maximum"
  period              = 300 # capacity metrics come every five minutes
  evaluation_periods  = 3
  threshold           = var.policy.threshold_pct
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data  = "missing"
  alarm_actions       = [var.operations.notification_topic_arn]
  ok_actions          = [var.operations.notification_topic_arn]
  tags                = var.context.tags
}

resource "aws_cloudwatch_metric_alarm" "failed" {
  alarm_name          = "${local._name}-failed"
  alarm_description   = "A growth of ${var.file_system_id} or of a volume failed. docs/runbooks/expansion-failed.md"
  namespace           = var.operations.metric_namespace
  metric_name         = "ExpansionOutcomes_count"
  dimensions          = { Outcome = "failed" }
  statistic           = var.metric_catalogue.metrics["ExpansionOutcomes_count"].statistic
  period              = 300
  evaluation_periods  = 1
  threshold           = 0
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = [var.operations.notification_topic_arn]
  ok_actions          = [var.operations.notification_topic_arn]
  tags                = var.context.tags
}
