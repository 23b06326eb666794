# The whole path, encrypted with the customer's key. Apply only what the tag in VERSION holds.

locals {
  context = {
    account_id  = var.account_id
    name_prefix = "fsxn-s3ap"
    partition   = var.partition
    region      = var.region
  }
  # Of the shipped file where it has the Region, else what the caller gives; without either there is no dashboard of costs.
  cost_prices = var.cost.prices != null ? var.cost.prices : tomap({
    for key, price in lookup(jsondecode(file("${path.module}/../../python/fsxn_runtime/cost/prices.json")).regions, var.region, {}) : key => { per = price.per, usd = price.usd }
  })
  lineage = {
    table_name    = module.lineage.table_name
    ttl_days      = module.lineage.ttl_days
    writer_policy = module.lineage.writer_policy
  }
  metric_catalogue = jsondecode(file("${path.module}/../../python/fsxn_runtime/metric_catalogue.json"))
  operations = {
    kms_key_arn            = var.kms_key_arn
    metric_namespace       = local.metric_catalogue.namespace
    notification_topic_arn = module.notifications.topic_arn
  }
  uc_id = "content-inventory"
  vpc_services = merge(
    module.canary.vpc_services,
    module.content_inventory.vpc_services,
    module.expansion.vpc_services,
    module.fpolicy_ecs.vpc_services,
    module.rotation.vpc_services,
    module.watched_renames.vpc_services,
    module.workload.vpc_services,
  )
}

module "notifications" {
  source = "../../modules/notifications"

  context         = local.context
  email_addresses = var.email_addresses
}

module "event_router" {
  source = "../../modules/event-router"

  cloudevents  = var.cloudevents
  context      = local.context
  operations   = local.operations
  package_path = "${var.package_dir}/route.zip"
}

module "fpolicy_ecs" {
  source = "../../modules/fpolicy-ecs"

  context          = local.context
  desired_count    = 2 # one task per zone: one may be replaced while the other serves
  endpoints        = one(module.vpc_endpoints[*].services)
  image            = var.image
  ingestion_queue  = module.event_router.ingestion_queue
  launch           = var.server_launch
  metric_catalogue = local.metric_catalogue
  network          = var.network
  operations       = local.operations
  quarantine_queue = module.event_router.quarantine_queue
  spool            = var.server_spool
  svms             = var.svms
  tls              = var.server_tls

  diagnose = { package_path = "${var.package_dir}/diagnose.zip" }

  reconciler = {
    ca_certificates   = var.server_ca_certificates
    package_path      = "${var.package_dir}/reconcile.zip"
    secret_arn        = var.ontap_secret_arn
    secret_policy     = module.ontap_access.secret_policy
    security_group_id = module.ontap_access.security_group_id
    vpc               = module.ontap_access.vpc
  }
}

module "expansion" {
  source = "../../modules/expansion"

  approval_link     = var.approval_link == null ? null : merge(var.approval_link, { package_path = "${var.package_dir}/approve.zip" })
  context           = local.context
  endpoints         = one(module.vpc_endpoints[*].services)
  file_system_id    = var.file_system_id
  lineage           = local.lineage
  metric_catalogue  = local.metric_catalogue
  operations        = local.operations
  package_path      = "${var.package_dir}/expand.zip"
  topic_kms_key_arn = module.notifications.kms_key_arn
  volumes           = var.growing_volumes

  guardrail = {
    settings    = module.guardrails.settings
    user_policy = module.guardrails.user_policy
  }

  ontap = var.expansion_ontap == null ? null : {
    secret_arn    = var.ontap_secret_arn
    secret_policy = module.ontap_access.secret_policy
    volume_growth = var.expansion_ontap.volume_growth
    vpc           = module.ontap_access.vpc
  }
}

module "guardrails" {
  source = "../../modules/guardrails"

  context              = local.context
  file_system_sizes_gb = var.file_system_sizes_gb
  limits               = var.guardrail.limits
  metric_catalogue     = local.metric_catalogue
  mode                 = var.guardrail.mode
  operations           = local.operations
  topic_kms_key_arn    = module.notifications.kms_key_arn
}

module "forecast" {
  source = "../../modules/forecast"

  context          = local.context
  file_system_id   = var.file_system_id
  metric_catalogue = local.metric_catalogue
  operations       = local.operations
  package_path     = "${var.package_dir}/forecast.zip"
}

module "lineage" {
  source = "../../modules/lineage"

  context    = local.context
  operations = local.operations

  export = {
    object_lock  = var.lineage_lock
    package_path = "${var.package_dir}/lineage-export.zip"
  }
}

module "ontap_access" {
  source = "../../modules/ontap-access"

  context          = local.context
  management       = var.ontap.management
  secret           = { arn = var.ontap_secret_arn, kms_key_arn = var.ontap.secret_kms_key_arn }
  secrets_endpoint = var.ontap.secrets_endpoint

  network = {
    https_egress_cidr = var.network.https_egress_cidr
    subnet_ids        = var.network.subnet_ids
    vpc_id            = var.network.vpc_id
  }
}

module "vpc_endpoints" {
  source = "../../modules/vpc-endpoints"
  count  = var.vpc_endpoints == null ? 0 : 1

  context  = local.context
  services = var.vpc_endpoints.made ? local.vpc_services : {}

  client_security_group_ids = merge(
    { ontap-access = module.ontap_access.security_group_id, server = module.fpolicy_ecs.security_group_id },
    var.function_vpc == null ? {} : { for group in var.function_vpc.security_group_ids : group => group },
  )

  # Secrets Manager's endpoint may be module ontap-access's.
  existing = setunion(
    var.vpc_endpoints.existing,
    var.ontap.secrets_endpoint.create || var.ontap.secrets_endpoint.security_group_id != null ? ["secretsmanager"] : [],
  )

  network = {
    route_table_ids = var.vpc_endpoints.route_table_ids
    subnet_ids      = var.network.subnet_ids
    vpc_id          = var.network.vpc_id
  }
}

module "s3_access_point" {
  source = "../../modules/s3-access-point"

  context                = local.context
  create                 = var.new_access_point
  existing               = var.access_point
  function_vpc           = var.function_vpc
  notification_topic_arn = module.notifications.topic_arn
}

module "canary" {
  source = "../../modules/canary"

  context          = local.context
  endpoints        = one(module.vpc_endpoints[*].services)
  file_system_id   = var.file_system_id
  metric_catalogue = local.metric_catalogue
  operations       = local.operations
  placement        = module.s3_access_point.origin == "internet" ? "outside" : "vpc"
  vpc              = module.ontap_access.vpc

  access_point = merge(module.s3_access_point.access_point, {
    joined_to_directory = var.canary.joined_to_directory
    marker_key          = var.canary.marker_key
    network_origin      = module.s3_access_point.origin
    probe_enabled       = var.canary.probe_enabled
  })

  ontap = {
    policies      = var.canary.policies
    secret_arn    = var.ontap_secret_arn
    secret_policy = module.ontap_access.secret_policy
  }

  package_paths = {
    canary  = "${var.package_dir}/canary.zip"
    monitor = "${var.package_dir}/access-point-monitor.zip"
  }
}

module "rotation" {
  source = "../../modules/rotation"

  context          = local.context
  endpoints        = one(module.vpc_endpoints[*].services)
  fsx_recovery     = { file_system_id = var.file_system_id, mode = var.rotation.fsx_recovery }
  metric_catalogue = local.metric_catalogue
  operations       = local.operations
  package_path     = "${var.package_dir}/rotate.zip"
  password_method  = var.rotation.password_method

  rotate_immediately = var.rotation.rotate_immediately
  schedule           = var.rotation.schedule

  secret = { arn = var.ontap_secret_arn, kms_key_arn = var.ontap.secret_kms_key_arn }
  vpc    = module.ontap_access.vpc
}

module "slo" {
  source = "../../modules/slo"

  context          = local.context
  dashboards       = jsondecode(file("${path.module}/../../python/fsxn_runtime/slo/dashboards.json"))
  metric_catalogue = local.metric_catalogue
  objectives       = local.metric_catalogue
  operations       = local.operations
  targets          = var.slo_targets

  # Each says by itself that files change and nothing is processed, or soon will not be.
  pipeline_alarms = merge(
    module.event_router.pipeline_alarms,
    module.fpolicy_ecs.pipeline_alarms,
    module.watched_renames.pipeline_alarms,
    module.workload.pipeline_alarms,
  )

  sources = {
    access_points      = module.canary.targets.access_points
    dead_letter_queues = flatten([for each in [module.event_router, module.watched_renames, module.workload] : each.queue_names.dead_letter])
    environments       = [module.guardrails.settings.environment]
    file_systems       = module.canary.targets.file_systems
    queues             = flatten([for each in [module.event_router, module.watched_renames, module.workload] : each.queue_names.waiting])
    services           = [module.fpolicy_ecs.service_name]
    workloads          = [local.uc_id, "rename-watcher"]
  }
}

module "oam" {
  source = "../../modules/oam"
  count  = var.monitoring == null ? 0 : 1

  context = local.context
  link    = var.monitoring
}

module "cost_dashboard" {
  source = "../../modules/cost-dashboard"

  budgets                = var.cost.budgets
  context                = local.context
  lineage_table_name     = module.lineage.table_name
  operations             = local.operations
  prices                 = local.cost_prices
  shared_functions       = { route = { function_name = module.event_router.router.function_name } }
  tag_activation_enabled = var.cost.tag_activation_enabled

  workloads = {
    content-inventory = {
      functions = {
        finish  = { function_name = module.workload.finisher.function_name }
        process = { function_name = module.content_inventory.process.function_name, memory_mb = 512 }
        start   = { function_name = module.workload.starter.function_name }
      }
      state_machine_arn = module.workload.state_machine.arn
      state_table_name  = module.workload.state_table_name
    }
    rename-watcher = {
      functions = {
        finish  = { function_name = module.watched_renames.finisher.function_name }
        process = { function_name = module.rename_watcher.process.function_name, memory_mb = 256 }
        start   = { function_name = module.watched_renames.starter.function_name }
      }
      state_machine_arn = module.watched_renames.state_machine.arn
      state_table_name  = module.watched_renames.state_table_name
    }
  }
}

module "content_inventory" {
  source = "../../modules/content-inventory"

  access_point  = module.s3_access_point.access_point
  context       = local.context
  endpoints     = one(module.vpc_endpoints[*].services)
  junction_path = var.scope.junction_path
  lineage       = local.lineage
  operations    = local.operations
  package_path  = "${var.package_dir}/content-inventory.zip"
  uc_id         = local.uc_id
  vpc           = var.function_vpc
}

module "workload" {
  source = "../../modules/workload"

  access_point                 = module.s3_access_point.access_point
  bus_name                     = module.event_router.bus_name
  context                      = local.context
  data_classification          = var.data_classification
  endpoints                    = one(module.vpc_endpoints[*].services)
  lineage                      = local.lineage
  operations                   = local.operations
  polling                      = merge(var.polling, { state_parameter = module.canary.state_parameter })
  process_function_arn         = module.content_inventory.process.function_arn
  process_reserved_concurrency = module.content_inventory.process.reserved_concurrency
  records                      = var.records
  scope                        = var.scope
  trigger_mode                 = var.trigger_mode
  uc_id                        = local.uc_id
  vpc                          = var.function_vpc

  package_paths = {
    finish = "${var.package_dir}/finish.zip"
    poll   = "${var.package_dir}/poll.zip"
    start  = "${var.package_dir}/start.zip"
  }
}

module "rename_watcher" {
  source = "../../modules/rename-watcher"

  context           = local.context
  lineage           = local.lineage
  operations        = local.operations
  package_path      = "${var.package_dir}/rename-watcher.zip"
  topic_kms_key_arn = module.notifications.kms_key_arn
}

module "watched_renames" {
  source = "../../modules/workload"

  access_point         = module.s3_access_point.access_point
  bus_name             = module.event_router.bus_name
  context              = local.context
  endpoints            = one(module.vpc_endpoints[*].services)
  vpc                  = var.function_vpc
  lineage              = local.lineage
  operations           = local.operations
  process_function_arn = module.rename_watcher.process.function_arn
  settle_seconds       = 1 # a rename has nothing to settle
  uc_id                = "rename-watcher"
  work_key             = "event"

  package_paths = {
    finish = "${var.package_dir}/finish.zip"
    start  = "${var.package_dir}/start.zip"
  }

  scope = merge(var.scope, {
    event_types = ["FILE_RENAME"]
    prefixes    = []
    suffixes    = module.rename_watcher.suffixes
  })
}
