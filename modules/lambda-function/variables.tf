variable "async" {
  description = "Asynchronous invocation: retries after the first try (0 to 2), longest age of an event in seconds (60 to 21600), and a dead-letter queue for what failed for good. null: nobody invokes the function asynchronously."
  type = object({
    maximum_event_age_seconds = optional(number, 3600)
    maximum_retry_attempts    = optional(number, 2)
  })
  default = null

  validation {
    condition     = try(var.async.maximum_retry_attempts >= 0 && var.async.maximum_retry_attempts <= 2, var.async == null)
    error_message = "async.maximum_retry_attempts must be 0, 1 or 2."
  }

  validation {
    condition     = try(var.async.maximum_event_age_seconds >= 60 && var.async.maximum_event_age_seconds <= 21600, var.async == null)
    error_message = "async.maximum_event_age_seconds must be between 60 and 21600."
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

variable "description" {
  description = "What the function does, one sentence; shown in the console."
  type        = string
  nullable    = false
}

variable "endpoints" {
  description = "AWS services whose endpoints the VPC has (module vpc-endpoints: services), by the names of the endpoints: s3, sqs, monitoring and so on. The plan names a service that is called from the VPC and is not among them. null: the VPC has another way out, such as a NAT gateway."
  type        = set(string)
  default     = null
}

variable "environment" {
  description = "Environment variables by name. Never a secret: pass its ARN."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "error_threshold" {
  description = "Errors within five minutes that raise the alarm."
  type        = number
  default     = 1
  nullable    = false

  validation {
    condition     = var.error_threshold >= 1
    error_message = "error_threshold must be at least 1."
  }
}

variable "handler" {
  description = "Dotted path of the handler function inside the zip."
  type        = string
  nullable    = false
}

variable "name" {
  description = "Name of the function after the prefix; lower case, digits and hyphens, at most 33 characters."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,31}[a-z0-9]$", var.name))
    error_message = "name must have 2 to 33 lower-case letters, digits and hyphens, and start with a letter."
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
  description = "Path of the zip (make package-lambdas writes build/lambdas/<name>.zip). Its hash decides whether the code is updated."
  type        = string
  nullable    = false
}

variable "policies" {
  description = "Inline policies of the role: JSON document by policy name. The names must not change."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "reserved_concurrency" {
  description = "Concurrent executions reserved for this function, which is also its limit. -1: none reserved."
  type        = number
  default     = -1
  nullable    = false

  validation {
    condition     = var.reserved_concurrency == -1 || var.reserved_concurrency >= 1
    error_message = "reserved_concurrency must be -1 or at least 1; 0 would switch the function off."
  }
}

variable "runtime" {
  description = "Lambda runtime, architecture (arm64 or x86_64), memory in MB (128 to 10240) and time limit in seconds (1 to 900)."
  type = object({
    architecture    = optional(string, "arm64")
    memory_mb       = optional(number, 256)
    name            = optional(string, "python3.13")
    timeout_seconds = optional(number, 60)
  })
  default  = {}
  nullable = false

  validation {
    condition     = contains(["arm64", "x86_64"], var.runtime.architecture)
    error_message = "runtime.architecture must be arm64 or x86_64."
  }

  validation {
    condition     = var.runtime.memory_mb >= 128 && var.runtime.memory_mb <= 10240
    error_message = "runtime.memory_mb must be between 128 and 10240."
  }

  validation {
    condition     = can(regex("^python3\\.1[2-9]$", var.runtime.name))
    error_message = "runtime.name must be python3.12 or newer."
  }

  validation {
    condition     = var.runtime.timeout_seconds >= 1 && var.runtime.timeout_seconds <= 900
    error_message = "runtime.timeout_seconds must be between 1 and 900."
  }
}

variable "services" {
  description = "AWS services that the code calls, by the names of their endpoints (s3, dynamodb, monitoring). What Lambda itself calls for the function is not among them: its queues, log and traces. Only looked at in a VPC."
  type        = set(string)
  default     = []
  nullable    = false
}

variable "vpc" {
  description = "Subnets and security groups when the function must run in a VPC. null: outside any VPC."
  type = object({
    security_group_ids = set(string)
    subnet_ids         = set(string)
  })
  default = null

  validation {
    condition     = try(length(var.vpc.security_group_ids) > 0 && length(var.vpc.subnet_ids) > 0, var.vpc == null)
    error_message = "vpc needs at least one subnet and one security group."
  }
}
