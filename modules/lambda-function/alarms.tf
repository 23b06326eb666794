resource "aws_cloudwatch_metric_alarm" "errors" {
  alarm_name          = "${local._full_name}-errors"
  alarm_description   = "The function ${local._full_name} raised an error. docs/runbooks/lambda-errors.md"
  namespace           = "AWS/Lambda"
  metric_name         = "Errors"
  dimensions          = { FunctionName = aws_lambda_function.this.function_name }
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 1
  threshold           = var.error_threshold
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data  = "notBreaching" # a function that is not called has no errors
  alarm_actions       = [var.operations.notification_topic_arn]
  ok_actions          = [var.operations.notification_topic_arn] # it has run well, or not at all: either way no error is new
  tags                = var.context.tags
}

resource "aws_cloudwatch_metric_alarm" "throttles" {
  alarm_name          = "${local._full_name}-throttles"
  alarm_description   = "Lambda refused invocations of ${local._full_name} for 15 minutes. docs/runbooks/lambda-throttles.md"
  namespace           = "AWS/Lambda"
  metric_name         = "Throttles"
  dimensions          = { FunctionName = aws_lambda_function.this.function_name }
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 3
  threshold           = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data  = "notBreaching" # a function that is not called is not refused
  alarm_actions       = [var.operations.notification_topic_arn]
  ok_actions          = [var.operations.notification_topic_arn] # calls get through again, or none came
  tags                = var.context.tags
}

resource "aws_cloudwatch_metric_alarm" "dead_letters" {
  count = var.async == null ? 0 : 1

  alarm_name          = "${local._full_name}-dead-letters"
  alarm_description   = "An invocation of ${local._full_name} failed for good and waits in its dead-letter queue. docs/runbooks/lambda-dead-letters.md"
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateNumberOfMessagesVisible"
  dimensions          = { QueueName = aws_sqs_queue.dead_letter[0].name }
  statistic           = "Maximum"
  period              = 60
  evaluation_periods  = 1
  threshold           = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data  = "notBreaching" # an idle queue stops its metrics: nothing lies there
  alarm_actions       = [var.operations.notification_topic_arn]
  ok_actions          = [var.operations.notification_topic_arn] # the letters were taken: somebody has looked
  tags                = var.context.tags
}
