locals {
  # A week: a window that opened late, and some tries.
  _overdue_days = coalesce(var.schedule.overdue_days, var.schedule.days + 7)

  _alarms = {
    failed = {
      metric_name = "RotationFailures_count"
      description = "A step of the rotation failed; Secrets Manager tries again, a while."
      threshold   = 0
      period      = 300
      periods     = 1
      missing     = "notBreaching" # no step, no failure; overdue tells when none comes at all
    }
    overdue = {
      metric_name = "RotationAge_days"
      description = "The password is older than ${local._overdue_days} days, or nobody looks at its age."
      threshold   = local._overdue_days
      period      = 3600
      periods     = 3           # the watch runs every hour; two may be missing
      missing     = "breaching" # the watch runs every hour: silence means that nobody looks
    }
    unfinished = {
      metric_name = "RotationUnfinished_hours"
      description = "A rotation began and has not ended for ${var.unfinished_hours} hours."
      threshold   = var.unfinished_hours
      period      = 3600
      periods     = 1
      missing     = "notBreaching" # overdue tells of it
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = local._alarms

  alarm_name          = "${local._name}-${each.key}"
  alarm_description   = "${each.value.description} docs/runbooks/rotation-${each.key}.md"
  namespace           = var.operations.metric_namespace
  metric_name         = each.value.metric_name
  statistic           = var.metric_catalogue.metrics[each.value.metric_name].statistic
  period              = each.value.period
  evaluation_periods  = each.value.periods
  threshold           = each.value.threshold
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = each.value.missing # chosen alarm by alarm, above
  alarm_actions       = [var.operations.notification_topic_arn]
  ok_actions          = [var.operations.notification_topic_arn] # a step or the watch has said so; overdue takes silence for the worst
  tags                = var.context.tags
}
