# What starts the function: alarms of this module, crossings of the forecast, and a schedule.

locals {
  _rules = {
    alarm = {
      description = "Utilisation of ${var.file_system_id} or one of its volumes is above the threshold."
      schedule    = null
      input       = null
      pattern = jsonencode({
        source      = ["aws.cloudwatch"]
        detail-type = ["CloudWatch Alarm State Change"]
        detail = {
          alarmName = sort(values(aws_cloudwatch_metric_alarm.utilisation)[*].alarm_name)
          state     = { value = ["ALARM"] }
        }
      })
    }
    # Only what takes space: more size does not add inodes by itself. Of volumes, only those that may grow.
    forecast = {
      description = "${var.file_system_id} or one of its volumes will be full soon."
      schedule    = null
      input       = null
      pattern = jsonencode({
        source      = ["fsxn.forecast"]
        detail-type = ["Capacity Forecast Crossed Threshold"]
        detail = {
          file_system_id = [var.file_system_id]
          key            = concat(["ssd"], sort(values(var.volumes)[*].id))
        }
      })
    }
    check = {
      description = "Looks at growth that is open and at what is still in alarm."
      schedule    = "rate(${var.check_interval_minutes} ${var.check_interval_minutes == 1 ? "minute" : "minutes"})"
      input       = jsonencode({ action = "check" })
      pattern     = null
    }
  }
}

resource "aws_cloudwatch_event_rule" "this" {
  for_each = local._rules

  name                = "${local._name}-${each.key}"
  description         = each.value.description
  event_pattern       = each.value.pattern
  schedule_expression = each.value.schedule
  tags                = var.context.tags
}

# No target dead-letter queue: the check asks again for whatever is still in alarm.
resource "aws_cloudwatch_event_target" "this" {
  for_each = local._rules

  rule      = aws_cloudwatch_event_rule.this[each.key].name
  target_id = "expand"
  arn       = module.function.function_arn
  input     = each.value.input
}

resource "aws_lambda_permission" "this" {
  for_each = local._rules

  statement_id   = title(each.key)
  action         = "lambda:InvokeFunction"
  function_name  = module.function.function_name
  principal      = "events.amazonaws.com"
  source_account = var.context.account_id
  source_arn     = aws_cloudwatch_event_rule.this[each.key].arn
}
