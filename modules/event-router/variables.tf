variable "archive_retention_days" {
  description = "Days that the bus keeps events for a replay; 1 to 365."
  type        = number
  default     = 14
  nullable    = false

  validation {
    condition     = var.archive_retention_days >= 1 && var.archive_retention_days <= 365
    error_message = "archive_retention_days must be between 1 and 365; 0 would keep events for ever."
  }
}

variable "context" {
  description = "Where this runs and how it is named: account id, region, partition, prefix of every name (2 to 24 lower-case letters, digits, hyphens), and tags beyond the provider's default tags."
  type = object({
    account_id  = string
    name_prefix = string
    partition   = optional(string, "aws")
    region      = string
    tags        = optional(map(string), {})
  })
  nullable = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,22}[a-z0-9]$", var.context.name_prefix))
    error_message = "context.name_prefix must have 2 to 24 lower-case letters, digits and hyphens, and start with a letter."
  }
}

variable "ingestion_age_threshold_seconds" {
  description = "Age of the oldest event in the ingestion queue, in seconds, that raises the alarm after three minutes."
  type        = number
  default     = 60
  nullable    = false

  validation {
    condition     = var.ingestion_age_threshold_seconds >= 1
    error_message = "ingestion_age_threshold_seconds must be at least 1."
  }
}

variable "kms_key_arn" {
  description = "ARN of a customer key for everything stored here; its policy must admit the services that write (module README). null: keys that AWS owns."
  type        = string
  default     = null
}

variable "log_level" {
  description = "Lowest level that the functions log: DEBUG, INFO, WARNING or ERROR."
  type        = string
  default     = "INFO"
  nullable    = false

  validation {
    condition     = contains(["DEBUG", "INFO", "WARNING", "ERROR"], var.log_level)
    error_message = "log_level must be DEBUG, INFO, WARNING or ERROR."
  }
}

variable "log_retention_days" {
  description = "Days that CloudWatch keeps the logs; one of the values CloudWatch allows."
  type        = number
  default     = 365
  nullable    = false
}

variable "max_receive_count" {
  description = "Receives after which a message moves to the dead-letter queue; 5 to 1000. AWS advises at least 5 for a Lambda source."
  type        = number
  default     = 5
  nullable    = false

  validation {
    condition     = var.max_receive_count >= 5 && var.max_receive_count <= 1000
    error_message = "max_receive_count must be between 5 and 1000."
  }
}

variable "metric_namespace" {
  description = "CloudWatch namespace of the product's own metrics."
  type        = string
  default     = "FSxN-S3AP-Patterns"
  nullable    = false

  validation {
    condition     = can(regex("^[0-9A-Za-z._/#-]{1,255}$", var.metric_namespace)) && !startswith(var.metric_namespace, "AWS/")
    error_message = "metric_namespace must have 1 to 255 letters, digits, '.', '_', '/', '#', '-', and must not begin with AWS/."
  }
}

variable "notification_topic_arn" {
  description = "ARN of the topic that every alarm publishes to (module notifications)."
  type        = string
  nullable    = false
}

variable "package_path" {
  description = "Path of the router's zip (build/lambdas/route.zip)."
  type        = string
  nullable    = false
}

variable "router" {
  description = "Router: messages per batch (1 to 10000), batching window in seconds (0 to 300; at least 1 above 10 messages), parallel invocations (2 to 1000), memory in MB, time limit in seconds (10 to 900)."
  type = object({
    batch_size              = optional(number, 100)
    batching_window_seconds = optional(number, 1)
    maximum_concurrency     = optional(number, 10)
    memory_mb               = optional(number, 256)
    timeout_seconds         = optional(number, 60)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.router.batch_size >= 1 && var.router.batch_size <= 10000
    error_message = "router.batch_size must be between 1 and 10000."
  }

  validation {
    condition     = var.router.batching_window_seconds >= 0 && var.router.batching_window_seconds <= 300
    error_message = "router.batching_window_seconds must be between 0 and 300."
  }

  validation {
    condition     = var.router.batch_size <= 10 || var.router.batching_window_seconds >= 1
    error_message = "router.batching_window_seconds must be at least 1 when router.batch_size is above 10."
  }

  validation {
    condition     = var.router.maximum_concurrency >= 2 && var.router.maximum_concurrency <= 1000
    error_message = "router.maximum_concurrency must be between 2 and 1000."
  }

  validation {
    condition     = var.router.timeout_seconds >= 10 && var.router.timeout_seconds <= 900
    error_message = "router.timeout_seconds must be between 10 and 900."
  }
}

variable "tracing_enabled" {
  description = "Whether X-Ray traces the invocations that it samples."
  type        = bool
  default     = true
  nullable    = false
}
