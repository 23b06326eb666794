locals {
  _function_name = "${var.context.name_prefix}-forecast"
}

# What has been told about each resource, and its last forecast: one item each, written anew every day.
module "table" {
  source = "../dynamodb-table"

  context     = var.context
  kms_key_arn = var.operations.kms_key_arn
  name        = "forecast"
}

module "function" {
  source = "../lambda-function"

  async        = {}
  context      = var.context
  name         = "forecast"
  description  = "Says when the SSD tier, the volumes and their inodes of ${var.file_system_id} will be full."
  handler      = "fsxn_runtime.forecast.handler.handler"
  operations   = var.operations
  package_path = var.package_path
  policies     = { forecast = data.aws_iam_policy_document.forecast.json }
  runtime      = { memory_mb = 512, timeout_seconds = 300 } # a full core makes 200 forecasts in 2 s; this is a third of one

  environment = {
    FILE_SYSTEM_ID      = var.file_system_id
    FORECAST_TABLE      = module.table.table_name
    LOG_LEVEL           = var.operations.log_level
    LOOKBACK_DAYS       = var.lookback_days
    METRIC_NAMESPACE    = var.operations.metric_namespace
    MINIMUM_WINDOW_DAYS = var.minimum_window_days
    THRESHOLD_DAYS      = var.threshold_days
  }
}

resource "aws_cloudwatch_event_rule" "schedule" {
  name                = local._function_name
  description         = "Forecasts the capacity of ${var.file_system_id}."
  schedule_expression = var.schedule_expression
  tags                = var.context.tags
}

resource "aws_cloudwatch_event_target" "schedule" {
  rule      = aws_cloudwatch_event_rule.schedule.name
  target_id = "forecast"
  arn       = module.function.function_arn
}

resource "aws_lambda_permission" "schedule" {
  statement_id   = "Schedule"
  action         = "lambda:InvokeFunction"
  function_name  = module.function.function_name
  principal      = "events.amazonaws.com"
  source_account = var.context.account_id
  source_arn     = aws_cloudwatch_event_rule.schedule.arn
}

# One event per crossing on the default bus: this rule tells people, another may start an expansion. It has no
# dead-letter queue: the alarm days-until-full says the same by another way.
resource "aws_cloudwatch_event_rule" "crossing" {
  name        = "${local._function_name}-crossing"
  description = "Capacity of ${var.file_system_id} that will be used up within ${var.threshold_days} days, or is."
  tags        = var.context.tags

  event_pattern = jsonencode({
    source      = ["fsxn.forecast"]
    detail-type = ["Capacity Forecast Crossed Threshold"]
    detail      = { file_system_id = [var.file_system_id] }
  })
}

resource "aws_cloudwatch_event_target" "crossing" {
  rule      = aws_cloudwatch_event_rule.crossing.name
  target_id = "notifications"
  arn       = var.operations.notification_topic_arn

  input_transformer {
    input_paths    = { text = "$.detail.text" }
    input_template = "\"<text> What to do: docs/runbooks/days-until-full.md\""
  }
}
