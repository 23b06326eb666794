data "aws_iam_policy_document" "expand" {
  # checkov:skip=CKV_AWS_356:DescribeAlarms of several alarms is checked against all of them; it reads alarms and nothing else
  statement {
    sid = "ReadUsageAndSizes"
    # AWS knows these only for every resource (service authorization reference).
    actions   = ["cloudwatch:GetMetricData", "fsx:DescribeFileSystems", "fsx:DescribeVolumes"]
    resources = ["*"]
  }

  statement {
    sid = "SeeWhatIsInAlarm"
    # A call with several names is about no single alarm: AWS checks it against alarm:*, and hides composite
    # alarms from any scope but this (CloudWatch API reference, DescribeAlarms).
    actions   = ["cloudwatch:DescribeAlarms"]
    resources = ["*"]
  }

  # A function that only reports cannot grow anything.
  dynamic "statement" {
    for_each = var.level == "report" ? {} : { this = true }

    content {
      sid       = "GrowFileSystem"
      actions   = ["fsx:UpdateFileSystem"]
      resources = ["${local._fsx_prefix}:file-system/${var.file_system_id}"]
    }
  }

  dynamic "statement" {
    for_each = var.level == "report" || length(var.volumes) == 0 ? {} : { this = true }

    content {
      sid       = "GrowVolumes"
      actions   = ["fsx:UpdateVolume"]
      resources = sort([for volume in var.volumes : "${local._fsx_prefix}:volume/${var.file_system_id}/${volume.id}"])
    }
  }

  statement {
    sid       = "KeepOperations"
    actions   = ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query"]
    resources = [module.table.table_arn]
  }

  dynamic "statement" {
    for_each = var.approval_link == null ? {} : { this = true }

    content {
      sid       = "AskAndDecide"
      actions   = ["dynamodb:UpdateItem"]
      resources = [module.table.table_arn]
    }
  }

  dynamic "statement" {
    for_each = var.approval_link == null ? {} : { this = true }

    content {
      sid       = "WaitForApproval"
      actions   = ["states:SendTaskFailure", "states:SendTaskSuccess", "states:StartExecution"]
      resources = [local._approval_machine_arn]
    }
  }

  statement {
    sid       = "TellPeople"
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

# Who may approve, reject and ask: whoever may invoke the function. CloudTrail knows who did.
data "aws_iam_policy_document" "approver" {
  statement {
    sid       = "ApproveRejectAsk"
    actions   = ["lambda:InvokeFunction"]
    resources = [module.function.function_arn]
  }

  statement {
    sid       = "SeeOperations"
    actions   = ["dynamodb:GetItem", "dynamodb:Query"]
    resources = [module.table.table_arn]
  }

  dynamic "statement" {
    for_each = var.operations.kms_key_arn == null ? {} : { this = true }

    content {
      sid       = "UseTableKey"
      actions   = ["kms:Decrypt"]
      resources = [var.operations.kms_key_arn]
    }
  }
}
