# Holds the volume map: SVM and volume ids on the wire to their names and junction paths. It is made again at any time.

module "bucket" {
  source = "../private-bucket"

  context           = var.context
  force_destroy     = var.config_force_destroy
  kms_key_arn       = var.operations.kms_key_arn
  name              = "config"
  old_versions_days = 90
}
