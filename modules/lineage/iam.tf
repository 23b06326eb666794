data "aws_iam_policy_document" "writer" {
  statement {
    sid       = "RecordLineage"
    actions   = ["dynamodb:PutItem"]
    resources = [aws_dynamodb_table.this.arn]
  }

  dynamic "statement" {
    for_each = var.operations.kms_key_arn == null ? {} : { this = true }

    content {
      sid       = "UseLineageKey"
      actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
      resources = [var.operations.kms_key_arn]
    }
  }
}

data "aws_iam_policy_document" "reader" {
  statement {
    sid       = "ReadLineage"
    actions   = ["dynamodb:GetItem", "dynamodb:Query"]
    resources = [aws_dynamodb_table.this.arn, "${aws_dynamodb_table.this.arn}/index/*"]
  }

  dynamic "statement" {
    for_each = var.operations.kms_key_arn == null ? {} : { this = true }

    content {
      sid       = "UseLineageKey"
      actions   = ["kms:Decrypt"]
      resources = [var.operations.kms_key_arn]
    }
  }
}
