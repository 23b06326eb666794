variable "budget_alarms_enabled" {
  description = "Whether alarms watch how fast each objective's error budget is used: for each objective one composite alarm over six windows, about 1.10 USD a month. fsxn slo budget shows the same without them."
  type        = bool
  default     = true
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

variable "dashboards" {
  description = "Widgets of the dashboards by dashboard, read by the root from python/fsxn_runtime/slo/dashboards.json. A dimension's value {name} stands for each of sources[name]."
  type = map(list(object({
    title = string
    slo   = optional(string)
    series = optional(list(object({
      metric     = string
      namespace  = optional(string)
      statistic  = optional(string)
      dimensions = optional(map(string), {})
    })), [])
  })))
  nullable = false

  validation {
    condition     = alltrue([for widget in flatten(values(var.dashboards)) : widget.slo == null ? length(widget.series) > 0 : contains(keys(var.objectives.slos), widget.slo)])
    error_message = "Each widget of dashboards must name an objective of objectives.slos or have series."
  }
}

variable "metric_catalogue" {
  description = "The product's metric catalogue, read by the root from python/fsxn_runtime/metric_catalogue.json."
  type        = object({ metrics = map(object({ statistic = string })) })
  nullable    = false
}

variable "objectives" {
  description = "Default objectives, how their alarms take silence (missing_data), and how error budgets are counted: the root's jsondecode of python/fsxn_runtime/metric_catalogue.json."
  type = object({
    schema_version = string
    error_budget = object({
      days       = number
      burn_rates = map(object({ rate = number, long_seconds = number, short_seconds = number }))
    })
    slos = map(object({
      comparison     = string
      metric         = string
      missing_data   = string
      objective_pct  = optional(number)
      period_seconds = number
      periods        = number
      statistic      = string
      threshold      = number
    }))
  })
  nullable = false

  validation {
    condition     = alltrue([for slo in values(var.objectives.slos) : contains(["less", "greater"], slo.comparison)])
    error_message = "objectives.slos[*].comparison must be less or greater."
  }

  validation {
    condition     = alltrue([for slo in values(var.objectives.slos) : contains(["missing", "notBreaching"], slo.missing_data)])
    error_message = "objectives.slos[*].missing_data must be missing or notBreaching: silence is never a violation, other alarms tell of it."
  }
}

variable "operations" {
  description = "How everything here is operated: topic that every alarm publishes to (module notifications), ARN of a customer key for what is stored (null: keys that AWS owns), namespace of the product's metrics."
  type = object({
    kms_key_arn            = optional(string)
    metric_namespace       = optional(string, "FSxN-S3AP-Patterns")
    notification_topic_arn = string
  })
  nullable = false

  validation {
    condition     = can(regex("^[0-9A-Za-z._/#-]{1,255}$", var.operations.metric_namespace)) && !startswith(var.operations.metric_namespace, "AWS/")
    error_message = "operations.metric_namespace must have 1 to 255 letters, digits, '.', '_', '/', '#', '-', and must not begin with AWS/."
  }
}

variable "pipeline_alarms" {
  description = "Alarms of which each says that files change and nothing is processed, by what stands still: its name, and the name of an alarm that says that this is wanted (a workload is paused). One in ALARM raises <prefix>-pipeline-down, unless the other is too."
  type = map(object({
    alarm_name = string
    unless     = optional(string)
  }))
  nullable = false

  validation {
    condition     = length(var.pipeline_alarms) > 0 && alltrue([for name in flatten([for each in values(var.pipeline_alarms) : compact([each.alarm_name, each.unless])]) : can(regex("^[^\"()]{1,255}$", name))])
    error_message = "pipeline_alarms must name at least one alarm, without quotes and parentheses."
  }
}

variable "sources" {
  description = "Names that the dashboards' series need: access_points, dead_letter_queues, environments, file_systems (watched by the canary), queues, services, workloads. What is left out has no series."
  type        = map(list(string))
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for name in keys(var.sources) : contains(["access_points", "dead_letter_queues", "environments", "file_systems", "queues", "services", "workloads"], name)])
    error_message = "sources must have no other keys than access_points, dead_letter_queues, environments, file_systems, queues, services, workloads."
  }
}

variable "targets" {
  description = "Changes to the default objectives, by objective: threshold (milliseconds, percent or seconds, as its metric's name says), periods in a row (1 to 10) after which it is violated, objective_pct (95 to 99.99; share of periods that must be good, not for success-rate, whose threshold is its share)."
  type = map(object({
    objective_pct = optional(number)
    periods       = optional(number)
    threshold     = optional(number)
  }))
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for name in keys(var.targets) : contains(keys(var.objectives.slos), name)])
    error_message = "targets must name objectives: ${join(", ", keys(var.objectives.slos))}."
  }

  validation {
    condition     = alltrue([for target in values(var.targets) : target.threshold == null ? true : target.threshold > 0])
    error_message = "targets[*].threshold must be above 0."
  }

  validation {
    condition     = alltrue([for target in values(var.targets) : target.periods == null ? true : contains(range(1, 11), target.periods)])
    error_message = "targets[*].periods must be a whole number from 1 to 10."
  }

  # Below 93 % the fastest pair of windows could never burn: 14.4 times the budget would be more than everything.
  validation {
    condition     = alltrue([for target in values(var.targets) : target.objective_pct == null ? true : target.objective_pct >= 95 && target.objective_pct <= 99.99])
    error_message = "targets[*].objective_pct must be between 95 and 99.99."
  }

  validation {
    condition = alltrue([
      for name, target in var.targets :
      try(var.objectives.slos[name].objective_pct, 0) != null || (target.objective_pct == null && try(target.threshold >= 95 && target.threshold <= 99.99, true))
    ])
    error_message = "An objective whose threshold is its share (success-rate) takes no objective_pct, and a threshold between 95 and 99.99."
  }
}
