# Expansion with approval by link, and only what that needs: for tests/local/test_approval_link.py.

terraform {
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.0"
    }
  }
}

provider "aws" {
  region                      = "us-east-1"
  access_key                  = "test"
  secret_key                  = "test"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_requesting_account_id  = true
}

variable "authorization" {
  type    = string
  default = "NONE"
}

variable "volume_id" {
  type = string
}

locals {
  context = {
    account_id  = "000000000000"
    name_prefix = "fsxn-approve"
    region      = "us-east-1"
  }
  file_system_id   = "fs-0123456789abcdef0"
  metric_catalogue = jsondecode(file("../../../../python/fsxn_runtime/metric_catalogue.json"))
  operations = {
    notification_topic_arn = module.notifications.topic_arn
    tracing_enabled        = false
  }
  packages = "../../../../build/lambdas"
}

module "notifications" {
  source = "../../../../modules/notifications"

  context = local.context
}

module "lineage" {
  source = "../../../../modules/lineage"

  context                     = local.context
  deletion_protection_enabled = false
  operations                  = local.operations
}

module "guardrails" {
  source = "../../../../modules/guardrails"

  context                     = local.context
  deletion_protection_enabled = false
  limits                      = { cooldown_seconds = 0, daily_cap_gb = 250, daily_caps_gb = { file_system_grow = 100 } }
  metric_catalogue            = local.metric_catalogue
  operations                  = local.operations
  topic_kms_key_arn           = module.notifications.kms_key_arn
}

module "expansion" {
  source = "../../../../modules/expansion"

  context                     = local.context
  deletion_protection_enabled = false
  file_system_id              = local.file_system_id
  metric_catalogue            = local.metric_catalogue
  operations                  = local.operations
  package_path                = "${local.packages}/expand.zip"
  topic_kms_key_arn           = module.notifications.kms_key_arn
  volumes                     = { vol1 = { id = var.volume_id } }

  approval_link = {
    authorization = var.authorization
    package_path  = "${local.packages}/approve.zip"
    reason        = "the local AWS has no proxy that signs"
  }

  guardrail = {
    settings    = module.guardrails.settings
    user_policy = module.guardrails.user_policy
  }

  lineage = {
    table_name    = module.lineage.table_name
    ttl_days      = module.lineage.ttl_days
    writer_policy = module.lineage.writer_policy
  }
}

output "approval" {
  value = module.expansion.approval_link
}

output "expansion" {
  value = {
    function_name = module.expansion.function.function_name
    log_groups    = [module.expansion.function.log_group_name, "/aws/lambda/${module.expansion.approval_link.function_name}"]
    table_name    = module.expansion.operation_table_name
  }
}

output "guardrail_table" {
  value = module.guardrails.settings.table_name
}

output "topic_arn" {
  value = module.notifications.topic_arn
}
