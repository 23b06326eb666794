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

variable "endpoints" {
  description = "AWS services whose endpoints the VPC has (module vpc-endpoints: services), by the names of the endpoints: s3, sqs, monitoring and so on. The plan names a service that is called from the VPC and is not among them. null: the VPC has another way out, such as a NAT gateway."
  type        = set(string)
  default     = null
}

variable "fsx_recovery" {
  description = "Whether FSx may set the password of fsxadmin when no known one is accepted: off; asked, by fsxn rotation recover --through-fsx; automatic, also by a rotation. Needs the file system's id."
  type = object({
    file_system_id = optional(string, "")
    mode           = optional(string, "off")
  })
  default  = {}
  nullable = false

  validation {
    condition     = contains(["asked", "automatic", "off"], var.fsx_recovery.mode)
    error_message = "fsx_recovery.mode must be off, asked or automatic."
  }

  validation {
    condition     = var.fsx_recovery.mode == "off" || can(regex("^fs-[0-9a-f]{8,}$", var.fsx_recovery.file_system_id))
    error_message = "fsx_recovery.file_system_id must be fs- and at least 8 hexadecimal digits, unless fsx_recovery.mode is off."
  }
}

variable "login_limits" {
  description = "So that the account is never locked: refused logins in a row (3 to 20) after which no more are sent until a person asks, and the pause in seconds (0 to 60) after a round of them. Keep refused below the role's max-failed-login-attempts, which is 6 by default, with room for the account's other users."
  type = object({
    pause_seconds = optional(number, 30)
    refused       = optional(number, 4)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.login_limits.refused >= 3 && var.login_limits.refused <= 20 && floor(var.login_limits.refused) == var.login_limits.refused
    error_message = "login_limits.refused must be a whole number between 3 and 20: a round over the known passwords takes three."
  }

  validation {
    condition     = var.login_limits.pause_seconds >= 0 && var.login_limits.pause_seconds <= 60 && floor(var.login_limits.pause_seconds) == var.login_limits.pause_seconds
    error_message = "login_limits.pause_seconds must be a whole number between 0 and 60."
  }
}

variable "metric_catalogue" {
  description = "The product's metric catalogue, read by the root from python/fsxn_runtime/metric_catalogue.json."
  type        = object({ metrics = map(object({ statistic = string })) })
  nullable    = false
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
  description = "Path of the function's zip, build/lambdas/rotate.zip."
  type        = string
  nullable    = false
}

variable "password_method" {
  description = "How the password is changed over REST: account changes the account's record, which fsxadmin and accounts with its role may; own changes one's own password, for roles that may not change accounts."
  type        = string
  default     = "account"
  nullable    = false

  validation {
    condition     = contains(["account", "own"], var.password_method)
    error_message = "password_method must be account or own."
  }
}

variable "probes" {
  description = "REST paths that the account's users read: before and after a change the account must be allowed to read each."
  type        = set(string)
  default     = ["/api/cluster", "/api/protocols/fpolicy", "/api/storage/volumes", "/api/svm/svms"]
  nullable    = false

  validation {
    condition     = length(var.probes) > 0 && alltrue([for path in var.probes : can(regex("^/api/[a-z0-9/_-]+$", path))])
    error_message = "probes needs at least one path such as /api/storage/volumes, without a query."
  }
}

variable "rotate_immediately" {
  description = "true: the apply that switches rotation on changes the password at once, and every client takes the new one with its next call. false: that apply only tests that the function can log in, and the first change comes by schedule."
  type        = bool
  default     = true
  nullable    = false
}

variable "schedule" {
  description = "When the password changes: every so many days (1 to 1000), or in place of them an expression, rate(10 days) or cron(0 8 1 * ? *), in UTC; the window's duration, such as 3h; and the age in days that raises the alarm (null: days and a week)."
  type = object({
    days         = optional(number, 90)
    duration     = optional(string)
    expression   = optional(string)
    overdue_days = optional(number)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.schedule.days >= 1 && var.schedule.days <= 1000 && floor(var.schedule.days) == var.schedule.days
    error_message = "schedule.days must be a whole number between 1 and 1000."
  }

  validation {
    condition     = var.schedule.expression == null || can(regex("^(rate|cron)\\(.+\\)$", var.schedule.expression))
    error_message = "schedule.expression must be rate(...) or cron(...), or null."
  }

  validation {
    condition     = var.schedule.duration == null || can(regex("^[0-9]{1,2}h$", var.schedule.duration))
    error_message = "schedule.duration must be hours such as 3h, or null."
  }

  validation {
    condition     = var.schedule.expression == null || var.schedule.overdue_days != null
    error_message = "schedule.overdue_days must be set with schedule.expression: the age cannot be read from it."
  }
}

variable "secret" {
  description = "The secret with ONTAP's credentials: its full ARN (with the six characters that Secrets Manager adds) and the ARN of the customer key that encrypts it (null: the key that AWS manages)."
  type = object({
    arn         = string
    kms_key_arn = optional(string)
  })
  nullable = false

  validation {
    condition     = can(regex("^arn:[^:]+:secretsmanager:[^:]+:[0-9]{12}:secret:[^*?]+-[A-Za-z0-9]{6}$", var.secret.arn))
    error_message = "secret.arn must be the full ARN of one secret, which ends in a hyphen and six letters or digits."
  }
}

variable "unfinished_hours" {
  description = "Hours (1 to 48) after which a rotation that has not ended raises an alarm."
  type        = number
  default     = 2
  nullable    = false

  validation {
    condition     = var.unfinished_hours >= 1 && var.unfinished_hours <= 48
    error_message = "unfinished_hours must be between 1 and 48."
  }
}

variable "vpc" {
  description = "Subnets and security groups from which ONTAP and Secrets Manager can be reached (output vpc of module ontap-access)."
  type = object({
    security_group_ids = set(string)
    subnet_ids         = set(string)
  })
  nullable = false
}
