terraform {
  required_version = ">= 1.11"

  # terraform init -backend-config=backend.hcl names bucket, key and region; the lock is an object beside the state.
  backend "s3" {
    encrypt      = true
    use_lockfile = true
  }

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.0"
    }
  }
}
