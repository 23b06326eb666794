output "access_point" {
  description = "The access point: alias, ARN, and what its network origin means for callers."
  value       = merge(module.s3_access_point.access_point, { network_origin = module.s3_access_point.origin_consequence })
}

output "access_point_state" {
  description = "The parameter with the access point's state, for workloads that poll: ARN and name."
  value       = module.canary.state_parameter
}

output "bus_name" {
  description = "Name of the bus that carries the file events."
  value       = module.event_router.bus_name
}

output "cloudevents_rule_arns" {
  description = "ARN of each CloudEvents consumer's rule, which the consumer's queue policy must admit, by name."
  value       = module.event_router.cloudevents_rule_arns
}

output "cost_dashboard_name" {
  description = "Name of the dashboard of costs; null where there are no prices of the Region."
  value       = module.cost_dashboard.dashboard_name
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

output "routing_rules" {
  description = "Event pattern of each workload's rule by the rule's name, as `fsxn events rules` reads them."
  value       = { for rule in [module.watched_renames.rule, module.workload.rule] : rule.name => rule.pattern }
}

output "security_group_id" {
  description = "Security group of the server; nothing but the FPolicy port is open, and only to the file systems."
  value       = module.fpolicy_ecs.security_group_id
}

output "server" {
  description = "Cluster and service of the server."
  value       = { cluster_name = module.fpolicy_ecs.cluster_name, service_name = module.fpolicy_ecs.service_name }
}

output "slo" {
  description = "Names of the dashboards, and the parameter with the objectives in force (SLO_PARAMETER)."
  value       = { dashboard_names = module.slo.dashboard_names, parameter = module.slo.catalogue_parameter.name }
}

output "volume_map" {
  description = "Where the server looks for the volume map: bucket and key."
  value       = module.fpolicy_ecs.volume_map
}

output "vpc_services" {
  description = "AWS services that are called from inside the VPC, by function: what a VPC without a way out must have endpoints of."
  value       = local.vpc_services
}
