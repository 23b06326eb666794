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

variable "description" {
  description = "What the key is for, one sentence; shown in the console."
  type        = string
  nullable    = false
}

variable "name" {
  description = "Name of the alias after the prefix; lower case, digits and hyphens, at most 100 characters."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,98}[a-z0-9]$", var.name))
    error_message = "name must have 2 to 100 lower-case letters, digits and hyphens, and start with a letter."
  }
}

variable "publishers" {
  description = "AWS services that publish to what the key encrypts, by principal (such as events.amazonaws.com). Empty: IAM of the account alone decides."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for name in var.publishers : endswith(name, ".amazonaws.com")])
    error_message = "publishers must be principals of AWS services, such as cloudwatch.amazonaws.com."
  }
}

variable "signing" {
  description = "Whether the key signs (RSA 3072, not rotated) instead of encrypting (symmetric, rotated every year)."
  type        = bool
  default     = false
  nullable    = false

  validation {
    condition     = !var.signing || length(var.publishers) == 0
    error_message = "signing leaves publishers empty: a key that signs encrypts nothing."
  }
}
