variable "budgets" {
  description = "Monthly limits in USD: of everything with the tag Workload, and of single workloads; percents of them that are told to the topic when they are spent (actual) or will be by the end of the month (forecast). null: no budgets."
  type = object({
    actual_percents   = optional(set(number), [80, 100])
    forecast_percents = optional(set(number), [100])
    monthly_usd       = number
    workloads         = optional(map(number), {})
  })
  default = null

  validation {
    condition     = var.budgets == null ? true : alltrue([for limit in concat([var.budgets.monthly_usd], values(var.budgets.workloads)) : limit > 0])
    error_message = "budgets.monthly_usd and budgets.workloads must be more than 0."
  }

  validation {
    condition     = var.budgets == null ? true : length(var.budgets.actual_percents) + length(var.budgets.forecast_percents) <= 5 && alltrue([for percent in setunion(var.budgets.actual_percents, var.budgets.forecast_percents) : percent > 0 && percent <= 1000])
    error_message = "budgets.actual_percents and budgets.forecast_percents must be at most five together (AWS's limit of a budget), each more than 0 and at most 1000."
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

variable "lineage_table_name" {
  description = "Name of the lineage table (module lineage)."
  type        = string
  nullable    = false
}

variable "operations" {
  description = "How everything here is operated: topic that budgets publish to (module notifications, whose policy lets them), namespace of the product's metrics."
  type = object({
    metric_namespace       = optional(string, "FSxN-S3AP-Patterns")
    notification_topic_arn = string
  })
  nullable = false

  validation {
    condition     = can(regex("^[0-9A-Za-z._/#-]{1,255}$", var.operations.metric_namespace)) && !startswith(var.operations.metric_namespace, "AWS/")
    error_message = "operations.metric_namespace must have 1 to 255 letters, digits, '.', '_', '/', '#', '-', and must not begin with AWS/."
  }
}

variable "prices" {
  description = "List prices of the Region by key: usd for per units, read by the root from python/fsxn_runtime/cost/prices.json. Empty: no dashboard, because usage without prices is what the other dashboards show."
  type        = map(object({ per = string, usd = string }))
  default     = {}
  nullable    = false

  validation {
    condition     = length(var.prices) == 0 || alltrue([for key in ["dynamodb.write_unit", "eventbridge.event", "lambda.gb_second.arm64", "lambda.request", "logs.gb", "stepfunctions.transition"] : contains(keys(var.prices), key)])
    error_message = "prices must be empty or have dynamodb.write_unit, eventbridge.event, lambda.gb_second.arm64, lambda.request, logs.gb and stepfunctions.transition."
  }
}

variable "shared_functions" {
  description = "Functions that serve all workloads (the router), by what they are: name and memory in MiB."
  type = map(object({
    function_name = string
    memory_mb     = optional(number, 256)
  }))
  default  = {}
  nullable = false
}

variable "tag_activation_enabled" {
  description = "Whether to make Workload a cost allocation tag. Only the payer's account may; elsewhere the payer does it once, in the billing console. Without it budgets by workload count nothing."
  type        = bool
  default     = false
  nullable    = false
}

variable "workloads" {
  description = "Workloads by uc_id: ARN of the state machine, name of the state table, functions by what they are (start, process, finish: name and memory in MiB)."
  type = map(object({
    functions = map(object({
      function_name = string
      memory_mb     = optional(number, 256)
    }))
    state_machine_arn = string
    state_table_name  = string
  }))
  nullable = false

  validation {
    condition     = length(var.workloads) > 0 && !contains(keys(var.workloads), "shared") && !contains(keys(var.workloads), "all")
    error_message = "workloads must have at least one workload, none called shared or all."
  }
}
