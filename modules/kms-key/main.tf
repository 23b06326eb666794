resource "aws_kms_key" "this" {
  description              = var.description
  customer_master_key_spec = var.signing ? "RSA_3072" : null
  deletion_window_in_days  = 30
  enable_key_rotation      = var.signing ? null : true # KMS does not rotate asymmetric keys
  key_usage                = var.signing ? "SIGN_VERIFY" : null
  policy                   = data.aws_iam_policy_document.this.json
  tags                     = var.context.tags
}

resource "aws_kms_alias" "this" {
  name          = "alias/${var.context.name_prefix}-${var.name}"
  target_key_id = aws_kms_key.this.key_id
}

data "aws_iam_policy_document" "this" {
  # checkov:skip=CKV_AWS_109:a key policy names "*" for the key itself, which is the only resource it can name
  # checkov:skip=CKV_AWS_111:a key policy names "*" for the key itself, which is the only resource it can name
  # checkov:skip=CKV_AWS_356:a key policy names "*" for the key itself, which is the only resource it can name
  statement {
    sid       = "AccountDecidesByIam"
    actions   = ["kms:*"]
    resources = ["*"] # this key: a key policy has no other resource

    principals {
      type        = "AWS"
      identifiers = ["arn:${var.context.partition}:iam::${var.context.account_id}:root"]
    }
  }

  # No source condition: EventBridge does not support one in the key policy of an encrypted topic (SNS guide, key
  # management), and a wrong one would silence every alarm. What the key is for has the conditions in its own policy.
  dynamic "statement" {
    for_each = length(var.publishers) == 0 ? {} : { this = sort(var.publishers) }

    content {
      sid       = "PublishersEncrypt"
      actions   = ["kms:Decrypt", "kms:GenerateDataKey*"]
      resources = ["*"] # this key: a key policy has no other resource

      principals {
        type        = "Service"
        identifiers = statement.value
      }
    }
  }
}
