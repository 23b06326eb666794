# Approval by link, when var.approval_link is set: an execution for each proposal waits with a task token, a function
# behind a URL shows the proposal and takes the answer, and the execution then lets the expand function grow.

locals {
  # Composed, not read from the resource: the function must know the machine, and the machine the function.
  _approval_name        = "${local._name}-approval"
  _approval_machine_arn = var.approval_link == null ? "" : "arn:${var.context.partition}:states:${var.context.region}:${var.context.account_id}:stateMachine:${local._approval_name}"
  _approval_url         = one([for url in aws_lambda_function_url.approval : coalesce(var.approval_link.base_url, url.function_url)])
}

module "approval" {
  source = "../lambda-function"
  count  = var.approval_link == null ? 0 : 1

  context              = var.context
  name                 = "expansion-approve"
  description          = "Shows proposals to grow ${var.file_system_id} and takes the answer; grows nothing itself."
  handler              = "fsxn_runtime.expansion.approval_handler.handler"
  operations           = var.operations
  package_path         = var.approval_link.package_path
  policies             = { approval = data.aws_iam_policy_document.approval[0].json }
  reserved_concurrency = var.approval_link.concurrency

  # A page or an answer takes a few calls of DynamoDB; nobody waits longer than this for a page.
  runtime = { timeout_seconds = 15 }

  environment = {
    EXPANSION_TABLE            = module.table.table_name
    GUARDRAIL_COOLDOWN_SECONDS = var.guardrail.settings.cooldown_seconds
    GUARDRAIL_DAILY_CAPS_GB    = var.guardrail.settings.daily_caps_gb
    GUARDRAIL_DAILY_CAP_GB     = var.guardrail.settings.daily_cap_gb
    GUARDRAIL_DRY_RUN_EXECUTES = var.guardrail.settings.dry_run_executes
    GUARDRAIL_ENVIRONMENT      = var.guardrail.settings.environment
    GUARDRAIL_MAX_FAILURES     = var.guardrail.settings.max_failures
    GUARDRAIL_MODE             = var.guardrail.settings.mode
    GUARDRAIL_RATE_LIMIT       = var.guardrail.settings.rate_limit
    GUARDRAIL_SNS_TOPIC_ARN    = ""
    GUARDRAIL_TABLE            = var.guardrail.settings.table_name
    LOG_LEVEL                  = var.operations.log_level
    METRIC_NAMESPACE           = var.operations.metric_namespace
  }
}

resource "aws_lambda_function_url" "approval" {
  count = var.approval_link == null ? 0 : 1

  function_name      = module.approval[0].function_name
  authorization_type = var.approval_link.authorization
}

# Anybody may call the URL; what they may do there, the token in the link decides.
resource "aws_lambda_permission" "approval_url" {
  count = try(var.approval_link.authorization, "") == "NONE" ? 1 : 0

  statement_id           = "AnybodyWithTheUrl"
  action                 = "lambda:InvokeFunctionUrl"
  function_name          = module.approval[0].function_name
  function_url_auth_type = "NONE"
  principal              = "*"
}

resource "aws_cloudwatch_log_group" "approval" {
  count = var.approval_link == null ? 0 : 1

  name              = "/aws/vendedlogs/states/${local._approval_name}"
  retention_in_days = var.operations.log_retention_days
  kms_key_id        = var.operations.kms_key_arn
  tags              = var.context.tags
}

resource "aws_sfn_state_machine" "approval" {
  # checkov:skip=CKV_AWS_284:tracing is on unless the caller switches it off (var.operations.tracing_enabled)
  # checkov:skip=CKV_AWS_285:execution data holds task tokens, which belong in no log; failures are logged without it
  count = var.approval_link == null ? 0 : 1

  name     = local._approval_name
  type     = "STANDARD"
  role_arn = aws_iam_role.approval[0].arn
  tags     = var.context.tags

  definition = templatefile("${path.module}/approval.asl.json.tftpl", {
    function_arn    = module.function.function_arn
    partition       = var.context.partition
    timeout_seconds = 86400 # as long as a proposal lasts (docs/decisions/0006)
  })

  logging_configuration {
    include_execution_data = false
    level                  = "ERROR"
    log_destination        = "${aws_cloudwatch_log_group.approval[0].arn}:*"
  }

  tracing_configuration {
    enabled = var.operations.tracing_enabled
  }

  depends_on = [aws_iam_role_policy.approval]
}

data "aws_iam_policy_document" "approval" {
  count = var.approval_link == null ? 0 : 1

  statement {
    sid       = "ReadAndDecideProposals"
    actions   = ["dynamodb:GetItem", "dynamodb:UpdateItem"]
    resources = [module.table.table_arn]

    condition {
      test     = "ForAllValues:StringEquals"
      variable = "dynamodb:LeadingKeys"
      values   = ["OPERATION"]
    }
  }

  statement {
    sid       = "ShowTheGuardrail"
    actions   = ["dynamodb:GetItem"]
    resources = ["arn:${var.context.partition}:dynamodb:${var.context.region}:${var.context.account_id}:table/${var.guardrail.settings.table_name}"]

    condition {
      test     = "ForAllValues:StringEquals"
      variable = "dynamodb:LeadingKeys"
      values   = ["BREAK_GLASS", "file_system_grow", "volume_grow"]
    }
  }

  statement {
    sid       = "TellTheExecution"
    actions   = ["states:SendTaskFailure", "states:SendTaskSuccess"]
    resources = [local._approval_machine_arn]
  }
}

data "aws_iam_policy_document" "approval_machine_trust" {
  statement {
    sid     = "StatesAssumes"
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["states.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [var.context.account_id]
    }
  }
}

resource "aws_iam_role" "approval" {
  count = var.approval_link == null ? 0 : 1

  name               = "${local._approval_name}-states"
  description        = "Runs the state machine ${local._approval_name}."
  assume_role_policy = data.aws_iam_policy_document.approval_machine_trust.json
  tags               = var.context.tags
}

data "aws_iam_policy_document" "approval_machine" {
  statement {
    sid       = "AskAndCarryOut"
    actions   = ["lambda:InvokeFunction"]
    resources = [module.function.function_arn]
  }

  statement {
    sid = "DeliverLogs"
    # CloudWatch Logs has no resource level for its delivery actions (Step Functions guide, logging).
    actions = [
      "logs:CreateLogDelivery",
      "logs:DeleteLogDelivery",
      "logs:DescribeLogGroups",
      "logs:DescribeResourcePolicies",
      "logs:GetLogDelivery",
      "logs:ListLogDeliveries",
      "logs:PutResourcePolicy",
      "logs:UpdateLogDelivery",
    ]
    resources = ["*"]
  }

  dynamic "statement" {
    for_each = var.operations.tracing_enabled ? { this = true } : {}

    content {
      sid = "SendTraces"
      # X-Ray has no resource level for these actions.
      actions = [
        "xray:GetSamplingRules",
        "xray:GetSamplingTargets",
        "xray:PutTelemetryRecords",
        "xray:PutTraceSegments",
      ]
      resources = ["*"]
    }
  }
}

resource "aws_iam_role_policy" "approval" {
  count = var.approval_link == null ? 0 : 1

  name   = "approval"
  role   = aws_iam_role.approval[0].id
  policy = data.aws_iam_policy_document.approval_machine.json
}

# Who may call the URL when AWS_IAM guards it: a proxy that signs. Both actions, as AWS asks since October 2025.
data "aws_iam_policy_document" "approval_url" {
  count = var.approval_link == null ? 0 : 1

  statement {
    sid       = "CallTheUrl"
    actions   = ["lambda:InvokeFunctionUrl"]
    resources = [module.approval[0].function_arn]
  }

  statement {
    sid       = "OnlyThroughTheUrl"
    actions   = ["lambda:InvokeFunction"]
    resources = [module.approval[0].function_arn]

    condition {
      test     = "Bool"
      variable = "lambda:InvokedViaFunctionUrl"
      values   = ["true"]
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "approval_failed" {
  count = var.approval_link == null ? 0 : 1

  alarm_name          = "${local._approval_name}-failed"
  alarm_description   = "An execution that asks for approval failed: nobody may have been asked. docs/runbooks/expansion-approval.md"
  namespace           = "AWS/States"
  metric_name         = "ExecutionsFailed"
  dimensions          = { StateMachineArn = aws_sfn_state_machine.approval[0].arn }
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 1
  threshold           = 0
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching" # no execution, none failed
  alarm_actions       = [var.operations.notification_topic_arn]
  ok_actions          = [var.operations.notification_topic_arn] # no more have failed; the proposal waits for the command
  tags                = var.context.tags
}

# Links that never were: a few are cut off by mail programs, many are somebody guessing.
resource "aws_cloudwatch_metric_alarm" "approval_guesses" {
  count = var.approval_link == null ? 0 : 1

  alarm_name          = "${local._approval_name}-guesses"
  alarm_description   = "More than 20 requests within five minutes had no valid approval link. docs/runbooks/expansion-approval.md"
  namespace           = var.operations.metric_namespace
  metric_name         = "ApprovalLinks_count"
  dimensions          = { Result = "unknown" }
  statistic           = var.metric_catalogue.metrics["ApprovalLinks_count"].statistic
  period              = 300
  evaluation_periods  = 1
  threshold           = 20
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching" # no link was used
  alarm_actions       = [var.operations.notification_topic_arn]
  ok_actions          = [var.operations.notification_topic_arn] # nobody guesses any more, or pauses; access stays counted
  tags                = var.context.tags
}
