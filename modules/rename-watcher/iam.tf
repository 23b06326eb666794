data "aws_iam_policy_document" "process" {
  statement {
    sid       = "ClaimWindow"
    actions   = ["dynamodb:UpdateItem"]
    resources = [module.table.table_arn]
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
}
