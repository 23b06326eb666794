locals {
  _high_water_events = floor(var.server_settings.max_unacked_events * var.server_settings.high_water_percent / 100)

  # By name of the alarm, which is also the name of its runbook. Statistic and namespace come from the catalogue.
  _server_alarms = {
    connections = {
      metric      = "FPolicyConnectionsOpen_count"
      comparison  = "LessThanThreshold"
      threshold   = 1
      periods     = 3
      missing     = "breaching" # silence means that no server runs
      description = "A server has had no session with an ONTAP node for three minutes, or no server reports."
    }
    backlog = {
      metric      = "FPolicyEventsUnacked_count"
      comparison  = "GreaterThanThreshold"
      threshold   = local._high_water_events
      periods     = 3
      missing     = "notBreaching" # connections tells of silence
      description = "More than ${local._high_water_events} events wait in the server's memory for the queue."
    }
    reads-paused = {
      metric      = "FPolicyReadsPaused_count"
      comparison  = "GreaterThanThreshold"
      threshold   = 0
      periods     = 1
      missing     = "notBreaching" # connections tells of silence
      description = "The server reached its bound of ${var.server_settings.max_unacked_events} events and stopped reading."
    }
    undelivered = {
      metric      = "FPolicyEventsUndelivered_count"
      comparison  = "GreaterThanThreshold"
      threshold   = 0
      periods     = 1
      missing     = "notBreaching" # a server that runs on has given nothing up
      description = "A server stopped with events that the queue had not accepted: they are lost here, by id in its log."
    }
    malformed-frames = {
      metric      = "FPolicyFramesMalformed_count"
      comparison  = "GreaterThanThreshold"
      threshold   = 0
      periods     = 1
      missing     = "notBreaching" # no frame is no malformed frame
      description = "A peer sent what is no FPolicy frame; its connection was closed."
    }
    spooling = {
      metric      = "FPolicyEventsSpooled_count"
      comparison  = "GreaterThanThreshold"
      threshold   = 0
      periods     = 1
      missing     = "notBreaching" # connections tells of silence
      description = "Memory passed its high-water mark: the queue takes less than ONTAP sends, and events go to disk."
      needs_spool = true
    }
    spool-failures = {
      metric      = "FPolicySpoolFailures_count"
      comparison  = "GreaterThanThreshold"
      threshold   = 0
      periods     = 1
      missing     = "notBreaching" # connections tells of silence
      description = "The overflow spool could not be used, or a damaged file of it was set aside."
      needs_spool = true
    }
    unresolved-names = {
      metric      = "FPolicyNamesUnresolved_count"
      comparison  = "GreaterThanThreshold"
      threshold   = 0
      periods     = 5
      missing     = "notBreaching" # no event is no unresolved one
      description = "Events carry no SVM and volume names because the volume map lacks them, so no workload receives them."
    }
    certificate = {
      metric      = "FPolicyCertificateFailures_count"
      comparison  = "GreaterThanThreshold"
      threshold   = 0
      periods     = 1
      missing     = "notBreaching" # the file has not changed
      description = "A changed certificate or key of the server cannot be used; the former one stays in use until it expires."
    }
    volume-map = {
      metric      = "FPolicyVolumeMapFailures_count"
      comparison  = "GreaterThanThreshold"
      threshold   = 0
      periods     = 5
      missing     = "notBreaching" # connections tells of silence
      description = "The server has not been able to read the volume map for five minutes."
    }
  }

  # Load of the service itself, percent of what the task definition reserves.
  _load_alarms = { cpu = "CPUUtilization", memory = "MemoryUtilization" }
}

resource "aws_cloudwatch_metric_alarm" "server" {
  for_each = { for name, alarm in local._server_alarms : name => alarm if var.spool != null || !try(alarm.needs_spool, false) }

  alarm_name          = "${local._full_name}-${each.key}"
  alarm_description   = "${each.value.description} docs/runbooks/fpolicy-${each.key}.md"
  namespace           = var.operations.metric_namespace
  metric_name         = each.value.metric
  statistic           = var.metric_catalogue.metrics[each.value.metric].statistic
  period              = 60
  evaluation_periods  = each.value.periods
  threshold           = each.value.threshold
  comparison_operator = each.value.comparison
  treat_missing_data  = each.value.missing # chosen alarm by alarm, above
  alarm_actions       = [var.operations.notification_topic_arn]
  ok_actions          = [var.operations.notification_topic_arn] # measured by the server while it runs; that none runs has an alarm of its own
  tags                = var.context.tags
}

resource "aws_cloudwatch_metric_alarm" "load" {
  for_each = local._load_alarms

  alarm_name          = "${local._full_name}-${each.key}"
  alarm_description   = "The server has used more than 80 % of its ${each.key} for ten minutes. docs/runbooks/fpolicy-load.md"
  namespace           = "AWS/ECS"
  metric_name         = each.value
  dimensions          = { ClusterName = aws_ecs_cluster.this.name, ServiceName = aws_ecs_service.server.name }
  statistic           = "Average"
  period              = 60
  evaluation_periods  = 10
  threshold           = 80 # leaves one storm's worth of head room before throttling or a kill
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching" # no task has no load; connections tells of it
  alarm_actions       = [var.operations.notification_topic_arn]
  ok_actions          = [var.operations.notification_topic_arn] # the load is measured again, or no task is left, which connections tells
  tags                = var.context.tags
}
