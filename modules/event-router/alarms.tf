locals {
  _queue_alarms = merge(local._ingestion_alarms, local._bus_alarms, local._cloudevents_alarms)
  _bus_alarms = {
    for queue in aws_sqs_queue.bus_dead_letter : "bus-dead-letters" => {
      queue_name  = queue.name
      metric_name = "ApproximateNumberOfMessagesVisible"
      threshold   = 0
      periods     = 1
      description = "The bus could not use its customer key and put events aside: no workload received them."
    }
  }
  _cloudevents_alarms = {
    for queue in aws_sqs_queue.cloudevents_dead_letter : "cloudevents-dead-letters" => {
      queue_name  = queue.name
      metric_name = "ApproximateNumberOfMessagesVisible"
      threshold   = 0
      periods     = 1
      description = "A consumer's queue refused file events as CloudEvents: they were put aside."
    }
  }
  _ingestion_alarms = {
    ingestion-age = {
      queue_name  = aws_sqs_queue.ingestion.name
      metric_name = "ApproximateAgeOfOldestMessage"
      threshold   = var.ingestion_age_threshold_seconds
      periods     = 3
      description = "The oldest event has waited in the ingestion queue for more than ${var.ingestion_age_threshold_seconds} s."
    }
    ingestion-dead-letters = {
      queue_name  = aws_sqs_queue.dead_letter.name
      metric_name = "ApproximateNumberOfMessagesVisible"
      threshold   = 0
      periods     = 1
      description = "The router gave up on messages: they wait in the ingestion queue's dead-letter queue."
    }
    quarantine = {
      queue_name  = aws_sqs_queue.quarantine.name
      metric_name = "ApproximateNumberOfMessagesVisible"
      threshold   = 0
      periods     = 1
      description = "Something that is no valid event was put aside with its reason."
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "queue" {
  for_each = local._queue_alarms

  alarm_name          = "${var.context.name_prefix}-${each.key}"
  alarm_description   = "${each.value.description} docs/runbooks/${each.key}.md"
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
  tags                = var.context.tags
}
