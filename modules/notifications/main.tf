# CloudWatch cannot publish to a topic that is encrypted with the key that AWS manages: its policy cannot be changed.
module "key" {
  source = "../kms-key"

  context     = var.context
  description = "Encrypts the notifications of ${var.context.name_prefix}."
  name        = "notifications"
  publishers  = [for publisher in local._publishers : publisher.service]
}

resource "aws_sns_topic" "this" {
  name              = "${var.context.name_prefix}-notifications"
  kms_master_key_id = module.key.key_arn
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
