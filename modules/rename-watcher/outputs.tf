output "alarm_names" {
  description = "Names of the alarms of watcher and process function."
  value       = concat([aws_cloudwatch_metric_alarm.suspicious.alarm_name], values(module.process.alarm_names))
}

output "process" {
  description = "The process function: ARN, function name, role name, log group name."
  value = {
    function_arn   = module.process.function_arn
    function_name  = module.process.function_name
    log_group_name = module.process.log_group_name
    role_name      = module.process.role_name
  }
}

output "suffixes" {
  description = "What the workload's scope must ask for: each extension in small letters and in capitals, because rules compare letter by letter."
  value       = sort(flatten([for extension in var.extensions : [".${lower(extension)}", ".${upper(extension)}"]]))
}

output "window_table_name" {
  description = "Name of the table that says until when people are not told again."
  value       = module.table.table_name
}
