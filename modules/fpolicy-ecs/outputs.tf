output "alarm_names" {
  description = "Names of the alarms of server, service and reconciler."
  value = concat(
    values(aws_cloudwatch_metric_alarm.server)[*].alarm_name,
    values(aws_cloudwatch_metric_alarm.load)[*].alarm_name,
    values(aws_cloudwatch_metric_alarm.reconcile)[*].alarm_name,
    values(module.diagnose.alarm_names),
    values(module.reconcile.alarm_names),
  )
}

output "cluster_name" {
  description = "Name of the cluster."
  value       = aws_ecs_cluster.this.name
}

output "diagnose" {
  description = "The diagnose function: function name, log group, role."
  value = {
    function_name  = module.diagnose.function_name
    log_group_name = module.diagnose.log_group_name
    role_name      = module.diagnose.role_name
  }
}

output "log_group_name" {
  description = "Name of the server's log group."
  value       = aws_cloudwatch_log_group.server.name
}

output "pipeline_alarms" {
  description = "Alarms that say that nothing is captured any more, or soon, for module slo."
  value = {
    connections       = { alarm_name = aws_cloudwatch_metric_alarm.server["connections"].alarm_name }
    reconcile-missing = { alarm_name = aws_cloudwatch_metric_alarm.reconcile["reconcile-missing"].alarm_name }
  }
}

output "reconciler" {
  description = "The reconcile function: function name, log group, role, dead-letter queue, table."
  value = {
    dead_letter_queue_url = module.reconcile.dead_letter_queue_url
    function_name         = module.reconcile.function_name
    log_group_name        = module.reconcile.log_group_name
    role_name             = module.reconcile.role_name
    table_name            = module.table.table_name
  }
}

output "role_names" {
  description = "Names of the task role and of the execution role."
  value       = { execution = aws_iam_role.execution.name, task = aws_iam_role.task.name }
}

output "security_group_id" {
  description = "Id of the server's security group."
  value       = aws_security_group.server.id
}

output "service_name" {
  description = "Name of the service."
  value       = aws_ecs_service.server.name
}

output "store_outage_hours" {
  description = "Hours without a server that each SVM's Persistent Store holds at the rate it was sized for, safety factor used up; by SVM. An SVM without a store is not here: it loses what happens meanwhile."
  value = {
    for key, bytes in local._store_bytes : key =>
    floor(10 * bytes / (var.svms[key].store.events_per_second * var.svms[key].store.bytes_per_event * 3600)) / 10
  }
}

output "volume_map" {
  description = "Where the server looks for the volume map: bucket and key."
  value       = { bucket = module.bucket.bucket_name, key = local._volume_map_key }
}

output "vpc_services" {
  description = "AWS services that are called from inside the VPC, by function, for module vpc-endpoints."
  value = {
    diagnose  = module.diagnose.vpc_services
    reconcile = module.reconcile.vpc_services
    server    = local._vpc_services
  }
}
