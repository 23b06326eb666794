locals {
  # Who may publish, and for which of its resources. ARN patterns: AWS service authorization reference.
  _publishers = {
    budgets = {
      service    = "budgets.amazonaws.com"
      source_arn = "arn:${var.context.partition}:budgets::${var.context.account_id}:*"
    }
    cloudwatch = {
      service    = "cloudwatch.amazonaws.com"
      source_arn = "arn:${var.context.partition}:cloudwatch:${var.context.region}:${var.context.account_id}:alarm:*"
    }
    events = {
      service    = "events.amazonaws.com"
      source_arn = "arn:${var.context.partition}:events:${var.context.region}:${var.context.account_id}:rule/*"
    }
  }
}

data "aws_iam_policy_document" "topic" {
  dynamic "statement" {
    for_each = local._publishers

    content {
      sid       = "Publish${title(statement.key)}"
      actions   = ["sns:Publish"]
      resources = [aws_sns_topic.this.arn]

      principals {
        type        = "Service"
        identifiers = [statement.value.service]
      }

      condition {
        test     = "ArnLike"
        variable = "aws:SourceArn"
        values   = [statement.value.source_arn]
      }

      condition {
        test     = "StringEquals"
        variable = "aws:SourceAccount"
        values   = [var.context.account_id]
      }
    }
  }
}
