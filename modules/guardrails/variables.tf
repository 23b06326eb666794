variable "action_types" {
  description = "Action types that a guarded function may ask for; each becomes a key that its policy names."
  type        = set(string)
  default     = ["file_system_grow", "volume_grow"]
  nullable    = false

  validation {
    condition     = length(var.action_types) > 0 && alltrue([for name in var.action_types : can(regex("^[A-Za-z][A-Za-z0-9_.-]{0,63}$", name))])
    error_message = "action_types needs at least one name of 1 to 64 letters, digits, '_', '.', '-', beginning with a letter."
  }

  # Keys of grants: a function whose policy had them could give itself one.
  validation {
    condition     = length(setintersection(var.action_types, ["BREAK_GLASS", "BREAK_GLASS_END"])) == 0
    error_message = "action_types must not contain BREAK_GLASS or BREAK_GLASS_END, which belong to grants."
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

variable "deletion_protection_enabled" {
  description = "Whether DynamoDB refuses to delete the table. true wherever the audit counts."
  type        = bool
  default     = true
  nullable    = false
}

variable "dry_run_executes" {
  description = "Whether an action runs in DRY_RUN (the guardrail is dry, not the action). false: nothing runs, and the result says so."
  type        = bool
  default     = true
  nullable    = false
}

variable "file_system_sizes_gb" {
  description = "SSD capacity in GiB of the file systems that may grow, by a fixed name: a plan warns when a step of 10 %, the least that FSx takes, is above the cap."
  type        = map(number)
  default     = {}
  nullable    = false
}

variable "limits" {
  description = "Per action type: actions per UTC day (0 to 400), GiB per UTC day, other GiB per day for some action types, seconds between two actions (0 to 604800), failures in a row that block (1 to 100)."
  type = object({
    cooldown_seconds = optional(number, 300)
    daily_cap_gb     = optional(number, 500)
    daily_caps_gb    = optional(map(number), {})
    max_failures     = optional(number, 3)
    rate_limit       = optional(number, 10)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.limits.rate_limit >= 0 && var.limits.rate_limit <= 400 && floor(var.limits.rate_limit) == var.limits.rate_limit
    error_message = "limits.rate_limit must be a whole number between 0 and 400."
  }

  validation {
    condition     = alltrue([for cap in concat([var.limits.daily_cap_gb], values(var.limits.daily_caps_gb)) : cap >= 0 && cap <= 1073741824 && floor(cap) == cap])
    error_message = "limits.daily_cap_gb and each of limits.daily_caps_gb must be a whole number between 0 and 1073741824."
  }

  validation {
    condition     = length(setsubtract(keys(var.limits.daily_caps_gb), var.action_types)) == 0
    error_message = "limits.daily_caps_gb names an action type that is not in action_types."
  }

  validation {
    condition     = var.limits.cooldown_seconds >= 0 && var.limits.cooldown_seconds <= 604800 && floor(var.limits.cooldown_seconds) == var.limits.cooldown_seconds
    error_message = "limits.cooldown_seconds must be a whole number between 0 and 604800."
  }

  validation {
    condition     = var.limits.max_failures >= 1 && var.limits.max_failures <= 100 && floor(var.limits.max_failures) == var.limits.max_failures
    error_message = "limits.max_failures must be a whole number between 1 and 100."
  }
}

variable "metric_catalogue" {
  description = "The product's metric catalogue, read by the root from python/fsxn_runtime/metric_catalogue.json."
  type        = object({ metrics = map(object({ statistic = string })) })
  nullable    = false
}

variable "mode" {
  description = "ENFORCE decides; DRY_RUN only says what it would have denied, and the actions run; BREAK_GLASS passes with a live grant, and without the table."
  type        = string
  default     = "ENFORCE"
  nullable    = false

  validation {
    condition     = contains(["BREAK_GLASS", "DRY_RUN", "ENFORCE"], var.mode)
    error_message = "mode must be ENFORCE, DRY_RUN or BREAK_GLASS."
  }
}

variable "operations" {
  description = "How everything here is operated: topic that every alarm publishes to (module notifications), ARN of a customer key for what is stored (null: keys that AWS owns), namespace of the product's metrics."
  type = object({
    kms_key_arn            = optional(string)
    metric_namespace       = optional(string, "FSxN-S3AP-Patterns")
    notification_topic_arn = string
  })
  nullable = false

  validation {
    condition     = can(regex("^[0-9A-Za-z._/#-]{1,255}$", var.operations.metric_namespace)) && !startswith(var.operations.metric_namespace, "AWS/")
    error_message = "operations.metric_namespace must have 1 to 255 letters, digits, '.', '_', '/', '#', '-', and must not begin with AWS/."
  }
}

variable "topic_kms_key_arn" {
  description = "ARN of the key that encrypts the notification topic (output of module notifications)."
  type        = string
  nullable    = false
}
