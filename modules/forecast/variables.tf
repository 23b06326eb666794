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

variable "file_system_id" {
  description = "The FSx for ONTAP file system whose SSD tier, volumes and inodes are forecast."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^fs-[0-9a-f]{8,}$", var.file_system_id))
    error_message = "file_system_id must be the id of a file system, such as fs-0123456789abcdef0."
  }
}

variable "lookback_days" {
  description = "Days of usage that a forecast looks at; 1 to 455, as long as CloudWatch keeps hourly values. A weekly season is found from 14 days on, up to 120."
  type        = number
  default     = 30
  nullable    = false

  validation {
    condition     = var.lookback_days >= 1 && var.lookback_days <= 455
    error_message = "lookback_days must be between 1 and 455."
  }
}

variable "metric_catalogue" {
  description = "The product's metric catalogue, read by the root from python/fsxn_runtime/metric_catalogue.json."
  type        = object({ metrics = map(object({ statistic = string })) })
  nullable    = false
}

variable "minimum_window_days" {
  description = "Days of usage without which there is no forecast; 0 to 30."
  type        = number
  default     = 2
  nullable    = false

  validation {
    condition     = var.minimum_window_days >= 0 && var.minimum_window_days <= 30
    error_message = "minimum_window_days must be between 0 and 30."
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
  description = "Path of the function's zip (build/lambdas/forecast.zip)."
  type        = string
  nullable    = false
}

variable "schedule_expression" {
  description = "When forecasts are made, as an EventBridge rule says it (UTC). At least once a day, or the alarm forecast-missing is raised."
  type        = string
  default     = "cron(0 6 * * ? *)"
  nullable    = false

  validation {
    condition     = can(regex("^(rate|cron)\\(.+\\)$", var.schedule_expression))
    error_message = "schedule_expression must be rate(...) or cron(...)."
  }
}

variable "threshold_days" {
  description = "Days until full at or below which it is told, once; 1 to 3650."
  type        = number
  default     = 30
  nullable    = false

  validation {
    condition     = var.threshold_days >= 1 && var.threshold_days <= 3650
    error_message = "threshold_days must be between 1 and 3650."
  }
}
