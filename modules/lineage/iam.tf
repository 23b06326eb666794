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

# Who may see and write the archive, whatever else they may: only over TLS, and only the export writes.
data "aws_iam_policy_document" "bucket" {
  count = local._export_count

  statement {
    sid       = "OnlyOverTls"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = [aws_s3_bucket.export[0].arn, "${aws_s3_bucket.export[0].arn}/*"]

    principals {
      type        = "*"
      identifiers = ["*"]
    }

    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }

  statement {
    sid       = "OnlyTheExportWrites"
    effect    = "Deny"
    actions   = ["s3:PutObject", "s3:PutObjectRetention"]
    resources = ["${aws_s3_bucket.export[0].arn}/*"]

    principals {
      type        = "*"
      identifiers = ["*"]
    }

    condition {
      test     = "ArnNotEquals"
      variable = "aws:PrincipalArn"
      values   = ["arn:${var.context.partition}:iam::${var.context.account_id}:role/${module.export[0].role_name}"]
    }
  }
}

data "aws_iam_policy_document" "signing_key" {
  # checkov:skip=CKV_AWS_109:a key policy names "*" for the key itself, which is the only resource it can name
  # checkov:skip=CKV_AWS_111:a key policy names "*" for the key itself, which is the only resource it can name
  # checkov:skip=CKV_AWS_356:a key policy names "*" for the key itself, which is the only resource it can name
  count = local._export_count

  statement {
    sid       = "AccountDecidesByIam"
    actions   = ["kms:*"]
    resources = ["*"]

    principals {
      type        = "AWS"
      identifiers = ["arn:${var.context.partition}:iam::${var.context.account_id}:root"]
    }
  }
}

data "aws_iam_policy_document" "export" {
  count = local._export_count

  statement {
    sid       = "ReadHours"
    actions   = ["dynamodb:Query"]
    resources = [local._hour_index_arn]
  }

  statement {
    sid       = "KeepState"
    actions   = ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"]
    resources = [aws_dynamodb_table.export[0].arn]
  }

  statement {
    sid       = "WriteArchive"
    actions   = ["s3:PutObject"]
    resources = ["${aws_s3_bucket.export[0].arn}/manifests/*", "${aws_s3_bucket.export[0].arn}/records/*"]
  }

  statement {
    sid       = "ReadArchive"
    actions   = ["s3:GetObject"]
    resources = ["${aws_s3_bucket.export[0].arn}/manifests/*", "${aws_s3_bucket.export[0].arn}/records/*"]
  }

  # Without it S3 says "denied" of an object that is not there.
  statement {
    sid       = "TellAbsentFromDenied"
    actions   = ["s3:ListBucket"]
    resources = [aws_s3_bucket.export[0].arn]
  }

  statement {
    sid       = "SignManifests"
    actions   = ["kms:Sign"]
    resources = [aws_kms_key.signing[0].arn]
  }
}

data "aws_iam_policy_document" "verifier" {
  count = local._export_count

  statement {
    sid       = "ReadArchive"
    actions   = ["s3:GetObject", "s3:GetObjectVersion"]
    resources = ["${aws_s3_bucket.export[0].arn}/manifests/*", "${aws_s3_bucket.export[0].arn}/records/*"]
  }

  statement {
    sid       = "ListArchive"
    actions   = ["s3:ListBucket"]
    resources = [aws_s3_bucket.export[0].arn]
  }

  statement {
    sid       = "ReadPublicKey"
    actions   = ["kms:GetPublicKey"]
    resources = [aws_kms_key.signing[0].arn]
  }

  statement {
    sid       = "CompareTable"
    actions   = ["dynamodb:Query"]
    resources = [local._hour_index_arn]
  }

  statement {
    sid       = "ReadExportState"
    actions   = ["dynamodb:GetItem"]
    resources = [aws_dynamodb_table.export[0].arn]
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

data "aws_iam_policy_document" "export_operator" {
  count = local._export_count

  statement {
    sid       = "RunExport"
    actions   = ["lambda:InvokeFunction"]
    resources = [module.export[0].function_arn]
  }

  statement {
    sid       = "ReadExportState"
    actions   = ["dynamodb:GetItem"]
    resources = [aws_dynamodb_table.export[0].arn]
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
