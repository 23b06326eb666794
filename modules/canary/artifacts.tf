# Holds the canary's code and what Synthetics keeps of its runs.

resource "aws_s3_bucket" "artifacts" {
  # checkov:skip=CKV_AWS_18:results of runs that are also in the log; who reads them is in CloudTrail data events
  # checkov:skip=CKV_AWS_144:results of a check of one Region mean nothing in another
  # checkov:skip=CKV2_AWS_62:nothing reacts to a result; the alarms do
  count = var.ontap == null ? 0 : 1

  bucket        = "${var.context.name_prefix}-canary-${var.context.account_id}"
  force_destroy = var.artifacts.force_destroy
  tags          = var.context.tags
}

resource "aws_s3_bucket_ownership_controls" "artifacts" {
  count = var.ontap == null ? 0 : 1

  bucket = aws_s3_bucket.artifacts[0].id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_public_access_block" "artifacts" {
  count = var.ontap == null ? 0 : 1

  bucket                  = aws_s3_bucket.artifacts[0].id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_versioning" "artifacts" {
  count = var.ontap == null ? 0 : 1

  bucket = aws_s3_bucket.artifacts[0].id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "artifacts" {
  count = var.ontap == null ? 0 : 1

  bucket = aws_s3_bucket.artifacts[0].id

  rule {
    bucket_key_enabled = var.operations.kms_key_arn != null

    apply_server_side_encryption_by_default {
      kms_master_key_id = var.operations.kms_key_arn
      sse_algorithm     = var.operations.kms_key_arn == null ? "AES256" : "aws:kms"
    }
  }
}

# The code must not age: only results do.
resource "aws_s3_bucket_lifecycle_configuration" "artifacts" {
  count = var.ontap == null ? 0 : 1

  bucket = aws_s3_bucket.artifacts[0].id

  rule {
    id     = "results"
    status = "Enabled"

    filter {
      prefix = "${local._results_path}/"
    }

    expiration {
      days = var.artifacts.retention_days
    }
  }

  rule {
    id     = "old-versions"
    status = "Enabled"

    filter {}

    noncurrent_version_expiration {
      noncurrent_days = 7
    }

    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
  }

  depends_on = [aws_s3_bucket_versioning.artifacts]
}
