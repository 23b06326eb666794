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

variable "kms_key_arn" {
  description = "ARN of a customer key for everything stored here; its policy must admit the services that write (module README). null: keys that AWS owns."
  type        = string
  default     = null
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
