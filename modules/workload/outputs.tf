output "alarm_names" {
  description = "Names of the alarms of queues, starter, finisher and poller."
  value = concat(
    values(aws_cloudwatch_metric_alarm.poll_behind)[*].alarm_name,
    values(aws_cloudwatch_metric_alarm.queue)[*].alarm_name,
    [aws_cloudwatch_metric_alarm.misconfigured.alarm_name, aws_cloudwatch_metric_alarm.paused.alarm_name],
    values(module.starter.alarm_names),
    values(module.finisher.alarm_names),
    flatten([for poller in module.poller : values(poller.alarm_names)]),
  )
}

output "dead_letter_queue_url" {
  description = "URL of the queue of work that was given up."
  value       = aws_sqs_queue.dead_letter.url
}

output "finisher" {
  description = "The finisher function: function name, role name, log group name, URL of the queue of its failed invocations."
  value = {
    dead_letter_queue_url = module.finisher.dead_letter_queue_url
    function_name         = module.finisher.function_name
    log_group_name        = module.finisher.log_group_name
    role_name             = module.finisher.role_name
  }
}

output "pipeline_alarms" {
  description = "Alarms that say that this workload processes nothing any more, unless it is paused, for module slo."
  value = {
    "${var.uc_id}-work-age" = {
      alarm_name = aws_cloudwatch_metric_alarm.queue["work-age"].alarm_name
      unless     = aws_cloudwatch_metric_alarm.paused.alarm_name
    }
  }
}

output "poller" {
  description = "The poller function: function name, role name, log group name, URL of the queue of its failed invocations; null for EVENT_DRIVEN."
  value = one([for poller in module.poller : {
    dead_letter_queue_url = poller.dead_letter_queue_url
    function_name         = poller.function_name
    log_group_name        = poller.log_group_name
    role_name             = poller.role_name
  }])
}

output "queue_names" {
  description = "Names of the queues: in which events wait, and in which given-up work ends."
  value       = { dead_letter = [aws_sqs_queue.dead_letter.name], waiting = [aws_sqs_queue.work.name] }
}

output "rule" {
  description = "The rule that chooses this workload's events: name and event pattern, as `fsxn events rules` reads them."
  value       = { name = local._full_name, pattern = jsondecode(local._work_pattern) }
}

output "starter" {
  description = "The starter function: function name, role name, log group name."
  value = {
    function_name  = module.starter.function_name
    log_group_name = module.starter.log_group_name
    role_name      = module.starter.role_name
  }
}

output "state_machine" {
  description = "The state machine: ARN and role name."
  value = {
    arn       = aws_sfn_state_machine.this.arn
    role_name = aws_iam_role.state_machine.name
  }
}

output "state_table_name" {
  description = "Name of the table with one item per work key."
  value       = module.table.table_name
}

output "vpc_services" {
  description = "AWS services that are called from inside the VPC, by function, for module vpc-endpoints."
  value = merge(
    { "${var.uc_id}-start" = module.starter.vpc_services },
    { for _ in local._pollers : "${var.uc_id}-poll" => var.vpc == null ? toset([]) : local._poller_services },
  )
}

output "work_queue_url" {
  description = "URL of the workload's queue, which receives events once the rule's target is in place."
  value       = aws_sqs_queue.work.url
  depends_on  = [aws_cloudwatch_event_target.work, aws_sqs_queue_policy.this]
}
