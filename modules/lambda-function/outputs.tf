output "alarm_names" {
  description = "Names of the alarms, by kind."
  value = merge(
    {
      errors    = aws_cloudwatch_metric_alarm.errors.alarm_name
      throttles = aws_cloudwatch_metric_alarm.throttles.alarm_name
    },
    { for alarm in aws_cloudwatch_metric_alarm.dead_letters : "dead_letters" => alarm.alarm_name },
  )
}

output "dead_letter_queue_url" {
  description = "URL of the queue of failed asynchronous invocations; null when there is none."
  value       = one(aws_sqs_queue.dead_letter[*].url)
}

output "function_arn" {
  description = "ARN of the function, usable once its permissions are attached."
  value       = aws_lambda_function.this.arn
  depends_on  = [aws_iam_role_policy.base, aws_iam_role_policy.this]
}

output "function_name" {
  description = "Name of the function, usable once its permissions are attached."
  value       = aws_lambda_function.this.function_name
  depends_on  = [aws_iam_role_policy.base, aws_iam_role_policy.this]
}

output "log_group_name" {
  description = "Name of the log group."
  value       = aws_cloudwatch_log_group.this.name
}

output "role_name" {
  description = "Name of the function's role."
  value       = aws_iam_role.this.name
}

output "vpc_services" {
  description = "AWS services that the function calls from a VPC, by the names of their endpoints; none outside of one."
  value       = local._vpc_services
}
