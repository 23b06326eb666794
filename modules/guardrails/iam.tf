# A function that asks: its action types and their audit. Grants it may read, not give.
data "aws_iam_policy_document" "user" {
  statement {
    sid       = "DecideAndRecord"
    actions   = ["dynamodb:PutItem", "dynamodb:UpdateItem"]
    resources = [module.table.table_arn]

    condition {
      test     = "ForAllValues:StringEquals"
      variable = "dynamodb:LeadingKeys"
      values = concat(
        sort(var.action_types),
        [for name in sort(var.action_types) : "AUDIT#${name}"],
        ["BREAK_GLASS_END"], # whoever sees a grant ended tells of it
      )
    }
  }

  statement {
    sid       = "ReadGrant"
    actions   = ["dynamodb:GetItem"]
    resources = [module.table.table_arn]

    condition {
      test     = "ForAllValues:StringEquals"
      variable = "dynamodb:LeadingKeys"
      values   = ["BREAK_GLASS"]
    }
  }

  dynamic "statement" {
    for_each = var.operations.kms_key_arn == null ? {} : { this = true }

    content {
      sid       = "UseTableKey"
      actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
      resources = [var.operations.kms_key_arn]
    }
  }
}

# Operators: look, reset, reconcile; everything but grants.
data "aws_iam_policy_document" "operator" {
  # What reconciling looks at. AWS knows these only for every resource (service authorization reference).
  statement {
    sid       = "LookAtSizes"
    actions   = ["fsx:DescribeFileSystems", "fsx:DescribeVolumes"]
    resources = ["*"]
  }

  statement {
    sid       = "TellOfResets"
    actions   = ["sns:Publish"]
    resources = [var.operations.notification_topic_arn]
  }

  statement {
    sid = "EncryptForTopic"
    # Publishing to an encrypted topic needs its key under the publisher's own name.
    actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
    resources = [var.topic_kms_key_arn]
  }

  statement {
    sid       = "Look"
    actions   = ["dynamodb:GetItem", "dynamodb:Query"]
    resources = [module.table.table_arn]
  }

  statement {
    sid       = "ResetAndReconcile"
    actions   = ["dynamodb:PutItem", "dynamodb:UpdateItem"]
    resources = [module.table.table_arn]

    condition {
      test     = "ForAllValues:StringEquals"
      variable = "dynamodb:LeadingKeys"
      values   = concat(sort(var.action_types), [for name in sort(var.action_types) : "AUDIT#${name}"])
    }
  }

  dynamic "statement" {
    for_each = var.operations.kms_key_arn == null ? {} : { this = true }

    content {
      sid       = "UseTableKey"
      actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
      resources = [var.operations.kms_key_arn]
    }
  }
}

# The only policy that can give or end a grant.
data "aws_iam_policy_document" "break_glass" {
  statement {
    sid       = "GiveAndEndGrants"
    actions   = ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"]
    resources = [module.table.table_arn]

    condition {
      test     = "ForAllValues:StringEquals"
      variable = "dynamodb:LeadingKeys"
      values   = ["AUDIT#BREAK_GLASS", "BREAK_GLASS", "BREAK_GLASS_END"]
    }
  }

  statement {
    sid       = "TellOfGrants"
    actions   = ["sns:Publish"]
    resources = [var.operations.notification_topic_arn]
  }

  statement {
    sid = "EncryptForTopic"
    # Publishing to an encrypted topic needs its key under the publisher's own name.
    actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
    resources = [var.topic_kms_key_arn]
  }

  dynamic "statement" {
    for_each = var.operations.kms_key_arn == null ? {} : { this = true }

    content {
      sid       = "UseTableKey"
      actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
      resources = [var.operations.kms_key_arn]
    }
  }
}

resource "aws_iam_policy" "break_glass" {
  name        = "${var.context.name_prefix}-break-glass"
  description = "Gives and ends break-glass grants of ${var.context.name_prefix}. Attach it to few."
  policy      = data.aws_iam_policy_document.break_glass.json
  tags        = var.context.tags
}
