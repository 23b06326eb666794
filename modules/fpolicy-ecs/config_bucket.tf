# Holds the volume map: SVM and volume ids on the wire to their names and junction paths.

resource "aws_s3_bucket" "config" {
  # checkov:skip=CKV_AWS_18:one small configuration object; who reads it is in CloudTrail data events
  # checkov:skip=CKV_AWS_144:the volume map is made again from ONTAP at any time
  # checkov:skip=CKV2_AWS_62:the server reads the object at intervals; nothing reacts to a change
  bucket        = "${var.context.name_prefix}-config-${var.context.account_id}"
  force_destroy = var.config_force_destroy
  tags          = var.context.tags
}

resource "aws_s3_bucket_ownership_controls" "config" {
  bucket = aws_s3_bucket.config.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_public_access_block" "config" {
  bucket                  = aws_s3_bucket.config.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_versioning" "config" {
  bucket = aws_s3_bucket.config.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "config" {
  bucket = aws_s3_bucket.config.id

  rule {
    bucket_key_enabled = var.operations.kms_key_arn != null

    apply_server_side_encryption_by_default {
      kms_master_key_id = var.operations.kms_key_arn
      sse_algorithm     = var.operations.kms_key_arn == null ? "AES256" : "aws:kms"
    }
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "config" {
  bucket = aws_s3_bucket.config.id

  rule {
    id     = "old-versions"
    status = "Enabled"

    filter {}

    noncurrent_version_expiration {
      noncurrent_days = 90
    }

    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
  }

  depends_on = [aws_s3_bucket_versioning.config]
}
