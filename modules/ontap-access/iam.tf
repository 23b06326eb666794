# What a client of ONTAP may do: read its credentials, nothing else.
data "aws_iam_policy_document" "secret" {
  statement {
    sid       = "ReadCredentials"
    actions   = ["secretsmanager:GetSecretValue"]
    resources = [var.secret.arn]
  }

  dynamic "statement" {
    for_each = var.secret.kms_key_arn == null ? {} : { this = true }

    content {
      sid       = "DecryptCredentials"
      actions   = ["kms:Decrypt"]
      resources = [var.secret.kms_key_arn]

      # Secrets Manager names the secret when it asks the key, so the key opens nothing else this way.
      condition {
        test     = "StringEquals"
        variable = "kms:EncryptionContext:SecretARN"
        values   = [var.secret.arn]
      }
    }
  }
}
