data "aws_iam_policy_document" "rotate" {
  statement {
    sid = "RotateSecret"
    actions = [
      "secretsmanager:DescribeSecret",
      "secretsmanager:GetSecretValue",
      "secretsmanager:ListSecretVersionIds",
      "secretsmanager:PutSecretValue",
      "secretsmanager:UpdateSecretVersionStage",
    ]
    resources = [var.secret.arn]
  }

  # What one step tells the next, such as the count of refused logins, is in a tag.
  statement {
    sid       = "Remember"
    actions   = ["secretsmanager:TagResource"]
    resources = [var.secret.arn]

    condition {
      test     = "ForAllValues:StringEquals"
      variable = "aws:TagKeys"
      values   = ["fsxn:rotation"]
    }
  }

  dynamic "statement" {
    for_each = var.secret.kms_key_arn == null ? {} : { this = true }

    content {
      sid       = "UseSecretsKey"
      actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
      resources = [var.secret.kms_key_arn]

      # Secrets Manager names the secret when it asks the key, so the key opens nothing else this way.
      condition {
        test     = "StringEquals"
        variable = "kms:EncryptionContext:SecretARN"
        values   = [var.secret.arn]
      }
    }
  }

  dynamic "statement" {
    for_each = var.fsx_recovery.mode == "off" ? {} : { this = true }

    content {
      sid       = "SetPasswordThroughFsx"
      actions   = ["fsx:UpdateFileSystem"]
      resources = ["arn:${var.context.partition}:fsx:${var.context.region}:${var.context.account_id}:file-system/${var.fsx_recovery.file_system_id}"]
    }
  }

  dynamic "statement" {
    for_each = var.fsx_recovery.mode == "off" ? {} : { this = true }

    content {
      sid = "SeeWhenFsxIsDone"
      # AWS has no resource level for it.
      actions   = ["fsx:DescribeFileSystems"]
      resources = ["*"]
    }
  }
}

# People who run fsxn rotation: what they may see of the secret excludes its value.
data "aws_iam_policy_document" "operator" {
  statement {
    sid       = "Look"
    actions   = ["secretsmanager:DescribeSecret", "secretsmanager:ListSecretVersionIds"]
    resources = [var.secret.arn]
  }

  statement {
    sid       = "RehearseAndRecover"
    actions   = ["lambda:InvokeFunction"]
    resources = [module.function.function_arn]
  }

  statement {
    sid       = "AskForRotation"
    actions   = ["secretsmanager:RotateSecret"]
    resources = [var.secret.arn]
  }
}
