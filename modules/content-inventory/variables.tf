variable "access_point" {
  description = "The volume's S3 access point: alias (used as bucket name in calls) and ARN (used in policies; an alias never matches there)."
  type = object({
    alias = string
    arn   = string
  })
  nullable = false

  validation {
    condition     = can(regex("^arn:[a-z-]+:s3:[a-z0-9-]+:[0-9]{12}:accesspoint/[a-z0-9][a-z0-9-]{1,48}[a-z0-9]$", var.access_point.arn))
    error_message = "access_point.arn must be the ARN of an S3 access point, not an alias or a bucket."
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

variable "endpoints" {
  description = "AWS services whose endpoints the VPC has (module vpc-endpoints: services), by the names of the endpoints: s3, sqs, monitoring and so on. The plan names a service that is called from the VPC and is not among them. null: the VPC has another way out, such as a NAT gateway."
  type        = set(string)
  default     = null
}

variable "junction_path" {
  description = "Where the volume is mounted; an object key is the file's path without it."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^/[^*]*[^/*]$", var.junction_path))
    error_message = "junction_path must begin with a slash and not end with one, such as /vol1."
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

variable "output" {
  description = "Output bucket: prefix of the report keys, without slashes at the ends; force_destroy lets Terraform delete the bucket with its reports."
  type = object({
    force_destroy = optional(bool, false)
    prefix        = optional(string, "reports")
  })
  default  = {}
  nullable = false

  validation {
    condition     = can(regex("^[0-9A-Za-z][0-9A-Za-z/_.-]{0,99}$", var.output.prefix)) && !endswith(var.output.prefix, "/")
    error_message = "output.prefix must have 1 to 100 letters, digits, '/', '_', '.', '-', and neither begin nor end with a slash."
  }
}

variable "package_path" {
  description = "Path of the process function's zip (build/lambdas/content-inventory.zip)."
  type        = string
  nullable    = false
}

variable "process" {
  description = "Process function: memory in MB, reserved concurrency (files read at once at most; -1: none reserved), time limit in seconds (10 to 900). One file is read in one invocation; at about 50 MB/s, 900 s are enough for some 40 GB."
  type = object({
    memory_mb            = optional(number, 512)
    reserved_concurrency = optional(number, -1)
    timeout_seconds      = optional(number, 900)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.process.timeout_seconds >= 10 && var.process.timeout_seconds <= 900
    error_message = "process.timeout_seconds must be between 10 and 900."
  }
}

variable "uc_id" {
  description = "Identifier of the workload, part of every name; 2 to 20 lower-case letters, digits and hyphens."
  type        = string
  default     = "content-inventory"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,18}[a-z0-9]$", var.uc_id))
    error_message = "uc_id must have 2 to 20 lower-case letters, digits and hyphens, and start with a letter."
  }
}

variable "vpc" {
  description = "Subnets and security groups of the functions that read through an access point with VPC origin. null: outside any VPC, for an access point with Internet origin."
  type = object({
    security_group_ids = set(string)
    subnet_ids         = set(string)
  })
  default = null
}
