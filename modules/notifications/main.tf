# CloudWatch cannot publish to a topic that is encrypted with the key that AWS manages: its policy cannot be changed.
resource "aws_kms_key" "this" {
  description             = "Encrypts the notifications of ${var.context.name_prefix}."
  deletion_window_in_days = 30
  enable_key_rotation     = true
  policy                  = data.aws_iam_policy_document.key.json
  tags                    = var.context.tags
}

resource "aws_kms_alias" "this" {
  name          = "alias/${var.context.name_prefix}-notifications"
  target_key_id = aws_kms_key.this.key_id
}

resource "aws_sns_topic" "this" {
  name              = "${var.context.name_prefix}-notifications"
  kms_master_key_id = aws_kms_key.this.arn
  tags              = var.context.tags
}

resource "aws_sns_topic_policy" "this" {
  arn    = aws_sns_topic.this.arn
  policy = data.aws_iam_policy_document.topic.json
}

resource "aws_sns_topic_subscription" "email" {
  for_each = var.email_addresses

  topic_arn = aws_sns_topic.this.arn
  protocol  = "email"
  endpoint  = each.value
}
