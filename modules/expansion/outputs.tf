output "alarm_names" {
  description = "Names of the alarms of utilisation, of failed growth and of the function."
  value = concat(
    values(aws_cloudwatch_metric_alarm.utilisation)[*].alarm_name,
    [aws_cloudwatch_metric_alarm.failed.alarm_name],
    aws_cloudwatch_metric_alarm.approval_failed[*].alarm_name,
    aws_cloudwatch_metric_alarm.approval_guesses[*].alarm_name,
    values(module.function.alarm_names),
    flatten([for function in module.approval : values(function.alarm_names)]),
  )
}

output "approval_link" {
  description = "The page behind approval links: its URL, the function's name, ARN of the state machine that waits, and the JSON policy document of a proxy that may call the URL; null without approval_link."
  value = var.approval_link == null ? null : {
    function_name     = module.approval[0].function_name
    invoke_policy     = data.aws_iam_policy_document.approval_url[0].json
    state_machine_arn = aws_sfn_state_machine.approval[0].arn
    url               = aws_lambda_function_url.approval[0].function_url
  }
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
  value       = module.table.table_name
}

output "vpc_services" {
  description = "AWS services that are called from inside the VPC, by function, for module vpc-endpoints."
  value       = { expand = module.function.vpc_services }
}
