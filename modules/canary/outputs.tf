output "alarm_names" {
  description = "Names of the alarms of canary, monitor and the monitor's function."
  value = concat(
    [aws_cloudwatch_metric_alarm.access_point_silent.alarm_name, aws_cloudwatch_metric_alarm.disrupted.alarm_name],
    [for alarm in aws_cloudwatch_metric_alarm.access_point : alarm.alarm_name],
    [for alarm in aws_cloudwatch_metric_alarm.ontap : alarm.alarm_name],
    [for alarm in aws_cloudwatch_metric_alarm.ontap_health : alarm.alarm_name],
    [for alarm in aws_cloudwatch_metric_alarm.ontap_silent : alarm.alarm_name],
    values(module.monitor.alarm_names),
  )
}

output "canary" {
  description = "The canary in the VPC: its name and its role's name; null when ONTAP is not watched."
  value       = one([for each in aws_synthetics_canary.ontap : { name = each.name, role_name = aws_iam_role.canary["this"].name }])
}

output "monitor" {
  description = "The access point monitor: dead-letter queue URL, function name, log group name, role name."
  value = {
    dead_letter_queue_url = module.monitor.dead_letter_queue_url
    function_name         = module.monitor.function_name
    log_group_name        = module.monitor.log_group_name
    role_name             = module.monitor.role_name
  }
}

output "state_parameter" {
  description = "Name and ARN of the parameter with the access point's state, for workloads that poll: {\"state\": \"available\", \"disrupted\" or \"failing\", \"since\": time}."
  value       = { arn = aws_ssm_parameter.state.arn, name = aws_ssm_parameter.state.name }
}

output "targets" {
  description = "What is watched, by the value of the dimension Target: access points, and file systems whose ONTAP a canary asks."
  value = {
    access_points = [local._access_point_name]
    file_systems  = [for each in aws_synthetics_canary.ontap : var.file_system_id]
  }
}

output "vpc_services" {
  description = "AWS services that are called from inside the VPC, by function, for module vpc-endpoints."
  value = merge(
    { access-point-monitor = module.monitor.vpc_services },
    { for _ in local._ontap : "canary" => local._canary_services },
  )
}
