# The archive: records and manifests of the export. What lies in it is never written over and, with a lock, never
# deleted before its time.

module "bucket" {
  source = "../private-bucket"
  count  = local._export_count

  context             = var.context
  force_destroy       = var.export.force_destroy
  kms_key_arn         = var.operations.kms_key_arn
  name                = "lineage"
  object_lock_enabled = true # also without a default retention, so that one can be set later in place

  only_writer = {
    role_arn = "arn:${var.context.partition}:iam::${var.context.account_id}:role/${module.export[0].role_name}"
    sid      = "OnlyTheExportWrites"
  }
}

resource "aws_s3_bucket_object_lock_configuration" "export" {
  count = try(var.export.object_lock.mode, "NONE") == "NONE" ? 0 : 1

  bucket = module.bucket[0].bucket_name

  rule {
    default_retention {
      mode  = var.export.object_lock.mode
      years = var.export.object_lock.years
    }
  }
}
