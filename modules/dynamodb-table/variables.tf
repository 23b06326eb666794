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
  description = "Whether DynamoDB refuses to delete the table. false where its items can be made again."
  type        = bool
  default     = false
  nullable    = false
}

variable "hash_key" {
  description = "Attribute that is the partition key, a string."
  type        = string
  default     = "pk"
  nullable    = false
}

variable "indexes" {
  description = "Global secondary indexes by name: partition key and, if any, sort key, both strings. Every attribute is projected. The names must not change."
  type = map(object({
    hash_key  = string
    range_key = optional(string)
  }))
  default  = {}
  nullable = false

  validation {
    condition     = length(var.indexes) <= 20
    error_message = "indexes must have at most 20 entries, which is DynamoDB's own limit for a table."
  }
}

variable "kms_key_arn" {
  description = "ARN of a customer key that encrypts the table. null: a key that AWS owns."
  type        = string
  default     = null
}

variable "name" {
  description = "Name of the table after the prefix; lower case, digits, hyphens and underscores, at most 100 characters."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9_-]{0,98}[a-z0-9]$", var.name))
    error_message = "name must have 2 to 100 lower-case letters, digits, hyphens and underscores, and start with a letter."
  }
}

variable "range_key" {
  description = "Attribute that is the sort key, a string. null: none."
  type        = string
  default     = null
}

variable "ttl_enabled" {
  description = "Whether items expire at the second since 1970 that their attribute ttl names."
  type        = bool
  default     = false
  nullable    = false
}
