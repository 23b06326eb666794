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

data "aws_iam_policy_document" "key" {
  # checkov:skip=CKV_AWS_109:a key policy names "*" for the key itself, which is the only resource it can name
  # checkov:skip=CKV_AWS_111:a key policy names "*" for the key itself, which is the only resource it can name
  # checkov:skip=CKV_AWS_356:a key policy names "*" for the key itself, which is the only resource it can name
  statement {
    sid       = "AccountDecidesByIam"
    actions   = ["kms:*"]
    resources = ["*"]

    principals {
      type        = "AWS"
      identifiers = ["arn:${var.context.partition}:iam::${var.context.account_id}:root"]
    }
  }

  # No source condition: EventBridge does not support one in the key policy of an encrypted topic (SNS guide, key
  # management), and a wrong one would silence every alarm. Only this topic uses the key; its policy has the conditions.
  statement {
    sid       = "PublishersEncrypt"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey*"]
    resources = ["*"]

    principals {
      type        = "Service"
      identifiers = [for publisher in local._publishers : publisher.service]
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
