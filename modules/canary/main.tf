locals {
  # Both run as often; the time limits of their runs must stay below it.
  _schedule = "rate(5 minutes)"

  _access_point_name = element(split("/", var.access_point.arn), 1)
  _probe_key         = ".fsxn-canary/probe"

  # What a run may take: each check, what is asked after a failure, and a reserve (fsxn_runtime.canary.core).
  _reserve_seconds = 15
  _monitor_steps   = 2 + (var.access_point.probe_enabled ? 1 : 0) + 3
}

# The state of the access point, for whoever polls it. The monitor writes it when it changes.
resource "aws_ssm_parameter" "state" {
  name        = "/${var.context.name_prefix}/access-point-state"
  description = "State of ${local._access_point_name}: available, disrupted (its file system's throughput changes: wait) or failing."
  type        = "SecureString"
  key_id      = var.operations.kms_key_arn
  value       = jsonencode({ since = "", state = "unknown" })
  tags        = var.context.tags

  lifecycle {
    ignore_changes = [value]
  }
}

module "monitor" {
  source = "../lambda-function"

  async        = { maximum_event_age_seconds = 60, maximum_retry_attempts = 0 } # the next run is near
  context      = var.context
  name         = "access-point-monitor"
  description  = "Lists and reads through the access point ${local._access_point_name} every five minutes."
  endpoints    = var.endpoints
  handler      = "fsxn_runtime.canary.monitor.handler"
  operations   = var.operations
  package_path = var.package_paths.monitor
  policies     = { monitor = data.aws_iam_policy_document.monitor.json }
  runtime      = { timeout_seconds = var.monitor.timeout_seconds }
  services     = ["fsx", "s3", "ssm"]
  vpc          = var.placement == "vpc" ? var.vpc : null

  environment = {
    ACCESS_POINT        = var.access_point.alias
    ACCESS_POINT_ARN    = var.access_point.arn
    CHECK_SECONDS       = var.monitor.check_seconds
    FILE_SYSTEM_ID      = var.file_system_id
    JOINED_TO_DIRECTORY = var.access_point.joined_to_directory
    LOG_LEVEL           = var.operations.log_level
    MARKER_KEY          = var.access_point.marker_key
    METRIC_NAMESPACE    = var.operations.metric_namespace
    PROBE_ENABLED       = var.access_point.probe_enabled
    STATE_KEY_ID        = coalesce(var.operations.kms_key_arn, "alias/aws/ssm")
    STATE_PARAMETER     = aws_ssm_parameter.state.name
    TIMEOUT_SECONDS     = var.monitor.timeout_seconds
  }
}

resource "aws_cloudwatch_event_rule" "monitor" {
  name                = "${var.context.name_prefix}-access-point-monitor"
  description         = "Checks the access point ${local._access_point_name}."
  schedule_expression = local._schedule
  tags                = var.context.tags

  lifecycle {
    precondition {
      condition     = (var.access_point.network_origin != "internet") == (var.placement == "vpc")
      error_message = "An access point of a VPC refuses who is outside of it, and one of the internet may time out through an S3 gateway endpoint: placement must be vpc when network_origin is a VPC, and outside when it is internet."
    }

    precondition {
      condition     = var.placement == "outside" || var.vpc != null
      error_message = "placement is vpc, so vpc must name subnets and security groups."
    }

    precondition {
      condition     = local._monitor_steps * var.monitor.check_seconds + local._reserve_seconds <= var.monitor.timeout_seconds
      error_message = "The monitor's last check may never begin: ${local._monitor_steps} steps of ${var.monitor.check_seconds} s and ${local._reserve_seconds} s in reserve do not fit into monitor.timeout_seconds."
    }
  }
}

resource "aws_cloudwatch_event_target" "monitor" {
  rule      = aws_cloudwatch_event_rule.monitor.name
  target_id = "monitor"
  arn       = module.monitor.function_arn
}

resource "aws_lambda_permission" "monitor" {
  statement_id   = "Schedule"
  action         = "lambda:InvokeFunction"
  function_name  = module.monitor.function_name
  principal      = "events.amazonaws.com"
  source_account = var.context.account_id
  source_arn     = aws_cloudwatch_event_rule.monitor.arn
}
