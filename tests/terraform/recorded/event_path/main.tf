# What test_event_path.py applies, or reads the recording of: the way of an event from the server's queue to the bus.

terraform {
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 6.2"
    }
  }
}

variable "endpoint" {
  description = "URL of the local AWS."
  type        = string
}

provider "aws" {
  region = "us-east-1"

  endpoints {
    sqs = var.endpoint # the stand-in provider takes one for all services
  }
}

module "event_router" {
  source = "../../../../modules/event-router"

  context = {
    account_id  = "000000000000"
    name_prefix = "recorded"
    region      = "us-east-1"
  }
  operations   = { notification_topic_arn = "arn:aws:sns:us-east-1:000000000000:recorded" }
  package_path = "../../../../build/lambdas/route.zip"
}

output "ingestion_queue_arn" {
  description = "What the server is given."
  value       = module.event_router.ingestion_queue.arn
}
