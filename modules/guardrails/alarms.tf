locals {
  _alarms = {
    blocked = {
      metric_name = "GuardrailBlocked"
      description = "A growth was denied: capacity is wanted that the limits do not allow."
    }
    bypassed = {
      metric_name = "GuardrailBypass"
      description = "A growth passed the limits by a break-glass grant, or without the table."
    }
    grant-missing = {
      metric_name = "GuardrailGrantMissing"
      description = "The mode is BREAK_GLASS and nobody gave a grant: it decides as ENFORCE."
    }
    store-errors = {
      metric_name = "GuardrailDynamoDBError"
      description = "The guardrail could not reach its table: in ENFORCE every growth is denied."
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = local._alarms

  alarm_name          = "${var.context.name_prefix}-guardrail-${each.key}"
  alarm_description   = "${each.value.description} docs/runbooks/guardrail-${each.key}.md"
  namespace           = var.operations.metric_namespace
  metric_name         = each.value.metric_name
  dimensions          = { Environment = local._environment }
  statistic           = var.metric_catalogue.metrics[each.value.metric_name].statistic
  period              = 300
  evaluation_periods  = 1
  threshold           = 0
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching" # nobody asked to grow: nothing was decided
  alarm_actions       = [var.operations.notification_topic_arn]
  ok_actions          = [var.operations.notification_topic_arn] # nothing of it for five minutes: it has stopped, or nobody asks; the audit says which
  tags                = var.context.tags
}
