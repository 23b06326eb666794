locals {
  _name       = "${var.context.name_prefix}-expansion"
  _fsx_prefix = "arn:${var.context.partition}:fsx:${var.context.region}:${var.context.account_id}"
}

# Proposals, running growth, what ended: one item each.
module "table" {
  source = "../dynamodb-table"

  context                     = var.context
  deletion_protection_enabled = var.deletion_protection_enabled
  kms_key_arn                 = var.operations.kms_key_arn
  name                        = "expansion"
  range_key                   = "sk"
  ttl_enabled                 = true
}

module "function" {
  source = "../lambda-function"

  async        = {}
  context      = var.context
  name         = "expand"
  description  = "Grows ${var.file_system_id} and its volumes within the guardrails."
  endpoints    = var.endpoints
  handler      = "fsxn_runtime.expansion.handler.handler"
  operations   = var.operations
  package_path = var.package_path
  policies = merge(
    {
      expand    = data.aws_iam_policy_document.expand.json
      guardrail = var.guardrail.user_policy
      lineage   = var.lineage.writer_policy
    },
    var.ontap == null ? {} : { ontap = var.ontap.secret_policy },
  )
  services = concat(
    ["dynamodb", "fsx", "monitoring", "sns"],
    var.approval_link == null ? [] : ["states"],
    var.ontap == null ? [] : ["secretsmanager"],
  )
  vpc     = var.ontap == null ? null : var.ontap.vpc
  runtime = { timeout_seconds = 120 } # a check looks at some ten resources, a second or two each

  environment = {
    EXPANSION_APPROVAL_MACHINE_ARN = local._approval_machine_arn
    EXPANSION_APPROVAL_URL         = local._approval_url == null ? "" : local._approval_url
    EXPANSION_ALARM_NAMES          = join(",", sort(values(aws_cloudwatch_metric_alarm.utilisation)[*].alarm_name))
    EXPANSION_AUTOSIZED_VOLUMES    = join(",", sort([for volume in var.volumes : volume.id if volume.autosized]))
    EXPANSION_LEAD_DAYS            = var.policy.lead_days
    EXPANSION_LEVEL                = var.level
    EXPANSION_MAX_FILE_SYSTEM_GB   = var.policy.max_file_system_gb
    EXPANSION_MAX_VOLUME_GB        = var.policy.max_volume_gb
    EXPANSION_SNS_TOPIC_ARN        = var.operations.notification_topic_arn
    EXPANSION_SSD_LIMIT_PCT        = var.policy.ssd_limit_pct
    EXPANSION_TABLE                = module.table.table_name
    EXPANSION_TARGET_PCT           = var.policy.target_pct
    EXPANSION_THRESHOLD_PCT        = var.policy.threshold_pct
    GUARDRAIL_COOLDOWN_SECONDS     = var.guardrail.settings.cooldown_seconds
    GUARDRAIL_DAILY_CAPS_GB        = var.guardrail.settings.daily_caps_gb
    GUARDRAIL_DAILY_CAP_GB         = var.guardrail.settings.daily_cap_gb
    GUARDRAIL_DRY_RUN_EXECUTES     = var.guardrail.settings.dry_run_executes
    GUARDRAIL_ENVIRONMENT          = var.guardrail.settings.environment
    GUARDRAIL_MAX_FAILURES         = var.guardrail.settings.max_failures
    GUARDRAIL_MODE                 = var.guardrail.settings.mode
    GUARDRAIL_RATE_LIMIT           = var.guardrail.settings.rate_limit
    GUARDRAIL_SNS_TOPIC_ARN        = var.operations.notification_topic_arn
    GUARDRAIL_TABLE                = var.guardrail.settings.table_name
    LINEAGE_TABLE                  = var.lineage.table_name
    LINEAGE_TTL_DAYS               = var.lineage.ttl_days
    ONTAP_SECRET_ID                = var.ontap == null ? "" : var.ontap.secret_arn
    EXPANSION_VOLUME_GROWTH        = var.ontap == null ? "fsx" : var.ontap.volume_growth
    LOG_LEVEL                      = var.operations.log_level
    METRIC_NAMESPACE               = var.operations.metric_namespace
  }
}
