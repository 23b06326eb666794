locals {
  _queue_alarms = {
    dead-letters = {
      queue_name  = aws_sqs_queue.dead_letter.name
      metric_name = "ApproximateNumberOfMessagesVisible"
      threshold   = 0
      periods     = 1
      description = "Work of ${var.uc_id} was given up and waits in its dead-letter queue."
      runbook     = "workload-dead-letters"
    }
    work-age = {
      queue_name  = aws_sqs_queue.work.name
      metric_name = "ApproximateAgeOfOldestMessage"
      threshold   = var.work_age_threshold_seconds
      periods     = 3
      description = "The oldest event of ${var.uc_id} has waited for more than ${var.work_age_threshold_seconds} s."
      runbook     = "workload-age"
    }
    # Ten of fourteen days: four are left to resume, or to keep the archive for longer.
    work-expiring = {
      queue_name  = aws_sqs_queue.work.name
      metric_name = "ApproximateAgeOfOldestMessage"
      threshold   = 864000
      periods     = 1
      description = "Events of ${var.uc_id} have waited for ten days; after fourteen SQS drops them."
      runbook     = "workload-paused"
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "queue" {
  for_each = local._queue_alarms

  alarm_name          = "${local._full_name}-${each.key}"
  alarm_description   = "${each.value.description} docs/runbooks/${each.value.runbook}.md"
  namespace           = "AWS/SQS"
  metric_name         = each.value.metric_name
  dimensions          = { QueueName = each.value.queue_name }
  statistic           = "Maximum"
  period              = 60
  evaluation_periods  = each.value.periods
  threshold           = each.value.threshold
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching" # an idle queue stops its metrics: nothing waits there
  alarm_actions       = [var.operations.notification_topic_arn]
  ok_actions          = [var.operations.notification_topic_arn] # the queue is empty or young again
  tags                = local._context.tags
}

# What the sweep sees of the switch itself, so it does not matter who paused the workload, or how.
resource "aws_cloudwatch_metric_alarm" "paused" {
  alarm_name          = "${local._full_name}-paused"
  alarm_description   = "${var.uc_id} is paused: its events wait in its queue. docs/runbooks/workload-paused.md"
  namespace           = var.operations.metric_namespace
  metric_name         = "WorkloadPaused_count"
  dimensions          = { UcId = var.uc_id }
  statistic           = "Maximum"
  period              = 60
  evaluation_periods  = 1
  threshold           = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data  = "ignore" # between two sweeps it remembers what the last one saw
  alarm_actions       = [var.operations.notification_topic_arn]
  ok_actions          = [var.operations.notification_topic_arn] # a sweep has seen it running: silence is no OK
  tags                = local._context.tags
}

# One file's error of this branch is every file's: a permission, a setting, a function that is not there.
resource "aws_cloudwatch_metric_alarm" "misconfigured" {
  alarm_name          = "${local._full_name}-misconfigured"
  alarm_description   = "${var.uc_id} gave work up because something is not set up as it must be. docs/runbooks/workload-misconfigured.md"
  namespace           = var.operations.metric_namespace
  metric_name         = "WorkloadFailed_count"
  dimensions          = { UcId = var.uc_id, Reason = "misconfigured" }
  statistic           = "Sum"
  period              = 60
  evaluation_periods  = 1
  threshold           = 0
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching" # no failed work, nothing misconfigured
  alarm_actions       = [var.operations.notification_topic_arn]
  ok_actions          = [var.operations.notification_topic_arn] # no more is given up; what was waits in the dead-letter queue, which has its own alarm
  tags                = local._context.tags
}
