variable "approval_link" {
  description = "Approval by a link in the notification, besides the command; only at level propose. authorization: AWS_IAM (only who signs, such as a proxy behind single sign-on, reaches the page) or NONE (whoever has the link decides; `reason` must say why that is right). base_url: where the proxy is reached (null: the function URL). concurrency: requests at a time, which bounds their rate. package_path: build/lambdas/approve.zip. null: no link."
  type = object({
    authorization = optional(string, "AWS_IAM")
    base_url      = optional(string)
    concurrency   = optional(number, 2)
    package_path  = string
    reason        = optional(string, "")
  })
  default = null

  validation {
    condition     = try(contains(["AWS_IAM", "NONE"], var.approval_link.authorization), var.approval_link == null)
    error_message = "approval_link.authorization must be AWS_IAM or NONE."
  }

  validation {
    condition     = try(var.approval_link.authorization != "NONE" || length(trimspace(var.approval_link.reason)) >= 20, var.approval_link == null)
    error_message = "approval_link.authorization NONE opens the page to whoever has a link: approval_link.reason must say in 20 characters or more why."
  }

  validation {
    condition     = try(var.approval_link.base_url == null || can(regex("^https://[^/?#]+", var.approval_link.base_url)), var.approval_link == null)
    error_message = "approval_link.base_url must begin with https:// and a host."
  }

  validation {
    condition     = try(var.approval_link.concurrency >= 1 && var.approval_link.concurrency <= 10 && floor(var.approval_link.concurrency) == var.approval_link.concurrency, var.approval_link == null)
    error_message = "approval_link.concurrency must be a whole number between 1 and 10."
  }

  validation {
    condition     = var.approval_link == null || var.level == "propose"
    error_message = "approval_link is for level propose: at other levels nobody is asked."
  }
}

variable "check_interval_minutes" {
  description = "Minutes between two looks at what is open and still in alarm, 1 to 60. An alarm tells of its change once, so what had to wait is asked for again then."
  type        = number
  default     = 15
  nullable    = false

  validation {
    condition     = var.check_interval_minutes >= 1 && var.check_interval_minutes <= 60 && floor(var.check_interval_minutes) == var.check_interval_minutes
    error_message = "check_interval_minutes must be a whole number between 1 and 60."
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
  description = "Whether DynamoDB refuses to delete the table of operations."
  type        = bool
  default     = true
  nullable    = false
}

variable "endpoints" {
  description = "AWS services whose endpoints the VPC has (module vpc-endpoints: services), by the names of the endpoints: s3, sqs, monitoring and so on. The plan names a service that is called from the VPC and is not among them. null: the VPC has another way out, such as a NAT gateway."
  type        = set(string)
  default     = null
}

variable "file_system_id" {
  description = "The file system that may grow."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^fs-[0-9a-f]{8,}$", var.file_system_id))
    error_message = "file_system_id must be fs- and at least 8 hexadecimal digits."
  }
}

variable "guardrail" {
  description = "The guardrail that every growth asks: its settings and the policy document of a function that asks it (both outputs of module guardrails)."
  type = object({
    settings = object({
      cooldown_seconds = number
      daily_cap_gb     = number
      daily_caps_gb    = string
      dry_run_executes = bool
      environment      = string
      max_failures     = number
      mode             = string
      rate_limit       = number
      table_name       = string
    })
    user_policy = string
  })
  nullable = false
}

variable "level" {
  description = "How far it goes on its own: report tells, propose waits for fsxn expansion approve, act grows."
  type        = string
  default     = "propose"
  nullable    = false

  validation {
    condition     = contains(["act", "propose", "report"], var.level)
    error_message = "level must be report, propose or act."
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

variable "metric_catalogue" {
  description = "The product's metric catalogue, read by the root from python/fsxn_runtime/metric_catalogue.json."
  type        = object({ metrics = map(object({ statistic = string })) })
  nullable    = false
}

variable "ontap" {
  description = "Lets the function ask ONTAP which volumes grow by themselves (outputs of module ontap-access: secret_policy, vpc; and the secret's ARN), and with volume_growth ontap also grow volumes there in place of FSx (fsx). It then runs in the VPC, and `vpc_services` says which endpoints it needs there. null: FSx only, and `autosized` of volumes says what ONTAP grows."
  type = object({
    secret_arn    = string
    secret_policy = string
    volume_growth = optional(string, "fsx")
    vpc = object({
      security_group_ids = set(string)
      subnet_ids         = set(string)
    })
  })
  default = null

  validation {
    condition     = try(contains(["fsx", "ontap"], var.ontap.volume_growth), var.ontap == null)
    error_message = "ontap.volume_growth must be fsx or ontap."
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
  description = "Path of the function's zip, build/lambdas/expand.zip."
  type        = string
  nullable    = false
}

variable "policy" {
  description = "How much to grow: utilisation in percent that asks for growth and that is aimed at, days of growth that a forecast adds, SSD utilisation in percent above which the file system grows in a volume's place, largest sizes in GiB."
  type = object({
    lead_days          = optional(number, 30)
    max_file_system_gb = optional(number, 196608)
    max_volume_gb      = optional(number, 102400)
    ssd_limit_pct      = optional(number, 80)
    target_pct         = optional(number, 70)
    threshold_pct      = optional(number, 80)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.policy.target_pct >= 1 && var.policy.target_pct < var.policy.threshold_pct && var.policy.threshold_pct <= 100
    error_message = "policy.target_pct must be at least 1 and below policy.threshold_pct, which must be at most 100."
  }

  validation {
    condition     = var.policy.ssd_limit_pct >= 1 && var.policy.ssd_limit_pct <= 100
    error_message = "policy.ssd_limit_pct must be between 1 and 100."
  }

  validation {
    condition     = var.policy.lead_days >= 0 && var.policy.lead_days <= 365
    error_message = "policy.lead_days must be between 0 and 365."
  }

  validation {
    condition     = var.policy.max_file_system_gb >= 1 && var.policy.max_volume_gb >= 1
    error_message = "policy.max_file_system_gb and policy.max_volume_gb must be at least 1."
  }
}

variable "topic_kms_key_arn" {
  description = "ARN of the key that encrypts the notification topic (output of module notifications)."
  type        = string
  nullable    = false
}

variable "volumes" {
  description = "Volumes that may grow, at most 24, by a fixed name: id, and whether ONTAP grows the volume itself (autosize; then it is only reported)."
  type = map(object({
    autosized = optional(bool, false)
    id        = string
  }))
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for name, volume in var.volumes : can(regex("^fsvol-[0-9a-f]{8,}$", volume.id)) && can(regex("^[a-z][a-z0-9-]{0,30}$", name))])
    error_message = "volumes needs names of 1 to 31 lower-case letters, digits, hyphens, and ids of fsvol- and at least 8 hexadecimal digits."
  }

  # The rule names every alarm, and EventBridge takes a pattern of 2048 characters: 24 of the longest names.
  validation {
    condition     = length(var.volumes) <= 24
    error_message = "volumes must have at most 24 entries; more need a second instance of this module with a prefix of its own."
  }
}
