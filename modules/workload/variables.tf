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

variable "bus_name" {
  description = "Name of the bus that carries the file events (module event-router)."
  type        = string
  nullable    = false
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

variable "data_classification" {
  description = "What the files are: public, internal, confidential or restricted. A tag (DataClassification) on everything here, and in the metadata of every lineage record. null: no label."
  type        = string
  default     = null

  validation {
    condition     = var.data_classification == null ? true : contains(["confidential", "internal", "public", "restricted"], var.data_classification)
    error_message = "data_classification must be public, internal, confidential or restricted."
  }
}

variable "deletion_protection_enabled" {
  description = "Whether DynamoDB refuses to delete the state table. Without it, versions that are already done would be processed again."
  type        = bool
  default     = true
  nullable    = false
}

variable "endpoints" {
  description = "AWS services whose endpoints the VPC has (module vpc-endpoints: services), by the names of the endpoints: s3, sqs, monitoring and so on. The plan names a service that is called from the VPC and is not among them. null: the VPC has another way out, such as a NAT gateway."
  type        = set(string)
  default     = null
}

variable "execution_timeout_seconds" {
  description = "Time limit of one execution in seconds, with its retries; 30 to 86400. At least the process function's own limit."
  type        = number
  default     = 1800
  nullable    = false

  validation {
    condition     = var.execution_timeout_seconds >= 30 && var.execution_timeout_seconds <= 86400
    error_message = "execution_timeout_seconds must be between 30 and 86400."
  }
}

variable "finisher" {
  description = "Finisher: memory in MB, time limit in seconds (10 to 900)."
  type = object({
    memory_mb       = optional(number, 256)
    timeout_seconds = optional(number, 60)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.finisher.timeout_seconds >= 10 && var.finisher.timeout_seconds <= 900
    error_message = "finisher.timeout_seconds must be between 10 and 900."
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

variable "max_attempts" {
  description = "Executions of one work key before it goes to the dead-letter queue; 1 to 10."
  type        = number
  default     = 3
  nullable    = false

  validation {
    condition     = var.max_attempts >= 1 && var.max_attempts <= 10
    error_message = "max_attempts must be between 1 and 10."
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
  description = "Paths of the zips of starter and finisher (build/lambdas/start.zip and finish.zip), and of the poller for a workload that polls (poll.zip)."
  type = object({
    finish = string
    poll   = optional(string)
    start  = string
  })
  nullable = false

  validation {
    condition     = var.trigger_mode == "EVENT_DRIVEN" || var.package_paths.poll != null
    error_message = "package_paths.poll must be given when trigger_mode is POLLING or HYBRID."
  }
}

variable "polling" {
  description = "Polling (trigger_mode POLLING or HYBRID): age in seconds of the last whole pass through the listing that raises the alarm (above interval_minutes), minutes between two runs (1 to 1440), most messages of one run (1 to 100000; with interval_minutes this is the rate), memory in MB, seconds that two passes overlap (62 to 86400: clocks may differ by a minute), whether the first pass takes the files that are there already, name and ARN of the parameter with the access point's state (module canary; encrypted with operations.kms_key_arn or the key that AWS manages), time limit of one run in seconds (30 to 900)."
  type = object({
    behind_threshold_seconds = optional(number, 3600)
    interval_minutes         = optional(number, 5)
    max_messages             = optional(number, 10000)
    memory_mb                = optional(number, 256)
    overlap_seconds          = optional(number, 120)
    process_existing         = optional(bool, false)
    state_parameter          = optional(object({ arn = string, name = string }))
    timeout_seconds          = optional(number, 240)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.polling.behind_threshold_seconds > 60 * var.polling.interval_minutes
    error_message = "polling.behind_threshold_seconds must be above polling.interval_minutes, in seconds: a mark is as old as that when all is well."
  }

  validation {
    condition     = var.polling.interval_minutes >= 1 && var.polling.interval_minutes <= 1440 && floor(var.polling.interval_minutes) == var.polling.interval_minutes
    error_message = "polling.interval_minutes must be a whole number between 1 and 1440."
  }

  validation {
    condition     = var.polling.max_messages >= 1 && var.polling.max_messages <= 100000
    error_message = "polling.max_messages must be between 1 and 100000."
  }

  validation {
    condition     = var.polling.overlap_seconds >= 62 && var.polling.overlap_seconds <= 86400
    error_message = "polling.overlap_seconds must be between 62 and 86400."
  }

  validation {
    condition     = var.polling.timeout_seconds >= 30 && var.polling.timeout_seconds <= 900
    error_message = "polling.timeout_seconds must be between 30 and 900."
  }
}

variable "process_function_arn" {
  description = "ARN of the Lambda function that does the work of one file version. null: the work is done by steps."
  type        = string
  default     = null

  validation {
    condition     = (var.process_function_arn == null) != (var.steps == null)
    error_message = "Give either process_function_arn or steps."
  }
}

variable "process_reserved_concurrency" {
  description = "Concurrency reserved for the function that does the work, so that it can be held against starter.maximum_concurrency. -1: none reserved, or not known."
  type        = number
  default     = -1
  nullable    = false

  # Each starter begins a batch of executions at once: below it, part of every batch is refused, and each refusal is paid.
  validation {
    condition     = var.process_reserved_concurrency == -1 || var.process_reserved_concurrency >= var.starter.maximum_concurrency
    error_message = "process_reserved_concurrency must be at least starter.maximum_concurrency (or -1): refused invocations are state transitions that cost and do nothing."
  }
}

variable "records" {
  description = "Lineage records: decisions outcomes (what executions ended with) or all (also duplicate and filtered events, and files that were gone, each with its reason: one more write for each event); and what each record carries: version of the FPolicy policy, retention profile (standard-365d, compliance-7y or custom), version of the template that the workload was made from. Empty: not given."
  type = object({
    decisions           = optional(string, "outcomes")
    policy_version      = optional(string, "")
    retention_profile   = optional(string, "")
    uc_template_version = optional(string, "")
  })
  default  = {}
  nullable = false

  validation {
    condition     = contains(["all", "outcomes"], var.records.decisions)
    error_message = "records.decisions must be outcomes or all."
  }

  validation {
    condition     = contains(["", "compliance-7y", "custom", "standard-365d"], var.records.retention_profile)
    error_message = "records.retention_profile must be standard-365d, compliance-7y or custom."
  }
}

variable "scope" {
  description = "Which events are this workload's: names of SVMs and volumes, event types, and paths that begin with one of the prefixes and end with one of the suffixes (empty: any). junction_path is where the volume is mounted; an object key is the path without it."
  type = object({
    event_types   = optional(set(string), ["FILE_CLOSE", "FILE_CREATE", "FILE_DELETE", "FILE_RENAME", "FILE_WRITE"])
    junction_path = string
    prefixes      = optional(set(string), [])
    suffixes      = optional(set(string), [])
    svm_names     = set(string)
    volume_names  = set(string)
  })
  nullable = false

  validation {
    condition     = length(var.scope.svm_names) > 0 && length(var.scope.volume_names) > 0 && length(var.scope.event_types) > 0
    error_message = "scope needs at least one SVM name, one volume name and one event type."
  }

  validation {
    condition = alltrue([for type in var.scope.event_types : contains([
      "FILE_CLOSE", "FILE_CREATE", "FILE_DELETE", "FILE_RENAME", "FILE_SETATTR", "FILE_WRITE",
    ], type)])
    error_message = "scope.event_types may hold FILE_CLOSE, FILE_CREATE, FILE_DELETE, FILE_RENAME, FILE_SETATTR (a truncation) and FILE_WRITE."
  }

  validation {
    condition     = can(regex("^/[^*]*[^/*]$", var.scope.junction_path))
    error_message = "scope.junction_path must begin with a slash and not end with one, such as /vol1."
  }

  validation {
    condition     = alltrue([for prefix in var.scope.prefixes : startswith("${prefix}/", "${var.scope.junction_path}/")])
    error_message = "scope.prefixes must lie below scope.junction_path: paths in events do."
  }

  validation {
    condition     = alltrue([for part in setunion(var.scope.prefixes, var.scope.suffixes) : can(regex("^[^*\\\\]+$", part))])
    error_message = "scope.prefixes and scope.suffixes are plain text: no asterisk, no backslash, not empty."
  }
}

variable "settle_seconds" {
  description = "How long a file must have been left alone before it is processed, in seconds; 1 to 900, the longest delay of SQS."
  type        = number
  default     = 30
  nullable    = false

  validation {
    condition     = var.settle_seconds >= 1 && var.settle_seconds <= 900 && floor(var.settle_seconds) == var.settle_seconds
    error_message = "settle_seconds must be a whole number between 1 and 900."
  }
}

variable "starter" {
  description = "Starter: messages per batch (1 to 10000), batching window in seconds (0 to 300; at least 1 above 10 messages), parallel invocations (2 to 1000; this limits the workload's concurrency), memory in MB, time limit in seconds (10 to 900)."
  type = object({
    batch_size              = optional(number, 10)
    batching_window_seconds = optional(number, 0)
    maximum_concurrency     = optional(number, 10)
    memory_mb               = optional(number, 256)
    timeout_seconds         = optional(number, 60)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.starter.batch_size >= 1 && var.starter.batch_size <= 10000
    error_message = "starter.batch_size must be between 1 and 10000."
  }

  validation {
    condition     = var.starter.batching_window_seconds >= 0 && var.starter.batching_window_seconds <= 300
    error_message = "starter.batching_window_seconds must be between 0 and 300."
  }

  validation {
    condition     = var.starter.batch_size <= 10 || var.starter.batching_window_seconds >= 1
    error_message = "starter.batching_window_seconds must be at least 1 when starter.batch_size is above 10."
  }

  # Some 100 ms for each message: HEAD, item, StartExecution. What an invocation leaves over costs its messages a receive,
  # and after five they would be dead letters.
  validation {
    condition     = var.starter.batch_size <= 10 * var.starter.timeout_seconds
    error_message = "starter.batch_size must be at most ten times starter.timeout_seconds: a message takes up to 100 ms."
  }

  validation {
    condition     = var.starter.maximum_concurrency >= 2 && var.starter.maximum_concurrency <= 1000
    error_message = "starter.maximum_concurrency must be between 2 and 1000."
  }

  validation {
    condition     = var.starter.timeout_seconds >= 10 && var.starter.timeout_seconds <= 900
    error_message = "starter.timeout_seconds must be between 10 and 900."
  }
}

variable "steps" {
  description = "The workload's own steps in place of one call of a function: definition (Amazon States Language: StartAt and States; what they get and must give: README), ARNs of the functions that they call, and a policy document for whatever else they do. The module adds time limit, retries, and the ends Rejected and Misconfigured."
  type = object({
    definition    = string
    function_arns = optional(set(string), [])
    policy        = optional(string)
  })
  default = null

  validation {
    condition     = var.steps == null || try(contains(keys(jsondecode(var.steps.definition).States), jsondecode(var.steps.definition).StartAt), false)
    error_message = "steps.definition must be a JSON object with States, and StartAt must name one of them."
  }

  validation {
    condition     = !can(jsondecode(var.steps.definition).TimeoutSeconds)
    error_message = "steps.definition must not have TimeoutSeconds: execution_timeout_seconds is the time limit."
  }

  validation {
    condition     = length(setintersection(["Misconfigured", "Rejected"], try(keys(jsondecode(var.steps.definition).States), []))) == 0
    error_message = "steps.definition must not have states named Misconfigured or Rejected: the module adds those."
  }

  validation {
    condition     = alltrue([for arn in try(var.steps.function_arns, []) : can(regex("^arn:[a-z-]+:lambda:[a-z0-9-]+:[0-9]{12}:function:", arn))])
    error_message = "steps.function_arns must be ARNs of Lambda functions."
  }
}

variable "sweep" {
  description = "Sweep: how often in minutes (1 to 1440), and the age in seconds (60 to 86400) from which an item in progress is compared with its execution. Below execution_timeout_seconds, running executions are looked at in vain."
  type = object({
    after_seconds    = optional(number, 2100)
    interval_minutes = optional(number, 5)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.sweep.after_seconds >= 60 && var.sweep.after_seconds <= 86400
    error_message = "sweep.after_seconds must be between 60 and 86400."
  }

  validation {
    condition     = var.sweep.interval_minutes >= 1 && var.sweep.interval_minutes <= 1440
    error_message = "sweep.interval_minutes must be between 1 and 1440."
  }
}

variable "trigger_mode" {
  description = "How work is found: EVENT_DRIVEN (by events alone: files written through an S3 access point or by NFSv4.2 clients raise none), POLLING (by listing the volume on a schedule: deletions are not seen, and no file that keeps an old modification time), HYBRID (both; a version that both find is processed once)."
  type        = string
  default     = "EVENT_DRIVEN"
  nullable    = false

  validation {
    condition     = contains(["EVENT_DRIVEN", "HYBRID", "POLLING"], var.trigger_mode)
    error_message = "trigger_mode must be EVENT_DRIVEN, HYBRID or POLLING."
  }

  validation {
    condition     = var.trigger_mode == "EVENT_DRIVEN" || var.work_key == "file_version"
    error_message = "trigger_mode POLLING and HYBRID need work_key file_version: a listing knows no events."
  }

  validation {
    condition     = var.trigger_mode == "EVENT_DRIVEN" || (length(var.scope.svm_names) == 1 && length(var.scope.volume_names) == 1)
    error_message = "trigger_mode POLLING and HYBRID need one SVM and one volume in scope: the access point shows one volume."
  }

  validation {
    condition     = var.trigger_mode == "EVENT_DRIVEN" || length(setsubtract(var.scope.event_types, ["FILE_DELETE", "FILE_RENAME"])) > 0
    error_message = "trigger_mode POLLING and HYBRID need an event type in scope that asks for a file's content (FILE_CLOSE, FILE_CREATE, FILE_SETATTR or FILE_WRITE): a listing shows no deletion and no rename."
  }
}

variable "uc_id" {
  description = "Identifier of the workload, part of every name; 2 to 20 lower-case letters, digits and hyphens."
  type        = string
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

variable "work_age_threshold_seconds" {
  description = "Age of the oldest waiting event, in seconds, that raises the alarm after three minutes. Must exceed settle_seconds."
  type        = number
  default     = 900
  nullable    = false

  validation {
    condition     = var.work_age_threshold_seconds > var.settle_seconds
    error_message = "work_age_threshold_seconds must be above settle_seconds."
  }
}

variable "work_key" {
  description = "What counts as the same work: file_version (path and ETag, so that all events of one version become one execution) or event (every operation)."
  type        = string
  default     = "file_version"
  nullable    = false

  validation {
    condition     = contains(["event", "file_version"], var.work_key)
    error_message = "work_key must be file_version or event."
  }
}
