provider "aws" {
  region              = var.region
  allowed_account_ids = [var.account_id]

  default_tags {
    tags = { Application = "fsxn-s3ap", Environment = "production", Workload = "shared" }
  }
}
