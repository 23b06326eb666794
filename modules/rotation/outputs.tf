output "alarm_names" {
  description = "Names of the alarms of rotation and of its function."
  value       = concat(values(aws_cloudwatch_metric_alarm.this)[*].alarm_name, values(module.function.alarm_names))
}

output "function" {
  description = "The rotate function: function name, role name, log group name, URL of the queue of its failed invocations."
  value = {
    dead_letter_queue_url = module.function.dead_letter_queue_url
    function_name         = module.function.function_name
    log_group_name        = module.function.log_group_name
    role_name             = module.function.role_name
  }
}

output "operator_policy" {
  description = "JSON policy document of a person who runs fsxn rotation status, rehearse and recover. It cannot read the password."
  value       = data.aws_iam_policy_document.operator.json
}

output "vpc_services" {
  description = "AWS services that are called from inside the VPC, by function, for module vpc-endpoints."
  value       = { rotate = module.function.vpc_services }
}
