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

variable "link" {
  description = "Shares this account's data with a monitoring account: ARN of its sink, label by which it tells accounts apart (1 to 64 characters; $AccountName, $AccountEmail, $AccountEmailNoDomain are filled in by AWS), what is shared, and which metric namespaces and log groups (filters of OAM; null: the product's own). null: no link."
  type = object({
    label_template   = optional(string, "$AccountName")
    log_group_filter = optional(string)
    metric_filter    = optional(string)
    resource_types   = optional(set(string), ["AWS::CloudWatch::Metric", "AWS::Logs::LogGroup", "AWS::XRay::Trace"])
    sink_arn         = string
  })
  default = null

  validation {
    condition     = var.link == null ? true : can(regex("^arn:[a-z-]+:oam:[a-z0-9-]+:[0-9]{12}:sink/[0-9A-Za-z-]+$", var.link.sink_arn))
    error_message = "link.sink_arn must be the ARN of a sink."
  }

  validation {
    condition     = var.link == null ? true : length(var.link.label_template) >= 1 && length(var.link.label_template) <= 64
    error_message = "link.label_template must have 1 to 64 characters."
  }

  validation {
    condition     = var.link == null ? true : length(var.link.resource_types) > 0 && length(setsubtract(var.link.resource_types, ["AWS::ApplicationInsights::Application", "AWS::ApplicationSignals::Service", "AWS::ApplicationSignals::ServiceLevelObjective", "AWS::CloudWatch::Metric", "AWS::InternetMonitor::Monitor", "AWS::Logs::LogGroup", "AWS::XRay::Trace"])) == 0
    error_message = "link.resource_types must be types that OAM shares, at least one."
  }

  # OAM counts conditional operands: AND and OR.
  validation {
    condition     = var.link == null ? true : alltrue([for filter in compact([var.link.log_group_filter, var.link.metric_filter]) : length(filter) <= 2000 && length(regexall("\\b(AND|OR)\\b", filter)) <= 5])
    error_message = "A filter of link must have at most 2000 characters and five conditions (AND, OR)."
  }

  validation {
    condition     = try(var.link.metric_filter, null) == null ? true : startswith(var.link.metric_filter, "Namespace ")
    error_message = "link.metric_filter must begin with Namespace, such as Namespace LIKE 'Acme/%'."
  }

  validation {
    condition     = try(var.link.log_group_filter, null) == null ? true : startswith(var.link.log_group_filter, "LogGroupName ")
    error_message = "link.log_group_filter must begin with LogGroupName, such as LogGroupName LIKE '/aws/lambda/acme%'."
  }
}

variable "metric_namespace" {
  description = "Namespace of the product's metrics, for the default filter."
  type        = string
  default     = "FSxN-S3AP-Patterns"
  nullable    = false

  validation {
    condition     = can(regex("^[0-9A-Za-z._/#-]{1,255}$", var.metric_namespace))
    error_message = "metric_namespace must have 1 to 255 letters, digits, '.', '_', '/', '#', '-'."
  }
}

variable "sink" {
  description = "Makes this account a monitoring account: which accounts may link to it (ids), or which organizations (ids o-...), and what they may share. One sink per account and Region. null: no sink."
  type = object({
    organization_ids   = optional(set(string), [])
    resource_types     = optional(set(string), ["AWS::CloudWatch::Metric", "AWS::Logs::LogGroup", "AWS::XRay::Trace"])
    source_account_ids = optional(set(string), [])
  })
  default = null

  validation {
    condition     = var.sink == null ? true : length(var.sink.source_account_ids) + length(var.sink.organization_ids) > 0
    error_message = "sink must name accounts or organizations that may link to it: a sink for everybody is none."
  }

  validation {
    condition     = var.sink == null ? true : alltrue([for id in var.sink.source_account_ids : can(regex("^[0-9]{12}$", id))])
    error_message = "sink.source_account_ids must be account ids of 12 digits."
  }

  validation {
    condition     = var.sink == null ? true : alltrue([for id in var.sink.organization_ids : can(regex("^o-[a-z0-9]{10,32}$", id))])
    error_message = "sink.organization_ids must be ids such as o-a1b2c3d4e5."
  }

  validation {
    condition     = var.sink == null ? true : length(var.sink.resource_types) > 0 && length(setsubtract(var.sink.resource_types, ["AWS::ApplicationInsights::Application", "AWS::ApplicationSignals::Service", "AWS::ApplicationSignals::ServiceLevelObjective", "AWS::CloudWatch::Metric", "AWS::InternetMonitor::Monitor", "AWS::Logs::LogGroup", "AWS::XRay::Trace"])) == 0
    error_message = "sink.resource_types must be types that OAM shares, at least one."
  }
}
