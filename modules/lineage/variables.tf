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

variable "deletion_protection_enabled" {
  description = "Whether DynamoDB refuses to delete the table. true for anything that an audit may ask for."
  type        = bool
  default     = true
  nullable    = false
}

variable "export" {
  description = "Export of each hour's records to a bucket, with signed manifests; null: none. package_path is build/lambdas/lineage-export.zip. object_lock: mode GOVERNANCE, COMPLIANCE (nobody can shorten it or delete before its end, not even the account's root; the bucket cannot be destroyed before) or NONE, and years (1 to 100) from each object's writing. grace_minutes (1 to 59): how long after its end an hour is left open for late writers. max_hours (1 to 1000): what one run catches up. since: first hour (2026-01-31T12, UTC); empty: that of the first run. schedule_expression: when, as an EventBridge rule says it; at least hourly. force_destroy: whether destroy deletes what is exported, bypassing GOVERNANCE."
  type = object({
    force_destroy = optional(bool, false)
    grace_minutes = optional(number, 15)
    max_hours     = optional(number, 48)
    object_lock = optional(object({
      mode  = optional(string, "GOVERNANCE")
      years = optional(number, 7)
    }), {})
    package_path        = string
    schedule_expression = optional(string, "cron(20 * * * ? *)")
    since               = optional(string, "")
  })
  default = null

  validation {
    condition     = try(contains(["NONE", "GOVERNANCE", "COMPLIANCE"], var.export.object_lock.mode), var.export == null)
    error_message = "export.object_lock.mode must be NONE, GOVERNANCE or COMPLIANCE."
  }

  validation {
    condition     = try(var.export.object_lock.years >= 1 && var.export.object_lock.years <= 100 && floor(var.export.object_lock.years) == var.export.object_lock.years, var.export == null)
    error_message = "export.object_lock.years must be a whole number between 1 and 100."
  }

  validation {
    condition     = try(!(var.export.force_destroy && var.export.object_lock.mode == "COMPLIANCE"), var.export == null)
    error_message = "export.force_destroy cannot be: nobody can delete what is locked in mode COMPLIANCE."
  }

  validation {
    condition     = try(var.export.grace_minutes >= 1 && var.export.grace_minutes <= 59 && floor(var.export.grace_minutes) == var.export.grace_minutes, var.export == null)
    error_message = "export.grace_minutes must be a whole number between 1 and 59."
  }

  validation {
    condition     = try(var.export.max_hours >= 1 && var.export.max_hours <= 1000 && floor(var.export.max_hours) == var.export.max_hours, var.export == null)
    error_message = "export.max_hours must be a whole number between 1 and 1000."
  }

  validation {
    condition     = try(length(regexall("^(rate|cron)\\(.+\\)$", var.export.schedule_expression)) == 1, var.export == null)
    error_message = "export.schedule_expression must be rate(...) or cron(...)."
  }

  validation {
    condition     = try(var.export.since == "" || can(regex("^[0-9]{4}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3])$", var.export.since)), var.export == null)
    error_message = "export.since must be an hour such as 2026-01-31T12, or empty."
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

variable "ttl_days" {
  description = "Days after which a record expires; 0 keeps it for ever. Writers stamp it, so a change concerns new records only."
  type        = number
  default     = 365
  nullable    = false

  validation {
    condition     = var.ttl_days >= 0 && var.ttl_days <= 36500 && floor(var.ttl_days) == var.ttl_days
    error_message = "ttl_days must be a whole number between 0 and 36500."
  }
}
