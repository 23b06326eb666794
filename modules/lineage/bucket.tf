# The archive: records and manifests of the export. What lies in it is never written over and, with a lock, never
# deleted before its time.

resource "aws_s3_bucket" "export" {
  # checkov:skip=CKV_AWS_18:who reads or writes evidence is in CloudTrail data events, which this bucket must not hold itself
  # checkov:skip=CKV_AWS_144:a second copy in another Region is the owner's choice; the table and its backups are one
  # checkov:skip=CKV2_AWS_62:nothing reacts to an export; verification reads it
  count = local._export_count

  bucket              = local._bucket_name
  force_destroy       = var.export.force_destroy
  object_lock_enabled = true # also without a default retention, so that one can be set later in place
  tags                = var.context.tags
}

resource "aws_s3_bucket_ownership_controls" "export" {
  count = local._export_count

  bucket = aws_s3_bucket.export[0].id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_public_access_block" "export" {
  count = local._export_count

  bucket                  = aws_s3_bucket.export[0].id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_versioning" "export" {
  count = local._export_count

  bucket = aws_s3_bucket.export[0].id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_object_lock_configuration" "export" {
  count = try(var.export.object_lock.mode, "NONE") == "NONE" ? 0 : 1

  bucket = aws_s3_bucket.export[0].id

  rule {
    default_retention {
      mode  = var.export.object_lock.mode
      years = var.export.object_lock.years
    }
  }

  depends_on = [aws_s3_bucket_versioning.export]
}

resource "aws_s3_bucket_server_side_encryption_configuration" "export" {
  count = local._export_count

  bucket = aws_s3_bucket.export[0].id

  rule {
    bucket_key_enabled = var.operations.kms_key_arn != null

    apply_server_side_encryption_by_default {
      kms_master_key_id = var.operations.kms_key_arn
      sse_algorithm     = var.operations.kms_key_arn == null ? "AES256" : "aws:kms"
    }
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "export" {
  count = local._export_count

  bucket = aws_s3_bucket.export[0].id

  rule {
    id     = "uploads-that-broke-off"
    status = "Enabled"

    filter {}

    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
  }

  depends_on = [aws_s3_bucket_versioning.export]
}

resource "aws_s3_bucket_policy" "export" {
  count = local._export_count

  bucket = aws_s3_bucket.export[0].id
  policy = data.aws_iam_policy_document.bucket[0].json

  depends_on = [aws_s3_bucket_public_access_block.export]
}
