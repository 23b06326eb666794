output "access_point_state" {
  description = "The parameter with the access point's state: ARN and name."
  value       = module.canary.state_parameter
}

output "alarm_names" {
  description = "Names of all alarms."
  value = sort(concat(
    module.canary.alarm_names,
    module.content_inventory.alarm_names,
    module.event_router.alarm_names,
    module.expansion.alarm_names,
    module.forecast.alarm_names,
    module.fpolicy_ecs.alarm_names,
    module.guardrails.alarm_names,
    module.inbox.alarm_names,
    module.inbox_inventory.alarm_names,
    module.lineage.alarm_names,
    module.rename_watcher.alarm_names,
    module.rotation.alarm_names,
    module.slo.alarm_names,
    module.watched_renames.alarm_names,
    module.workload.alarm_names,
  ))
}

output "bus_name" {
  description = "Name of the bus that carries the file events."
  value       = module.event_router.bus_name
}

output "capacity" {
  description = "Tables of forecast, guardrail and expansion, by what keeps them; name of the guardrail's environment in metrics."
  value = {
    environment     = module.guardrails.settings.environment
    expansion_table = module.expansion.operation_table_name
    forecast_table  = module.forecast.table_name
    guardrail_table = module.guardrails.settings.table_name
  }
}

output "cost_dashboard_name" {
  description = "Name of the dashboard of costs; null where there are no prices of the Region."
  value       = module.cost_dashboard.dashboard_name
}

output "dead_letter_queue_urls" {
  description = "URLs of every queue in which given-up work ends, by what gave up."
  value = {
    expand    = module.expansion.function.dead_letter_queue_url
    monitor   = module.canary.monitor.dead_letter_queue_url
    finish    = module.workload.finisher.dead_letter_queue_url
    forecast  = module.forecast.function.dead_letter_queue_url
    inbox     = module.inbox.dead_letter_queue_url
    ingestion = module.event_router.dead_letter_queue_url
    reconcile = module.fpolicy_ecs.reconciler.dead_letter_queue_url
    rotate    = module.rotation.function.dead_letter_queue_url
    watcher   = module.watched_renames.dead_letter_queue_url
    workload  = module.workload.dead_letter_queue_url
  }
}

output "functions" {
  description = "The functions by short name: function name, role name, log group name."
  value = {
    diagnose  = module.fpolicy_ecs.diagnose
    expand    = { for key in ["function_name", "log_group_name", "role_name"] : key => module.expansion.function[key] }
    export    = { for key in ["function_name", "log_group_name", "role_name"] : key => module.lineage.export[key] }
    forecast  = { for key in ["function_name", "log_group_name", "role_name"] : key => module.forecast.function[key] }
    finish    = { for key in ["function_name", "log_group_name", "role_name"] : key => module.workload.finisher[key] }
    monitor   = { for key in ["function_name", "log_group_name", "role_name"] : key => module.canary.monitor[key] }
    poll      = { for key in ["function_name", "log_group_name", "role_name"] : key => module.inbox.poller[key] }
    process   = { for key in ["function_name", "log_group_name", "role_name"] : key => module.content_inventory.process[key] }
    reconcile = { for key in ["function_name", "log_group_name", "role_name"] : key => module.fpolicy_ecs.reconciler[key] }
    rotate    = { for key in ["function_name", "log_group_name", "role_name"] : key => module.rotation.function[key] }
    route     = module.event_router.router
    start     = module.workload.starter
    watcher   = { for key in ["function_name", "log_group_name", "role_name"] : key => module.rename_watcher.process[key] }
  }
}

output "inbox" {
  description = "The workload that also polls: where its reports are, URL of its queue, name of its state table, its rule."
  value = {
    output           = module.inbox_inventory.output
    rule             = module.inbox.rule
    state_table_name = module.inbox.state_table_name
    work_queue_url   = module.inbox.work_queue_url
  }
}

output "ingestion_queue_url" {
  description = "URL of the queue that the server sends to."
  value       = module.event_router.ingestion_queue.url
}

output "lineage_export" {
  description = "The lineage export, for `fsxn lineage export` and `verify`: bucket, function, signing key, state table; and who may do what."
  value = merge(module.lineage.export, {
    athena_table_sql = module.lineage.athena_table_sql
    operator_policy  = module.lineage.export_operator_policy
    reader_policy    = module.lineage.reader_policy
    verifier_policy  = module.lineage.verifier_policy
  })
}

output "lineage_table_name" {
  description = "Name of the lineage table."
  value       = module.lineage.table_name
}

output "output" {
  description = "Where the inventory reports are: bucket and key prefix."
  value       = module.content_inventory.output
}

output "quarantine_queue_url" {
  description = "URL of the quarantine queue."
  value       = module.event_router.quarantine_queue.url
}

output "rename_watcher" {
  description = "The rename watcher: the topic that it tells, name of its window's table."
  value = {
    topic_arn         = module.notifications.topic_arn
    window_table_name = module.rename_watcher.window_table_name
  }
}

output "routing_rules" {
  description = "Event pattern of each workload's rule by the rule's name, as `fsxn events rules` reads them."
  value       = { for rule in [module.inbox.rule, module.watched_renames.rule, module.workload.rule] : rule.name => rule.pattern }
}

output "server" {
  description = "The server: cluster, service, log group, security group, roles, place of the volume map."
  value = {
    cluster_name      = module.fpolicy_ecs.cluster_name
    log_group_name    = module.fpolicy_ecs.log_group_name
    role_names        = module.fpolicy_ecs.role_names
    security_group_id = module.fpolicy_ecs.security_group_id
    service_name      = module.fpolicy_ecs.service_name
    volume_map        = module.fpolicy_ecs.volume_map
  }
}

output "slo" {
  description = "Names of the dashboards, and the parameter with the objectives in force (SLO_PARAMETER)."
  value       = { dashboard_names = module.slo.dashboard_names, parameter = module.slo.catalogue_parameter.name }
}

output "state_machine" {
  description = "The workload's state machine: ARN and role name."
  value       = module.workload.state_machine
}

output "state_table_name" {
  description = "Name of the workload's state table."
  value       = module.workload.state_table_name
}

output "topic_arn" {
  description = "ARN of the notification topic."
  value       = module.notifications.topic_arn
}

output "uc_id" {
  description = "Identifier of the workload."
  value       = local.uc_id
}

output "work_queue_url" {
  description = "URL of the workload's queue."
  value       = module.workload.work_queue_url
}
