variable "access_point" {
  description = "The S3 access point that is watched: alias, ARN, its network origin (internet, or the id of the only VPC that may call; fixed when it was made, aws s3control get-access-point shows it), whether its SVM is joined to an Active Directory, key of a small file that is read (it must exist), and whether a probe file is written, read and deleted (.fsxn-canary/probe; the access point's identity must be allowed to write)."
  type = object({
    alias               = string
    arn                 = string
    joined_to_directory = optional(bool, false)
    marker_key          = optional(string, ".fsxn-canary/marker")
    network_origin      = optional(string, "internet")
    probe_enabled       = optional(bool, false)
  })
  nullable = false

  validation {
    condition     = can(regex("^arn:[^:]+:s3:[^:]+:[0-9]{12}:accesspoint/[a-z0-9-]+$", var.access_point.arn))
    error_message = "access_point.arn must be the ARN of an access point, such as arn:aws:s3:us-east-1:111122223333:accesspoint/legal-vol1."
  }

  validation {
    condition     = can(regex("^(internet|vpc-[0-9a-f]{8,})$", var.access_point.network_origin))
    error_message = "access_point.network_origin must be internet or the id of a VPC, such as vpc-0123456789abcdef0."
  }

  validation {
    condition     = can(regex("^[^/](.*[^/])?$", var.access_point.marker_key)) && length(var.access_point.marker_key) <= 1024 && var.access_point.marker_key != ".fsxn-canary/probe"
    error_message = "access_point.marker_key must be the key of a file, without a slash at its ends; .fsxn-canary/probe is the probe's."
  }
}

variable "artifacts" {
  description = "What Synthetics keeps of the canary's runs: days (1 to 455), and whether terraform destroy may delete a bucket that is not empty."
  type = object({
    force_destroy  = optional(bool, false)
    retention_days = optional(number, 31)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.artifacts.retention_days >= 1 && var.artifacts.retention_days <= 455
    error_message = "artifacts.retention_days must be between 1 and 455."
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

variable "file_system_id" {
  description = "The file system of both: its name in metrics, and where a change of throughput capacity is looked for."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^fs-[0-9a-f]{8,}$", var.file_system_id))
    error_message = "file_system_id must be the id of a file system, such as fs-0123456789abcdef0."
  }
}

variable "metric_catalogue" {
  description = "The product's metric catalogue, read by the root from python/fsxn_runtime/metric_catalogue.json."
  type        = object({ metrics = map(object({ statistic = string })) })
  nullable    = false
}

variable "monitor" {
  description = "The access point monitor's seconds for one check (2 to 120) and for a whole run (3 to 300)."
  type = object({
    check_seconds   = optional(number, 10)
    timeout_seconds = optional(number, 90)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.monitor.check_seconds >= 2 && var.monitor.check_seconds <= 120
    error_message = "monitor.check_seconds must be between 2 and 120."
  }

  validation {
    condition     = var.monitor.timeout_seconds >= 3 && var.monitor.timeout_seconds <= 300
    error_message = "monitor.timeout_seconds must be between 3 and 300, the time between two runs."
  }
}

variable "ontap" {
  description = "The canary in the VPC: ARN of the secret with ONTAP's credentials and the policy to read it (module ontap-access), FPolicy policies that must be connected (by a fixed short name, which becomes part of alarm names), nodes of the file system (2 for each HA pair), days before the certificate's end (1 to 365) and percent of a persistent store (1 to 99) that raise an alarm, name of the canary (null: <prefix>-ontap), Synthetics runtime, memory in MB, seconds for one check (2 to 120) and for a whole run (3 to 300). null: ONTAP is not watched."
  type = object({
    canary_name      = optional(string)
    certificate_days = optional(number, 30)
    check_seconds    = optional(number, 15)
    memory_mb        = optional(number, 960)
    node_count       = optional(number, 2)
    policies = optional(map(object({
      policy = string
      svm    = string
    })), {})
    runtime_version = optional(string, "syn-python-selenium-14.0")
    secret_arn      = string
    secret_policy   = string
    store_percent   = optional(number, 80)
    timeout_seconds = optional(number, 240)
  })
  default = null

  validation {
    condition     = try(var.ontap.certificate_days >= 1 && var.ontap.certificate_days <= 365, var.ontap == null)
    error_message = "ontap.certificate_days must be between 1 and 365."
  }

  validation {
    condition     = try(var.ontap.check_seconds >= 2 && var.ontap.check_seconds <= 120, var.ontap == null)
    error_message = "ontap.check_seconds must be between 2 and 120."
  }

  validation {
    condition     = try(var.ontap.memory_mb >= 960 && var.ontap.memory_mb <= 3008 && var.ontap.memory_mb % 64 == 0, var.ontap == null)
    error_message = "ontap.memory_mb must be between 960 and 3008 and a multiple of 64."
  }

  validation {
    condition     = try(var.ontap.node_count >= 1 && var.ontap.node_count <= 24, var.ontap == null)
    error_message = "ontap.node_count must be between 1 and 24."
  }

  validation {
    condition     = try(alltrue([for key, each in var.ontap.policies : can(regex("^[a-z][a-z0-9-]{0,30}$", key)) && can(regex("^[^,/]+$", each.svm)) && can(regex("^[^,/]+$", each.policy))]), var.ontap == null)
    error_message = "ontap.policies needs short names of lower-case letters, digits and hyphens, and names of SVM and policy without comma and slash."
  }

  validation {
    condition     = try(startswith(var.ontap.runtime_version, "syn-python-selenium-"), var.ontap == null)
    error_message = "ontap.runtime_version must be a Python runtime of Synthetics, such as syn-python-selenium-14.0."
  }

  validation {
    condition     = try(var.ontap.store_percent >= 1 && var.ontap.store_percent <= 99, var.ontap == null)
    error_message = "ontap.store_percent must be between 1 and 99."
  }

  validation {
    condition     = try(var.ontap.timeout_seconds >= 3 && var.ontap.timeout_seconds <= 300, var.ontap == null)
    error_message = "ontap.timeout_seconds must be between 3 and 300, the time between two runs."
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

variable "package_paths" {
  description = "Paths of the zips (build/lambdas/canary.zip, build/lambdas/access-point-monitor.zip)."
  type = object({
    canary  = string
    monitor = string
  })
  nullable = false
}

variable "placement" {
  description = "Where the access point monitor runs: outside any VPC, for an access point that may be called from the internet, or in var.vpc, for one that only its VPC may call."
  type        = string
  default     = "outside"
  nullable    = false

  validation {
    condition     = contains(["outside", "vpc"], var.placement)
    error_message = "placement must be outside or vpc."
  }
}

variable "vpc" {
  description = "Subnets and security groups of what runs in the VPC (output vpc of module ontap-access): the canary, and the monitor with placement vpc. null: nothing does."
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
