output "alarm_names" {
  description = "Names of the alarms of the forecast and its function."
  value = concat(
    [aws_cloudwatch_metric_alarm.days_until_full.alarm_name, aws_cloudwatch_metric_alarm.missing.alarm_name],
    values(module.function.alarm_names),
  )
}

output "crossing_event" {
  description = "What a rule on the default bus must match to act on a crossing: source and detail-type."
  value       = { detail_type = "Capacity Forecast Crossed Threshold", source = "fsxn.forecast" }
}

output "function" {
  description = "The forecast function: dead-letter queue URL, function name, log group name, role name."
  value = {
    dead_letter_queue_url = module.function.dead_letter_queue_url
    function_name         = module.function.function_name
    log_group_name        = module.function.log_group_name
    role_name             = module.function.role_name
  }
}

output "table_name" {
  description = "Name of the table that keeps what has been told, with the last forecasts."
  value       = module.table.table_name
}
