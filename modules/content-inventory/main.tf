locals {
  # Whose cost it is.
  _context = merge(var.context, { tags = merge(var.context.tags, { Workload = var.uc_id }) })
}

module "bucket" {
  source = "../private-bucket"

  context           = local._context
  force_destroy     = var.output.force_destroy
  kms_key_arn       = var.operations.kms_key_arn
  name              = var.uc_id
  old_versions_days = 30 # a report is written once per work key; an older version exists only when a step ran twice
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
    OUTPUT_BUCKET    = module.bucket.bucket_name
    OUTPUT_PREFIX    = var.output.prefix
    UC_ID            = var.uc_id
  }
}
