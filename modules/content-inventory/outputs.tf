output "alarm_names" {
  description = "Names of the process function's alarms."
  value       = values(module.process.alarm_names)
}

output "output" {
  description = "Where the reports are: bucket and key prefix with the workload's identifier."
  value = {
    bucket = module.bucket.bucket_name
    prefix = "${var.output.prefix}/${var.uc_id}"
  }
}

output "process" {
  description = "The process function: ARN, function name, role name, log group name, reserved concurrency."
  value = {
    reserved_concurrency = var.process.reserved_concurrency
    function_arn         = module.process.function_arn
    function_name        = module.process.function_name
    log_group_name       = module.process.log_group_name
    role_name            = module.process.role_name
  }
}

output "vpc_services" {
  description = "AWS services that are called from inside the VPC, by function, for module vpc-endpoints."
  value       = { "${var.uc_id}-process" = module.process.vpc_services }
}
