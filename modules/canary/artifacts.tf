# Holds the canary's code and what Synthetics keeps of its runs. The code must not age: only results do.

module "bucket" {
  source = "../private-bucket"
  count  = var.ontap == null ? 0 : 1

  context           = var.context
  expirations       = { results = { days = var.artifacts.retention_days, prefix = "${local._results_path}/" } }
  force_destroy     = var.artifacts.force_destroy
  kms_key_arn       = var.operations.kms_key_arn
  name              = "canary"
  old_versions_days = 7
}
