locals {
  _period_seconds = 300 # capacity metrics come every five minutes

  # All three dimensions, or there is no data; Maximum, because an average hides a full aggregate (FSx user guide).
  _ssd = {
    ssd = {
      metric_name = "StorageCapacityUtilization"
      queries     = {}
      dimensions  = { DataType = "All", FileSystemId = var.file_system_id, StorageTier = "SSD" }
      description = "The SSD tier of ${var.file_system_id} is more than ${var.policy.threshold_pct} % full."
    }
  }
  # Computed of used and size, as published samples do: AWS does not say that volumes of every generation have
  # StorageCapacityUtilization, and an alarm on a metric that never comes is silent.
  _volumes = {
    for name, volume in var.volumes : "volume-${name}" => {
      metric_name = null
      queries     = { capacity = "StorageCapacity", used = "StorageUsed" }
      dimensions  = { FileSystemId = var.file_system_id, VolumeId = volume.id }
      description = "Volume ${name} (${volume.id}) is more than ${var.policy.threshold_pct} % full."
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "utilisation" {
  for_each = merge(local._ssd, local._volumes)

  alarm_name          = "${local._name}-${each.key}"
  alarm_description   = "${each.value.description} docs/runbooks/capacity-utilisation.md"
  namespace           = each.value.metric_name == null ? null : "AWS/FSx"
  metric_name         = each.value.metric_name
  dimensions          = each.value.metric_name == null ? null : each.value.dimensions
  statistic           = each.value.metric_name == null ? null : "Maximum"
  period              = each.value.metric_name == null ? null : local._period_seconds
  evaluation_periods  = 3
  threshold           = var.policy.threshold_pct
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data  = "missing" # FSx publishes all the time: without it nothing is known, and no state is claimed
  alarm_actions       = [var.operations.notification_topic_arn]
  ok_actions          = [var.operations.notification_topic_arn] # a measured value is below the threshold: silence is no OK
  tags                = var.context.tags

  dynamic "metric_query" {
    for_each = each.value.metric_name == null ? { this = true } : {}

    content {
      id          = "utilisation"
      expression  = "100 * used / capacity"
      label       = "Used part of the size in percent"
      return_data = true
    }
  }

  dynamic "metric_query" {
    for_each = each.value.queries

    content {
      id          = metric_query.key
      return_data = false

      metric {
        namespace   = "AWS/FSx"
        metric_name = metric_query.value
        dimensions  = each.value.dimensions
        stat        = "Maximum"
        period      = local._period_seconds
      }
    }
  }
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
  treat_missing_data  = "notBreaching" # no growth, none failed
  alarm_actions       = [var.operations.notification_topic_arn]
  ok_actions          = [var.operations.notification_topic_arn] # no more have failed; the guardrail counts the one of before until it is reset
  tags                = var.context.tags
}
