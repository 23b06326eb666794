locals {
  _full_name = "${var.context.name_prefix}-${var.uc_id}"
  # On everything that the workload's data goes through: whose cost it is, and the label of the data.
  _context = merge(var.context, {
    tags = merge(var.context.tags, { Workload = var.uc_id }, { for key, value in { DataClassification = var.data_classification } : key => value if value != null })
  })
  _queue_key = {
    kms_master_key_id                 = var.operations.kms_key_arn
    kms_data_key_reuse_period_seconds = var.operations.kms_key_arn == null ? null : 300
    sqs_managed_sse_enabled           = var.operations.kms_key_arn == null ? true : null
  }
  _retention_seconds = 1209600 # 14 days, the longest SQS keeps a message
  # AWS asks for a visibility of six times the function's time limit plus the batching window (Lambda guide, SQS).
  _visibility_seconds = 6 * var.starter.timeout_seconds + var.starter.batching_window_seconds
}

resource "aws_sqs_queue" "dead_letter" {
  name                              = "${local._full_name}-dead-letters"
  message_retention_seconds         = local._retention_seconds
  kms_master_key_id                 = local._queue_key.kms_master_key_id
  kms_data_key_reuse_period_seconds = local._queue_key.kms_data_key_reuse_period_seconds
  sqs_managed_sse_enabled           = local._queue_key.sqs_managed_sse_enabled
  tags                              = local._context.tags
}

# The delay is the settle time: a notification does not say that a file is complete.
resource "aws_sqs_queue" "work" {
  name                              = "${local._full_name}-work"
  delay_seconds                     = var.settle_seconds
  message_retention_seconds         = local._retention_seconds
  visibility_timeout_seconds        = local._visibility_seconds
  kms_master_key_id                 = local._queue_key.kms_master_key_id
  kms_data_key_reuse_period_seconds = local._queue_key.kms_data_key_reuse_period_seconds
  sqs_managed_sse_enabled           = local._queue_key.sqs_managed_sse_enabled
  tags                              = local._context.tags

  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead_letter.arn
    maxReceiveCount     = 5 # AWS's advice for a Lambda source: throttling costs receives
  })
}

resource "aws_sqs_queue_redrive_allow_policy" "dead_letter" {
  queue_url = aws_sqs_queue.dead_letter.url

  redrive_allow_policy = jsonencode({
    redrivePermission = "byQueue"
    sourceQueueArns   = [aws_sqs_queue.work.arn]
  })
}

# One item per work key. What it decides, it decides by one conditional write.
module "table" {
  source = "../dynamodb-table"

  context                     = local._context
  deletion_protection_enabled = var.deletion_protection_enabled
  # The sweep asks the index for items that have been IN_PROGRESS for too long.
  indexes     = { "status-index" = { hash_key = "status", range_key = "updated_at" } }
  kms_key_arn = var.operations.kms_key_arn
  name        = "${var.uc_id}-state"
  ttl_enabled = true
}

module "starter" {
  source = "../lambda-function"

  context      = local._context
  name         = "${var.uc_id}-start"
  description  = "Starts one named execution per settled file version of ${var.uc_id}."
  endpoints    = var.endpoints
  handler      = "fsxn_runtime.workloads.start.handler"
  operations   = var.operations
  package_path = var.package_paths.start
  policies = merge(
    { start = data.aws_iam_policy_document.starter.json },
    var.records.decisions == "all" ? { lineage = var.lineage.writer_policy } : {},
  )
  runtime  = { memory_mb = var.starter.memory_mb, timeout_seconds = var.starter.timeout_seconds }
  services = ["dynamodb", "s3", "sqs", "states"]
  vpc      = var.vpc

  environment = {
    ACCESS_POINT        = var.access_point.alias
    DATA_CLASSIFICATION = var.data_classification == null ? "" : var.data_classification
    JUNCTION_PATH       = var.scope.junction_path
    LINEAGE_TABLE       = var.lineage.table_name
    LINEAGE_TTL_DAYS    = var.lineage.ttl_days
    LOG_LEVEL           = var.operations.log_level
    METRIC_NAMESPACE    = var.operations.metric_namespace
    POLICY_VERSION      = var.records.policy_version
    RECORD_DECISIONS    = var.records.decisions
    RETENTION_PROFILE   = var.records.retention_profile
    SETTLE_SECONDS      = var.settle_seconds
    STATE_MACHINE_ARN   = aws_sfn_state_machine.this.arn
    STATE_TABLE         = module.table.table_name
    UC_ID               = var.uc_id
    UC_TEMPLATE_VERSION = var.records.uc_template_version
    WORKLOAD_DLQ_URL    = aws_sqs_queue.dead_letter.url
    WORKLOAD_QUEUE_URL  = aws_sqs_queue.work.url
    WORK_KEY            = var.work_key
  }
}

resource "aws_lambda_event_source_mapping" "starter" {
  event_source_arn                   = aws_sqs_queue.work.arn
  function_name                      = module.starter.function_arn
  batch_size                         = var.starter.batch_size
  maximum_batching_window_in_seconds = var.starter.batching_window_seconds
  function_response_types            = ["ReportBatchItemFailures"]
  tags                               = local._context.tags

  scaling_config {
    maximum_concurrency = var.starter.maximum_concurrency
  }

  lifecycle {
    # The switch is the operator's (fsxn events pause): an apply at night must not resume what somebody paused.
    ignore_changes = [enabled]
  }
}

module "finisher" {
  source = "../lambda-function"

  async        = {}
  context      = local._context
  name         = "${var.uc_id}-finish"
  description  = "Closes, retries or gives up the executions of ${var.uc_id}; sweeps what was left behind."
  handler      = "fsxn_runtime.workloads.finish.handler"
  operations   = var.operations
  package_path = var.package_paths.finish
  policies = {
    finish  = data.aws_iam_policy_document.finisher.json
    lineage = var.lineage.writer_policy
  }
  runtime = { memory_mb = var.finisher.memory_mb, timeout_seconds = var.finisher.timeout_seconds }

  environment = {
    LINEAGE_TABLE       = var.lineage.table_name
    LINEAGE_TTL_DAYS    = var.lineage.ttl_days
    LOG_LEVEL           = var.operations.log_level
    MAX_ATTEMPTS        = var.max_attempts
    METRIC_NAMESPACE    = var.operations.metric_namespace
    STARTER_MAPPING_ID  = aws_lambda_event_source_mapping.starter.uuid
    STATE_MACHINE_ARN   = aws_sfn_state_machine.this.arn
    STATE_TABLE         = module.table.table_name
    SWEEP_AFTER_SECONDS = var.sweep.after_seconds
    UC_ID               = var.uc_id
    WORKLOAD_DLQ_URL    = aws_sqs_queue.dead_letter.url
  }
}
