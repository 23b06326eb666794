output "alarm_names" {
  description = "Names of every alarm: of the objectives, of their error budgets' windows, and the composite ones."
  value = concat(
    values(aws_cloudwatch_metric_alarm.slo)[*].alarm_name,
    values(aws_cloudwatch_metric_alarm.window)[*].alarm_name,
    values(aws_cloudwatch_composite_alarm.burn)[*].alarm_name,
    [aws_cloudwatch_composite_alarm.pipeline_down.alarm_name],
  )
}

output "catalogue_parameter" {
  description = "The parameter with the objectives in force: ARN and name. The name is the value of SLO_PARAMETER."
  value       = { arn = aws_ssm_parameter.catalogue.arn, name = aws_ssm_parameter.catalogue.name }
}

output "dashboard_names" {
  description = "Names of the dashboards, by what they show."
  value       = { for key, dashboard in aws_cloudwatch_dashboard.this : key => dashboard.dashboard_name }
}
