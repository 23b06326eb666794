# What lists the volume on a schedule, for POLLING and HYBRID. The rule's own pattern goes with each run: one scope.

locals {
  # Beside the call and not an output of it: an output with for_each waits for all the others, and those for endpoints.
  _poller_services = toset(concat(["dynamodb", "s3", "sqs"], var.polling.state_parameter == null ? [] : ["ssm"]))
  _pollers         = var.trigger_mode == "EVENT_DRIVEN" ? {} : { this = true }
}

module "poller" {
  source   = "../lambda-function"
  for_each = local._pollers

  async           = { maximum_event_age_seconds = 60, maximum_retry_attempts = 0 } # the next run is near
  context         = local._context
  name            = "${var.uc_id}-poll"
  description     = "Lists the files of ${var.uc_id} and asks for those that changed."
  endpoints       = var.endpoints
  error_threshold = 3 # a run that failed is followed by the next; poll-behind tells when none gets through
  handler         = "fsxn_runtime.workloads.poll.handler"
  operations      = var.operations
  package_path    = var.package_paths.poll
  policies        = { poll = data.aws_iam_policy_document.poller[each.key].json }
  runtime         = { memory_mb = var.polling.memory_mb, timeout_seconds = var.polling.timeout_seconds }
  services        = local._poller_services
  vpc             = var.vpc

  environment = {
    ACCESS_POINT          = var.access_point.alias
    JUNCTION_PATH         = var.scope.junction_path
    LOG_LEVEL             = var.operations.log_level
    METRIC_NAMESPACE      = var.operations.metric_namespace
    POLL_MAX_MESSAGES     = var.polling.max_messages
    POLL_OVERLAP_SECONDS  = var.polling.overlap_seconds
    POLL_PROCESS_EXISTING = var.polling.process_existing
    SETTLE_SECONDS        = var.settle_seconds
    STATE_PARAMETER       = try(var.polling.state_parameter.name, "")
    STATE_TABLE           = module.table.table_name
    SVM_NAME              = one(var.scope.svm_names)
    UC_ID                 = var.uc_id
    VOLUME_NAME           = one(var.scope.volume_names)
    WORKLOAD_QUEUE_URL    = aws_sqs_queue.work.url
  }
}

data "aws_iam_policy_document" "poller" {
  for_each = local._pollers

  statement {
    sid       = "ListFiles"
    actions   = ["s3:ListBucket"]
    resources = [var.access_point.arn]
  }

  statement {
    sid       = "AskForFiles"
    actions   = ["sqs:SendMessage"]
    resources = [aws_sqs_queue.work.arn]
  }

  statement {
    sid       = "KeepWatermark"
    actions   = ["dynamodb:GetItem", "dynamodb:PutItem"]
    resources = [module.table.table_arn]

    condition {
      test     = "ForAllValues:StringEquals"
      variable = "dynamodb:LeadingKeys"
      values   = ["poll#${var.uc_id}"]
    }
  }

  dynamic "statement" {
    for_each = var.polling.state_parameter == null ? {} : { this = true }

    content {
      sid       = "ReadAccessPointState"
      actions   = ["ssm:GetParameter"]
      resources = [var.polling.state_parameter.arn]
    }
  }
}

resource "aws_cloudwatch_event_rule" "poll" {
  for_each = local._pollers

  name                = "${local._full_name}-poll"
  description         = "Looks for files of ${var.uc_id} that no event told of."
  schedule_expression = "rate(${var.polling.interval_minutes} ${var.polling.interval_minutes == 1 ? "minute" : "minutes"})"
  tags                = local._context.tags
}

resource "aws_cloudwatch_event_target" "poll" {
  for_each = local._pollers

  rule      = aws_cloudwatch_event_rule.poll[each.key].name
  target_id = "poller"
  arn       = module.poller[each.key].function_arn
  input     = jsonencode({ pattern = jsondecode(local._work_pattern) })
}

resource "aws_lambda_permission" "poll" {
  for_each = local._pollers

  statement_id   = "Poll"
  action         = "lambda:InvokeFunction"
  function_name  = module.poller[each.key].function_name
  principal      = "events.amazonaws.com"
  source_account = var.context.account_id
  source_arn     = aws_cloudwatch_event_rule.poll[each.key].arn
}

# A run that fails or never comes says nothing, so silence is breaching.
resource "aws_cloudwatch_metric_alarm" "poll_behind" {
  for_each = local._pollers

  alarm_name          = "${local._full_name}-poll-behind"
  alarm_description   = "The last whole pass of ${var.uc_id} through the listing began more than ${var.polling.behind_threshold_seconds} s ago, or polling does not run. docs/runbooks/workload-poll-behind.md"
  namespace           = var.operations.metric_namespace
  metric_name         = "WorkloadPollBehind_sec"
  dimensions          = { UcId = var.uc_id }
  statistic           = "Maximum"
  period              = 60 * max(var.polling.interval_minutes, 5)
  evaluation_periods  = 2
  threshold           = var.polling.behind_threshold_seconds
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "breaching" # every run publishes its age: silence means that nobody polls
  alarm_actions       = [var.operations.notification_topic_arn]
  ok_actions          = [var.operations.notification_topic_arn] # a run has finished its pass
  tags                = local._context.tags
}
