output "alarm_names" {
  description = "Names of the alarms of queues and router."
  value       = concat(values(aws_cloudwatch_metric_alarm.queue)[*].alarm_name, values(module.router.alarm_names))
}

output "bus_arn" {
  description = "ARN of the bus that carries the file events."
  value       = aws_cloudwatch_event_bus.this.arn
}

output "bus_name" {
  description = "Name of the bus that carries the file events."
  value       = aws_cloudwatch_event_bus.this.name
}

output "cloudevents_rule_arns" {
  description = "ARN of each CloudEvents consumer's rule, which the consumer's queue policy must admit, by name."
  value       = { for name, rule in aws_cloudwatch_event_rule.cloudevents : name => rule.arn }
}

output "dead_letter_queue_url" {
  description = "URL of the ingestion queue's dead-letter queue."
  value       = aws_sqs_queue.dead_letter.url
}

output "ingestion_queue" {
  description = "The queue that the server sends to: ARN and URL."
  value       = { arn = aws_sqs_queue.ingestion.arn, url = aws_sqs_queue.ingestion.url }
}

output "pipeline_alarms" {
  description = "Alarms that say that nothing is processed any more, for module slo."
  value       = { ingestion-age = { alarm_name = aws_cloudwatch_metric_alarm.queue["ingestion-age"].alarm_name } }
}

output "quarantine_queue" {
  description = "The queue of what can never become an event: ARN and URL."
  value       = { arn = aws_sqs_queue.quarantine.arn, url = aws_sqs_queue.quarantine.url }
}

output "queue_names" {
  description = "Names of the queues: in which events wait, and in which given-up or refused ones end."
  value = {
    dead_letter = concat([aws_sqs_queue.dead_letter.name, aws_sqs_queue.quarantine.name], aws_sqs_queue.bus_dead_letter[*].name, aws_sqs_queue.cloudevents_dead_letter[*].name)
    waiting     = [aws_sqs_queue.ingestion.name]
  }
}

output "router" {
  description = "The router function: function name, role name, log group name."
  value = {
    function_name  = module.router.function_name
    log_group_name = module.router.log_group_name
    role_name      = module.router.role_name
  }
}
