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

variable "expirations" {
  description = "What is deleted by age, by the name of the rule: prefix of the keys, days (at least 1). The names must not change."
  type = map(object({
    days   = number
    prefix = string
  }))
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for rule in values(var.expirations) : rule.days >= 1 && floor(rule.days) == rule.days])
    error_message = "expirations: days must be whole and at least 1."
  }
}

variable "force_destroy" {
  description = "Whether terraform destroy may delete a bucket that is not empty."
  type        = bool
  default     = false
  nullable    = false
}

variable "kms_key_arn" {
  description = "ARN of a customer key that encrypts what comes in. null: S3's own keys."
  type        = string
  default     = null
}

variable "name" {
  description = "Name of the bucket between the prefix and the account id; lower case, digits and hyphens, at most 25 characters, because S3 takes 63 in all."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{0,23}[a-z0-9]$", var.name))
    error_message = "name must have 2 to 25 lower-case letters, digits and hyphens."
  }
}

variable "object_lock_enabled" {
  description = "Whether versions can be locked. Only a new bucket takes it; a default retention is the caller's."
  type        = bool
  default     = false
  nullable    = false
}

variable "old_versions_days" {
  description = "Days (at least 1) that a version is kept after a newer one came. null: for ever."
  type        = number
  default     = null

  validation {
    condition     = var.old_versions_days == null ? true : var.old_versions_days >= 1
    error_message = "old_versions_days must be at least 1, or null for ever."
  }
}

variable "only_writer" {
  description = "The one role that may write, by ARN, and the name of the statement that denies all others. null: IAM decides."
  type = object({
    role_arn = string
    sid      = string
  })
  default = null
}
