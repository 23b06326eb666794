output "alarm_names" {
  description = "Names of the alarms of utilisation, of failed growth and of the function."
  value = concat(
    values(aws_cloudwatch_metric_alarm.utilisation)[*].alarm_name,
    [aws_cloudwatch_metric_alarm.failed.alarm_name],
    values(module.function.alarm_names),
  )
}

output "approver_policy" {
  description = "JSON policy document of a person who approves, rejects and asks for growth."
  value       = data.aws_iam_policy_document.approver.json
}

output "function" {
  description = "The expand function: function name, role name, log group name, URL of the queue of its failed invocations."
  value = {
    dead_letter_queue_url = module.function.dead_letter_queue_url
    function_name         = module.function.function_name
    log_group_name        = module.function.log_group_name
    role_name             = module.function.role_name
  }
}

output "operation_table_name" {
  description = "Name of the table of proposals and growth."
  value       = aws_dynamodb_table.operation.name
}
