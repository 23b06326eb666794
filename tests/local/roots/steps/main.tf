# A workload with steps of its own, and only what that needs: for tests/local/test_own_steps.py.

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

variable "access_point" {
  type = object({ alias = string, arn = string })
}

variable "bus_name" {
  type = string
}

variable "functions" {
  type = object({ convert = string, inspect = string })
}

locals {
  context = {
    account_id  = "000000000000"
    name_prefix = "fsxn-steps"
    region      = "us-east-1"
  }
  modules = "../../../../modules"
  operations = {
    notification_topic_arn = module.notifications.topic_arn
    tracing_enabled        = false
  }
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

module "workload" {
  source = "../../../../modules/workload"

  access_point                = var.access_point
  bus_name                    = var.bus_name
  context                     = local.context
  deletion_protection_enabled = false
  operations                  = local.operations
  data_classification         = "restricted"
  records                     = { decisions = "all", uc_template_version = "two-steps" }
  settle_seconds              = 1
  uc_id                       = "convert"

  lineage = {
    table_name    = module.lineage.table_name
    ttl_days      = module.lineage.ttl_days
    writer_policy = module.lineage.writer_policy
  }

  package_paths = {
    finish = "../../../../build/lambdas/finish.zip"
    start  = "../../../../build/lambdas/start.zip"
  }

  scope = {
    junction_path = "/vol1"
    svm_names     = ["svm1"]
    volume_names  = ["vol1"]
  }

  steps = {
    definition = templatefile("${local.modules}/workload/examples/two-steps.asl.json.tftpl", {
      convert_function_arn = var.functions.convert
      inspect_function_arn = var.functions.inspect
      partition            = "aws"
    })
    function_arns = [var.functions.convert, var.functions.inspect]
  }
}

output "dead_letter_queue_url" {
  value = module.workload.dead_letter_queue_url
}

output "lineage_table_name" {
  value = module.lineage.table_name
}

output "state_machine_arn" {
  value = module.workload.state_machine.arn
}

output "state_table_name" {
  value = module.workload.state_table_name
}
