terraform {
  required_version = ">= 1.11"

  # A proof of concept keeps its state beside the code, so that one person can try it without a bucket.
  backend "local" {}

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.0"
    }
  }
}
