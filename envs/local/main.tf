# The same modules as everywhere, small and quick: applied to the local AWS by the laboratory (lab/world.py).

locals {
  context = {
    account_id  = var.account_id
    name_prefix = "fsxn-s3ap-local"
    region      = var.region
  }
  cost_prices = {
    for key, price in jsondecode(file("${path.module}/../../python/fsxn_runtime/cost/prices.json")).regions["us-east-1"] : key => { per = price.per, usd = price.usd }
  }
  lineage = {
    table_name    = module.lineage.table_name
    ttl_days      = module.lineage.ttl_days
    writer_policy = module.lineage.writer_policy
  }
  metric_catalogue = jsondecode(file("${path.module}/../../python/fsxn_runtime/metric_catalogue.json"))
  operations = {
    metric_namespace       = local.metric_catalogue.namespace
    notification_topic_arn = module.notifications.topic_arn
    tracing_enabled        = false # the local AWS has no X-Ray
  }
  package_dir = coalesce(var.package_dir, "${path.module}/../../build/lambdas")
  uc_id       = "content-inventory"
}

module "notifications" {
  source = "../../modules/notifications"

  context = local.context
}

module "event_router" {
  source = "../../modules/event-router"

  context      = local.context
  operations   = local.operations
  package_path = "${local.package_dir}/route.zip"
}

module "fpolicy_ecs" {
  source = "../../modules/fpolicy-ecs"

  config_force_destroy = true
  context              = local.context
  desired_count        = var.desired_count
  image                = { uri = var.image_uri }
  ingestion_queue      = module.event_router.ingestion_queue
  metric_catalogue     = local.metric_catalogue
  operations           = local.operations
  quarantine_queue     = module.event_router.quarantine_queue

  network = {
    source_security_group_ids = { file_system = var.source_security_group_id }
    subnet_ids                = var.subnet_ids
    vpc_id                    = var.vpc_id
  }

  # The map changes within a run, and nobody waits for minutes here.
  server_settings = { metrics_interval_seconds = 5, volume_map_refresh_seconds = 5 }

  diagnose = { package_path = "${local.package_dir}/diagnose.zip" }

  reconciler = {
    package_path      = "${local.package_dir}/reconcile.zip"
    secret_arn        = var.ontap_secret_arn
    secret_policy     = module.ontap_access.secret_policy
    security_group_id = module.ontap_access.security_group_id
    vpc               = module.ontap_access.vpc
  }

  svms = { main = { name = var.svm_name } }
}

module "expansion" {
  source = "../../modules/expansion"

  check_interval_minutes      = 1
  context                     = local.context
  deletion_protection_enabled = false
  file_system_id              = var.file_system_id
  lineage                     = local.lineage
  metric_catalogue            = local.metric_catalogue
  operations                  = local.operations
  package_path                = "${local.package_dir}/expand.zip"
  topic_kms_key_arn           = module.notifications.kms_key_arn
  volumes                     = var.growing_volumes

  guardrail = {
    settings    = module.guardrails.settings
    user_policy = module.guardrails.user_policy
  }
}

module "guardrails" {
  source = "../../modules/guardrails"

  context                     = local.context
  deletion_protection_enabled = false
  file_system_sizes_gb        = var.file_system_sizes_gb
  metric_catalogue            = local.metric_catalogue
  operations                  = local.operations
  topic_kms_key_arn           = module.notifications.kms_key_arn
}

module "forecast" {
  source = "../../modules/forecast"

  context          = local.context
  file_system_id   = var.file_system_id
  metric_catalogue = local.metric_catalogue
  operations       = local.operations
  package_path     = "${local.package_dir}/forecast.zip"
}

module "lineage" {
  source = "../../modules/lineage"

  context                     = local.context
  deletion_protection_enabled = false
  operations                  = local.operations

  export = {
    force_destroy = true
    object_lock   = { years = 1 }
    package_path  = "${local.package_dir}/lineage-export.zip"
    since         = var.lineage_export_since
  }
}

module "ontap_access" {
  source = "../../modules/ontap-access"

  context    = local.context
  management = var.ontap_management
  secret     = { arn = var.ontap_secret_arn }

  network = {
    https_egress_cidr = "0.0.0.0/0"
    subnet_ids        = var.subnet_ids
    vpc_id            = var.vpc_id
  }
}

# The canary of ONTAP needs CloudWatch Synthetics, which the local AWS does not have; the monitor is the real one.
module "canary" {
  source = "../../modules/canary"

  access_point     = merge(var.access_point, { probe_enabled = true })
  context          = local.context
  file_system_id   = var.file_system_id
  metric_catalogue = local.metric_catalogue
  operations       = local.operations

  package_paths = {
    canary  = "${local.package_dir}/canary.zip"
    monitor = "${local.package_dir}/access-point-monitor.zip"
  }
}

module "rotation" {
  source = "../../modules/rotation"

  context          = local.context
  fsx_recovery     = { file_system_id = var.file_system_id, mode = "asked" }
  login_limits     = { pause_seconds = 1 }
  metric_catalogue = local.metric_catalogue
  operations       = local.operations
  package_path     = "${local.package_dir}/rotate.zip"
  secret           = { arn = var.ontap_secret_arn }
  vpc              = module.ontap_access.vpc
}

module "slo" {
  source = "../../modules/slo"

  # The local AWS computes every alarm at every metric that comes: windows of a day would slow down every run.
  budget_alarms_enabled = false

  context          = local.context
  dashboards       = jsondecode(file("${path.module}/../../python/fsxn_runtime/slo/dashboards.json"))
  metric_catalogue = local.metric_catalogue
  objectives       = local.metric_catalogue
  operations       = local.operations

  # Each says by itself that files change and nothing is processed, or soon will not be.
  pipeline_alarms = merge(module.event_router.pipeline_alarms, module.fpolicy_ecs.pipeline_alarms, module.workload.pipeline_alarms)

  sources = {
    access_points      = module.canary.targets.access_points
    dead_letter_queues = concat(module.event_router.queue_names.dead_letter, module.workload.queue_names.dead_letter)
    environments       = [module.guardrails.settings.environment]
    file_systems       = module.canary.targets.file_systems
    queues             = concat(module.event_router.queue_names.waiting, module.workload.queue_names.waiting)
    services           = [module.fpolicy_ecs.service_name]
    workloads          = [local.uc_id]
  }
}

module "cost_dashboard" {
  source = "../../modules/cost-dashboard"

  context            = local.context
  lineage_table_name = module.lineage.table_name
  operations         = local.operations
  prices             = local.cost_prices
  shared_functions   = { route = { function_name = module.event_router.router.function_name } }

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
    inbox = {
      functions = {
        finish  = { function_name = module.inbox.finisher.function_name }
        process = { function_name = module.inbox_inventory.process.function_name, memory_mb = 512 }
        start   = { function_name = module.inbox.starter.function_name }
      }
      state_machine_arn = module.inbox.state_machine.arn
      state_table_name  = module.inbox.state_table_name
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

  access_point  = var.access_point
  context       = local.context
  junction_path = var.junction_path
  lineage       = local.lineage
  operations    = local.operations
  output        = { force_destroy = true }
  package_path  = "${local.package_dir}/content-inventory.zip"
  uc_id         = local.uc_id
}

module "workload" {
  source = "../../modules/workload"

  access_point                 = var.access_point
  bus_name                     = module.event_router.bus_name
  context                      = local.context
  data_classification          = "internal"
  deletion_protection_enabled  = false
  lineage                      = local.lineage
  operations                   = local.operations
  process_function_arn         = module.content_inventory.process.function_arn
  process_reserved_concurrency = module.content_inventory.process.reserved_concurrency
  settle_seconds               = var.settle_seconds
  sweep                        = { after_seconds = 60, interval_minutes = 1 }
  uc_id                        = local.uc_id

  package_paths = {
    finish = "${local.package_dir}/finish.zip"
    start  = "${local.package_dir}/start.zip"
  }

  scope = {
    junction_path = var.junction_path
    svm_names     = [var.svm_name]
    volume_names  = [var.volume_name]
  }
}

module "inbox_inventory" {
  source = "../../modules/content-inventory"

  access_point  = var.access_point
  context       = local.context
  junction_path = var.junction_path
  lineage       = local.lineage
  operations    = local.operations
  output        = { force_destroy = true }
  package_path  = "${local.package_dir}/content-inventory.zip"
  uc_id         = "inbox"
}

# Files that come by any way, events or none: those written through the access point are found by listing.
module "inbox" {
  source = "../../modules/workload"

  access_point                = var.access_point
  bus_name                    = module.event_router.bus_name
  context                     = local.context
  deletion_protection_enabled = false
  lineage                     = local.lineage
  operations                  = local.operations
  polling                     = { interval_minutes = 1, state_parameter = module.canary.state_parameter }
  process_function_arn        = module.inbox_inventory.process.function_arn
  settle_seconds              = var.settle_seconds
  sweep                       = { after_seconds = 60, interval_minutes = 1 }
  trigger_mode                = "HYBRID"
  uc_id                       = "inbox"

  package_paths = {
    finish = "${local.package_dir}/finish.zip"
    poll   = "${local.package_dir}/poll.zip"
    start  = "${local.package_dir}/start.zip"
  }

  scope = {
    junction_path = var.junction_path
    prefixes      = ["${var.junction_path}/inbox/"]
    svm_names     = [var.svm_name]
    volume_names  = [var.volume_name]
  }
}

module "rename_watcher" {
  source = "../../modules/rename-watcher"

  context           = local.context
  lineage           = local.lineage
  operations        = local.operations
  package_path      = "${local.package_dir}/rename-watcher.zip"
  topic_kms_key_arn = module.notifications.kms_key_arn
}

module "watched_renames" {
  source = "../../modules/workload"

  access_point                = var.access_point
  bus_name                    = module.event_router.bus_name
  context                     = local.context
  deletion_protection_enabled = false
  sweep                       = { after_seconds = 60, interval_minutes = 1 }
  lineage                     = local.lineage
  operations                  = local.operations
  process_function_arn        = module.rename_watcher.process.function_arn
  settle_seconds              = 1 # a rename has nothing to settle
  uc_id                       = "rename-watcher"
  work_key                    = "event"

  package_paths = {
    finish = "${local.package_dir}/finish.zip"
    start  = "${local.package_dir}/start.zip"
  }

  scope = {
    event_types   = ["FILE_RENAME"]
    junction_path = var.junction_path
    suffixes      = module.rename_watcher.suffixes
    svm_names     = [var.svm_name]
    volume_names  = [var.volume_name]
  }
}
