# The rule fills the work queue, and the dead-letter queue with what it could not deliver.
data "aws_iam_policy_document" "queue" {
  for_each = { work = aws_sqs_queue.work.arn, dead_letter = aws_sqs_queue.dead_letter.arn }

  statement {
    sid       = "RuleSends"
    actions   = ["sqs:SendMessage"]
    resources = [each.value]

    principals {
      type        = "Service"
      identifiers = ["events.amazonaws.com"]
    }

    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = [aws_cloudwatch_event_rule.work.arn]
    }
  }
}

resource "aws_sqs_queue_policy" "this" {
  for_each = { work = aws_sqs_queue.work.url, dead_letter = aws_sqs_queue.dead_letter.url }

  queue_url = each.value
  policy    = data.aws_iam_policy_document.queue[each.key].json
}

data "aws_iam_policy_document" "starter" {
  statement {
    sid       = "ReceiveEvents"
    actions   = ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"]
    resources = [aws_sqs_queue.work.arn]
  }

  statement {
    sid = "SendBack"
    # A file that is still being written goes back with the remaining delay.
    actions   = ["sqs:SendMessage"]
    resources = [aws_sqs_queue.work.arn]
  }

  statement {
    sid       = "LookAtFile"
    actions   = ["s3:GetObject"]
    resources = ["${var.access_point.arn}/object/*"]
  }

  statement {
    sid = "NoticeMissingFile"
    # Without it S3 answers 403 instead of 404 for a file that has vanished.
    actions   = ["s3:ListBucket"]
    resources = [var.access_point.arn]
  }

  statement {
    sid       = "KeepState"
    actions   = ["dynamodb:PutItem", "dynamodb:UpdateItem"]
    resources = [module.table.table_arn]
  }

  statement {
    sid       = "PutAside"
    actions   = ["sqs:SendMessage"]
    resources = [aws_sqs_queue.dead_letter.arn]
  }

  statement {
    sid       = "StartExecution"
    actions   = ["states:StartExecution"]
    resources = [aws_sfn_state_machine.this.arn]
  }
}

data "aws_iam_policy_document" "finisher" {
  statement {
    sid       = "KeepState"
    actions   = ["dynamodb:GetItem", "dynamodb:UpdateItem"]
    resources = [module.table.table_arn]
  }

  statement {
    sid       = "FindUnfinished"
    actions   = ["dynamodb:Query"]
    resources = ["${module.table.table_arn}/index/status-index"]
  }

  statement {
    sid       = "LookAtExecution"
    actions   = ["states:DescribeExecution"]
    resources = ["${replace(aws_sfn_state_machine.this.arn, ":stateMachine:", ":execution:")}:*"]
  }

  statement {
    sid       = "StartNextAttempt"
    actions   = ["states:StartExecution"]
    resources = [aws_sfn_state_machine.this.arn]
  }

  statement {
    sid       = "SeePause"
    actions   = ["lambda:GetEventSourceMapping"]
    resources = [aws_lambda_event_source_mapping.starter.arn]
  }

  statement {
    sid       = "GiveUp"
    actions   = ["sqs:SendMessage"]
    resources = [aws_sqs_queue.dead_letter.arn]
  }
}

data "aws_iam_policy_document" "state_machine_trust" {
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

resource "aws_iam_role" "state_machine" {
  name               = "${local._full_name}-states"
  description        = "Runs the state machine ${local._full_name}."
  assume_role_policy = data.aws_iam_policy_document.state_machine_trust.json
  tags               = local._context.tags
}

locals {
  _function_arns = var.steps == null ? [var.process_function_arn] : sort(var.steps.function_arns)
}

data "aws_iam_policy_document" "state_machine" {
  dynamic "statement" {
    for_each = length(local._function_arns) == 0 ? {} : { this = true }

    content {
      sid       = "Process"
      actions   = ["lambda:InvokeFunction"]
      resources = local._function_arns
    }
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

resource "aws_iam_role_policy" "state_machine" {
  name   = "run"
  role   = aws_iam_role.state_machine.id
  policy = data.aws_iam_policy_document.state_machine.json
}

# What steps do beside calling functions: the caller's own document.
resource "aws_iam_role_policy" "steps" {
  for_each = { for name, policy in { steps = try(var.steps.policy, null) } : name => policy if policy != null }

  name   = each.key
  role   = aws_iam_role.state_machine.id
  policy = each.value
}
