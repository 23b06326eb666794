variable "alarm_threshold" {
  description = "Suspicious renames within a minute that raise the alarm; at least 1. One alone is told by the function."
  type        = number
  default     = 20
  nullable    = false

  validation {
    condition     = var.alarm_threshold >= 1
    error_message = "alarm_threshold must be at least 1."
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

variable "extensions" {
  description = "Extensions, without the dot, that make a rename suspicious; case does not matter. The default names some that ransomware is known to use. It is a beginning: keep a list of your own."
  type        = set(string)
  default     = ["crypt", "crypted", "crypto", "encrypted", "enc", "locked", "lockbit", "wncry", "wcry", "zepto"]
  nullable    = false

  validation {
    condition     = length(var.extensions) > 0 && alltrue([for extension in var.extensions : can(regex("^[0-9A-Za-z_-]+([.][0-9A-Za-z_-]+)*$", extension))])
    error_message = "extensions needs at least one, of letters, digits, '_', '-', and '.' only inside."
  }
}

variable "lineage" {
  description = "The lineage table: name, days a record is kept (0: for ever), and the policy document of a writer (all outputs of module lineage)."
  type = object({
    table_name    = string
    ttl_days      = number
    writer_policy = string
  })
  nullable = false
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
  description = "Path of the process function's zip (build/lambdas/rename-watcher.zip)."
  type        = string
  nullable    = false
}

variable "topic_kms_key_arn" {
  description = "ARN of the key that encrypts the notification topic (output of module notifications)."
  type        = string
  nullable    = false
}

variable "uc_id" {
  description = "Identifier of the workload, part of every name; 2 to 20 lower-case letters, digits and hyphens."
  type        = string
  default     = "rename-watcher"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,18}[a-z0-9]$", var.uc_id))
    error_message = "uc_id must have 2 to 20 lower-case letters, digits and hyphens, and start with a letter."
  }
}

variable "window_seconds" {
  description = "How long people are not told again after they were told, in seconds; 60 to 86400. What happens meanwhile is counted."
  type        = number
  default     = 900
  nullable    = false

  validation {
    condition     = var.window_seconds >= 60 && var.window_seconds <= 86400
    error_message = "window_seconds must be between 60 and 86400."
  }
}
