output "alarm_names" {
  description = "Names of the alarms of server and service."
  value       = concat(values(aws_cloudwatch_metric_alarm.server)[*].alarm_name, values(aws_cloudwatch_metric_alarm.load)[*].alarm_name)
}

output "cluster_name" {
  description = "Name of the cluster."
  value       = aws_ecs_cluster.this.name
}

output "log_group_name" {
  description = "Name of the server's log group."
  value       = aws_cloudwatch_log_group.server.name
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

output "volume_map" {
  description = "Where the server looks for the volume map: bucket and key."
  value       = { bucket = aws_s3_bucket.config.bucket, key = local._volume_map_key }
}
