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

variable "cloudevents" {
  description = "Consumers that receive file events as CloudEvents 1.0, by name (1 to 24 lower-case letters, digits, hyphens): ARN of the consumer's standard SQS queue, whose policy must admit the rule (output cloudevents_rule_arns); event types wanted, empty for all."
  type = map(object({
    event_types = optional(list(string), [])
    queue_arn   = string
  }))
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for name in keys(var.cloudevents) : can(regex("^[a-z0-9][a-z0-9-]{0,23}$", name))])
    error_message = "A name in cloudevents must have 1 to 24 lower-case letters, digits and hyphens."
  }

  validation {
    condition     = alltrue([for consumer in values(var.cloudevents) : can(regex("^arn:[a-z-]+:sqs:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,80}$", consumer.queue_arn))])
    error_message = "cloudevents.queue_arn must be the ARN of a standard SQS queue; a FIFO queue would need a group for every event."
  }

  validation {
    condition = alltrue(flatten([for consumer in values(var.cloudevents) : [for type in consumer.event_types : contains([
      "FILE_CREATE", "FILE_WRITE", "FILE_DELETE", "FILE_RENAME", "FILE_OPEN", "FILE_CLOSE", "FILE_READ", "FILE_LINK",
      "FILE_SYMLINK", "FILE_LOOKUP", "FILE_GETATTR", "FILE_SETATTR", "DIR_CREATE", "DIR_DELETE", "DIR_RENAME", "UNKNOWN",
    ], type)]]))
    error_message = "cloudevents.event_types must be types of the file event, such as FILE_CREATE."
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

variable "operations" {
  description = "How everything here is operated: topic that every alarm publishes to (module notifications), ARN of a customer key for what is stored (null: keys that AWS owns; which services its policy must admit: docs/howto/customer-key.md), lowest log level, days that logs are kept, namespace of the product's metrics, whether X-Ray traces."
  type = object({
    kms_key_arn            = optional(string)
    log_level              = optional(string, "INFO")
    log_retention_days     = optional(number, 365)
    metric_namespace       = optional(string, "FSxN-S3AP-Patterns")
    notification_topic_arn = string
    tracing_enabled        = optional(bool, true)
  })
  nullable = false

  validation {
    condition     = contains(["DEBUG", "INFO", "WARNING", "ERROR"], var.operations.log_level)
    error_message = "operations.log_level must be DEBUG, INFO, WARNING or ERROR."
  }

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.operations.log_retention_days)
    error_message = "operations.log_retention_days must be a period that CloudWatch Logs knows, such as 30, 90, 365 or 731."
  }

  validation {
    condition     = can(regex("^[0-9A-Za-z._/#-]{1,255}$", var.operations.metric_namespace)) && !startswith(var.operations.metric_namespace, "AWS/")
    error_message = "operations.metric_namespace must have 1 to 255 letters, digits, '.', '_', '/', '#', '-', and must not begin with AWS/."
  }
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
