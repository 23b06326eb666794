# The local AWS: its address comes from AWS_ENDPOINT_URL alone, the key pair is the emulator's own.
provider "aws" {
  region                      = var.region
  access_key                  = "test"
  secret_key                  = "test"
  s3_use_path_style           = true
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_requesting_account_id  = true

  default_tags {
    tags = { Application = "fsxn-s3ap", Environment = "local", Workload = "shared" }
  }
}
