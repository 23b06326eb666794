data "aws_iam_policy_document" "writer" {
  statement {
    sid       = "RecordLineage"
    actions   = ["dynamodb:PutItem"]
    resources = [module.table.table_arn]
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
    resources = [module.table.table_arn, "${module.table.table_arn}/index/*"]
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
    resources = [module.export_table[0].table_arn]
  }

  statement {
    sid       = "WriteArchive"
    actions   = ["s3:PutObject"]
    resources = ["${module.bucket[0].bucket_arn}/manifests/*", "${module.bucket[0].bucket_arn}/records/*"]
  }

  statement {
    sid       = "ReadArchive"
    actions   = ["s3:GetObject"]
    resources = ["${module.bucket[0].bucket_arn}/manifests/*", "${module.bucket[0].bucket_arn}/records/*"]
  }

  # Without it S3 says "denied" of an object that is not there.
  statement {
    sid       = "TellAbsentFromDenied"
    actions   = ["s3:ListBucket"]
    resources = [module.bucket[0].bucket_arn]
  }

  statement {
    sid       = "SignManifests"
    actions   = ["kms:Sign"]
    resources = [module.signing_key[0].key_arn]
  }
}

data "aws_iam_policy_document" "verifier" {
  count = local._export_count

  statement {
    sid       = "ReadArchive"
    actions   = ["s3:GetObject", "s3:GetObjectVersion"]
    resources = ["${module.bucket[0].bucket_arn}/manifests/*", "${module.bucket[0].bucket_arn}/records/*"]
  }

  statement {
    sid       = "ListArchive"
    actions   = ["s3:ListBucket"]
    resources = [module.bucket[0].bucket_arn]
  }

  statement {
    sid       = "ReadPublicKey"
    actions   = ["kms:GetPublicKey"]
    resources = [module.signing_key[0].key_arn]
  }

  statement {
    sid       = "CompareTable"
    actions   = ["dynamodb:Query"]
    resources = [local._hour_index_arn]
  }

  statement {
    sid       = "ReadExportState"
    actions   = ["dynamodb:GetItem"]
    resources = [module.export_table[0].table_arn]
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
    resources = [module.export_table[0].table_arn]
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
