# No source condition: a role of another account cannot be passed to a function, and AWS documents no condition
# keys for this trust, so one could stop the pollers of event source mappings.
data "aws_iam_policy_document" "trust" {
  statement {
    sid     = "LambdaAssumes"
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "this" {
  name               = local._full_name
  description        = "Runs the function ${local._full_name}."
  assume_role_policy = data.aws_iam_policy_document.trust.json
  tags               = var.context.tags
}

data "aws_iam_policy_document" "base" {
  statement {
    sid       = "WriteOwnLog"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.this.arn}:*"]
  }

  dynamic "statement" {
    for_each = var.async == null ? {} : { this = true }

    content {
      sid       = "KeepFailedInvocations"
      actions   = ["sqs:SendMessage"]
      resources = [aws_sqs_queue.dead_letter[0].arn]
    }
  }

  dynamic "statement" {
    for_each = var.operations.kms_key_arn == null ? {} : { this = true }

    content {
      sid       = "UseKey"
      actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
      resources = [var.operations.kms_key_arn]
    }
  }

  dynamic "statement" {
    for_each = var.operations.tracing_enabled ? { this = true } : {}

    content {
      sid = "SendTraces"
      # X-Ray has no resource level for these two actions.
      actions   = ["xray:PutTelemetryRecords", "xray:PutTraceSegments"]
      resources = ["*"]
    }
  }

  dynamic "statement" {
    for_each = var.vpc == null ? {} : { this = true }

    content {
      sid = "AttachToVpc"
      # The Lambda service checks these on "*" when it attaches a function to a VPC: the interfaces do not exist yet.
      actions = [
        "ec2:AssignPrivateIpAddresses",
        "ec2:CreateNetworkInterface",
        "ec2:DeleteNetworkInterface",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSubnets",
        "ec2:UnassignPrivateIpAddresses",
      ]
      resources = ["*"]
    }
  }
}

resource "aws_iam_role_policy" "base" {
  name   = "base"
  role   = aws_iam_role.this.id
  policy = data.aws_iam_policy_document.base.json
}

resource "aws_iam_role_policy" "this" {
  for_each = var.policies

  name   = each.key
  role   = aws_iam_role.this.id
  policy = each.value
}
