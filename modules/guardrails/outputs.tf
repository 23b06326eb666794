output "alarm_names" {
  description = "Names of the alarms."
  value       = values(aws_cloudwatch_metric_alarm.this)[*].alarm_name
}

output "break_glass_policy_arn" {
  description = "ARN of the managed policy whose principals may give and end grants."
  value       = aws_iam_policy.break_glass.arn
}

output "operator_policy" {
  description = "JSON policy document of an operator: status, history, reset, reconcile."
  value       = data.aws_iam_policy_document.operator.json
}

output "settings" {
  description = "What a function that asks the guardrail needs in its environment."
  value = {
    cooldown_seconds = var.limits.cooldown_seconds
    daily_cap_gb     = var.limits.daily_cap_gb
    daily_caps_gb    = jsonencode(var.limits.daily_caps_gb)
    dry_run_executes = var.dry_run_executes
    environment      = local._environment
    max_failures     = var.limits.max_failures
    mode             = var.mode
    rate_limit       = var.limits.rate_limit
    table_name       = module.table.table_name
  }
}

output "user_policy" {
  description = "JSON policy document of a function that asks the guardrail."
  value       = data.aws_iam_policy_document.user.json
}
