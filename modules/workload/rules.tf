# From the bus to the work queue, from Step Functions to the finisher, and the sweep.

locals {
  _paths = distinct(concat(
    length(var.scope.suffixes) == 0 ? [for prefix in var.scope.prefixes : { prefix = prefix }] : [],
    length(var.scope.prefixes) == 0 ? [for suffix in var.scope.suffixes : { suffix = suffix }] : [],
  ))
  # Alternatives in one pattern field are joined by "or"; "begins with and ends with" needs a wildcard.
  _path_pairs = [
    for pair in setproduct(var.scope.prefixes, var.scope.suffixes) : { wildcard = "${pair[0]}*${pair[1]}" }
  ]
  _path_patterns = concat([for path in local._paths : path], [for pair in local._path_pairs : pair])

  _detail = {
    event_type  = sort(var.scope.event_types)
    svm_name    = sort(var.scope.svm_names)
    volume_name = sort(var.scope.volume_names)
  }
  # A rename concerns a workload when the old or the new name lies in its scope.
  _path_detail = length(local._path_patterns) == 0 ? {} : {
    "$or" = [{ file_path = local._path_patterns }, { target_path = local._path_patterns }]
  }
  _work_pattern = jsonencode({
    source      = ["fsxn.fpolicy"]
    detail-type = ["FPolicy File Operation"]
    detail      = merge(local._detail, local._path_detail)
  })
}

resource "aws_cloudwatch_event_rule" "work" {
  name           = local._full_name
  description    = "File events in the scope of ${var.uc_id}."
  event_bus_name = var.bus_name
  state          = var.trigger_mode == "POLLING" ? "DISABLED" : "ENABLED"
  tags           = local._context.tags

  event_pattern = local._work_pattern

  lifecycle {
    # PutRule takes no more (EventBridge API model); each pair of prefix and suffix is written twice.
    precondition {
      condition     = length(local._work_pattern) <= 4096
      error_message = "scope makes an event pattern of ${length(local._work_pattern)} characters; EventBridge takes 4096. Use fewer or shorter prefixes and suffixes, or several workloads."
    }
  }
}

resource "aws_cloudwatch_event_target" "work" {
  rule           = aws_cloudwatch_event_rule.work.name
  event_bus_name = var.bus_name
  target_id      = "work-queue"
  arn            = aws_sqs_queue.work.arn

  dead_letter_config {
    arn = aws_sqs_queue.dead_letter.arn
  }

  depends_on = [aws_sqs_queue_policy.this]
}

# No target dead-letter queue here: the sweep finds what a lost status change left behind.
resource "aws_cloudwatch_event_rule" "status" {
  name        = "${local._full_name}-status"
  description = "Executions of ${var.uc_id} that ended."
  tags        = local._context.tags

  event_pattern = jsonencode({
    source      = ["aws.states"]
    detail-type = ["Step Functions Execution Status Change"]
    detail = {
      stateMachineArn = [aws_sfn_state_machine.this.arn]
      status          = ["ABORTED", "FAILED", "SUCCEEDED", "TIMED_OUT"]
    }
  })
}

resource "aws_cloudwatch_event_target" "status" {
  rule      = aws_cloudwatch_event_rule.status.name
  target_id = "finisher"
  arn       = module.finisher.function_arn
}

resource "aws_lambda_permission" "status" {
  statement_id   = "StatusChanges"
  action         = "lambda:InvokeFunction"
  function_name  = module.finisher.function_name
  principal      = "events.amazonaws.com"
  source_account = var.context.account_id
  source_arn     = aws_cloudwatch_event_rule.status.arn
}

resource "aws_cloudwatch_event_rule" "sweep" {
  name                = "${local._full_name}-sweep"
  description         = "Looks for executions of ${var.uc_id} that ended without being noticed."
  schedule_expression = "rate(${var.sweep.interval_minutes} ${var.sweep.interval_minutes == 1 ? "minute" : "minutes"})"
  tags                = local._context.tags
}

resource "aws_cloudwatch_event_target" "sweep" {
  rule      = aws_cloudwatch_event_rule.sweep.name
  target_id = "finisher"
  arn       = module.finisher.function_arn
  input     = jsonencode({ action = "sweep" })
}

resource "aws_lambda_permission" "sweep" {
  statement_id   = "Sweep"
  action         = "lambda:InvokeFunction"
  function_name  = module.finisher.function_name
  principal      = "events.amazonaws.com"
  source_account = var.context.account_id
  source_arn     = aws_cloudwatch_event_rule.sweep.arn
}
