locals {
  # Whose cost it is.
  _context = merge(var.context, { tags = merge(var.context.tags, { Workload = var.uc_id }) })
}

resource "aws_s3_bucket" "output" {
  # checkov:skip=CKV_AWS_18:who reads reports is in CloudTrail data events, which the account's owner configures once
  # checkov:skip=CKV_AWS_144:reports can be made again from the files; a second Region is the owner's choice
  # checkov:skip=CKV2_AWS_62:nothing here reacts to a report; consumers add their own notification
  bucket        = "${var.context.name_prefix}-${var.uc_id}-${var.context.account_id}"
  force_destroy = var.output.force_destroy
  tags          = local._context.tags
}

resource "aws_s3_bucket_ownership_controls" "output" {
  bucket = aws_s3_bucket.output.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_public_access_block" "output" {
  bucket                  = aws_s3_bucket.output.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_versioning" "output" {
  bucket = aws_s3_bucket.output.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "output" {
  bucket = aws_s3_bucket.output.id

  rule {
    bucket_key_enabled = var.operations.kms_key_arn != null

    apply_server_side_encryption_by_default {
      kms_master_key_id = var.operations.kms_key_arn
      sse_algorithm     = var.operations.kms_key_arn == null ? "AES256" : "aws:kms"
    }
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "output" {
  bucket = aws_s3_bucket.output.id

  rule {
    id     = "old-versions"
    status = "Enabled"

    filter {}

    # A report is written once per work key; an older version exists only when a step ran twice.
    noncurrent_version_expiration {
      noncurrent_days = 30
    }

    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
  }

  depends_on = [aws_s3_bucket_versioning.output]
}

module "process" {
  source = "../lambda-function"

  context      = local._context
  name         = "${var.uc_id}-process"
  description  = "Reads one file through the access point and writes its inventory report."
  endpoints    = var.endpoints
  handler      = "fsxn_runtime.workloads.content_inventory.handler.handler"
  operations   = var.operations
  package_path = var.package_path
  policies = {
    inventory = data.aws_iam_policy_document.process.json
    lineage   = var.lineage.writer_policy
  }
  reserved_concurrency = var.process.reserved_concurrency
  runtime              = { memory_mb = var.process.memory_mb, timeout_seconds = var.process.timeout_seconds }
  services             = ["dynamodb", "s3"]
  vpc                  = var.vpc

  environment = {
    ACCESS_POINT     = var.access_point.alias
    JUNCTION_PATH    = var.junction_path
    LINEAGE_TABLE    = var.lineage.table_name
    LINEAGE_TTL_DAYS = var.lineage.ttl_days
    LOG_LEVEL        = var.operations.log_level
    METRIC_NAMESPACE = var.operations.metric_namespace
    OUTPUT_BUCKET    = aws_s3_bucket.output.bucket
    OUTPUT_PREFIX    = var.output.prefix
    UC_ID            = var.uc_id
  }
}
