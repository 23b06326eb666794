locals {
  _queue_key = {
    kms_master_key_id                 = var.operations.kms_key_arn
    kms_data_key_reuse_period_seconds = var.operations.kms_key_arn == null ? null : 300
    sqs_managed_sse_enabled           = var.operations.kms_key_arn == null ? true : null
  }
  # AWS asks for a visibility of six times the function's time limit plus the batching window (Lambda guide, SQS).
  _visibility_seconds = 6 * var.router.timeout_seconds + var.router.batching_window_seconds
  _retention_seconds  = 1209600 # 14 days, the longest SQS keeps a message
}

resource "aws_sqs_queue" "dead_letter" {
  name                              = "${var.context.name_prefix}-ingestion-dead-letters"
  message_retention_seconds         = local._retention_seconds
  kms_master_key_id                 = local._queue_key.kms_master_key_id
  kms_data_key_reuse_period_seconds = local._queue_key.kms_data_key_reuse_period_seconds
  sqs_managed_sse_enabled           = local._queue_key.sqs_managed_sse_enabled
  tags                              = var.context.tags
}

resource "aws_sqs_queue" "ingestion" {
  name                              = "${var.context.name_prefix}-ingestion"
  message_retention_seconds         = local._retention_seconds
  visibility_timeout_seconds        = local._visibility_seconds
  kms_master_key_id                 = local._queue_key.kms_master_key_id
  kms_data_key_reuse_period_seconds = local._queue_key.kms_data_key_reuse_period_seconds
  sqs_managed_sse_enabled           = local._queue_key.sqs_managed_sse_enabled
  tags                              = var.context.tags

  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead_letter.arn
    maxReceiveCount     = var.max_receive_count
  })
}

resource "aws_sqs_queue_redrive_allow_policy" "dead_letter" {
  queue_url = aws_sqs_queue.dead_letter.url

  redrive_allow_policy = jsonencode({
    redrivePermission = "byQueue"
    sourceQueueArns   = [aws_sqs_queue.ingestion.arn]
  })
}

# What can never become an event: kept with its bytes and the reason, written by server and router.
resource "aws_sqs_queue" "quarantine" {
  name                              = "${var.context.name_prefix}-quarantine"
  message_retention_seconds         = local._retention_seconds
  kms_master_key_id                 = local._queue_key.kms_master_key_id
  kms_data_key_reuse_period_seconds = local._queue_key.kms_data_key_reuse_period_seconds
  sqs_managed_sse_enabled           = local._queue_key.sqs_managed_sse_enabled
  tags                              = var.context.tags
}

# What the bus could not encrypt or decrypt. Not under the customer key: the bus comes here because it cannot use that.
resource "aws_sqs_queue" "bus_dead_letter" {
  count = var.operations.kms_key_arn == null ? 0 : 1

  name                      = "${var.context.name_prefix}-bus-dead-letters"
  message_retention_seconds = local._retention_seconds
  sqs_managed_sse_enabled   = true
  tags                      = var.context.tags
}

resource "aws_cloudwatch_event_bus" "this" {
  name               = "${var.context.name_prefix}-events"
  kms_key_identifier = var.operations.kms_key_arn
  tags               = var.context.tags

  # A bus with a customer key drops events that it cannot encrypt or decrypt, unless it may put them aside.
  dynamic "dead_letter_config" {
    for_each = aws_sqs_queue.bus_dead_letter

    content {
      arn = aws_sqs_queue.bus_dead_letter[0].arn
    }
  }
}

resource "aws_cloudwatch_event_archive" "this" {
  name               = "${var.context.name_prefix}-events"
  description        = "File events of the last ${var.archive_retention_days} days, for replay."
  event_source_arn   = aws_cloudwatch_event_bus.this.arn
  event_pattern      = jsonencode({ source = ["fsxn.fpolicy"] })
  kms_key_identifier = var.operations.kms_key_arn
  retention_days     = var.archive_retention_days
}

module "router" {
  source = "../lambda-function"

  context      = var.context
  name         = "route"
  description  = "Moves file events from the ingestion queue to the bus; quarantines what is no event."
  handler      = "fsxn_runtime.event_router.handler.handler"
  operations   = var.operations
  package_path = var.package_path
  policies     = { route = data.aws_iam_policy_document.router.json }
  runtime      = { memory_mb = var.router.memory_mb, timeout_seconds = var.router.timeout_seconds }

  environment = {
    EVENT_BUS_NAME       = aws_cloudwatch_event_bus.this.name
    LOG_LEVEL            = var.operations.log_level
    METRIC_NAMESPACE     = var.operations.metric_namespace
    QUARANTINE_QUEUE_URL = aws_sqs_queue.quarantine.url
  }
}

resource "aws_lambda_event_source_mapping" "router" {
  event_source_arn                   = aws_sqs_queue.ingestion.arn
  function_name                      = module.router.function_arn
  batch_size                         = var.router.batch_size
  maximum_batching_window_in_seconds = var.router.batching_window_seconds
  function_response_types            = ["ReportBatchItemFailures"]
  tags                               = var.context.tags

  scaling_config {
    maximum_concurrency = var.router.maximum_concurrency
  }
}
