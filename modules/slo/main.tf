locals {
  _targets = {
    for name, slo in var.objectives.slos : name => merge(slo, {
      for key, value in try(var.targets[name], {}) : key => value if value != null
    })
  }

  # What evaluator, report and command line read instead of the package's defaults (SLO_PARAMETER). Without the
  # metrics: a standard parameter holds 4 KB.
  _catalogue = jsonencode({
    error_budget   = var.objectives.error_budget
    namespace      = var.operations.metric_namespace
    schema_version = var.objectives.schema_version
    slos           = local._targets
  })
}

# No secret; encrypted because that costs nothing and a customer may ask for it everywhere.
resource "aws_ssm_parameter" "catalogue" {
  name        = "/${var.context.name_prefix}/slo-catalogue"
  description = "The objectives in force: fsxn slo reads them when SLO_PARAMETER has this name."
  type        = "SecureString"
  key_id      = var.operations.kms_key_arn
  value       = local._catalogue
  tags        = var.context.tags

  lifecycle {
    precondition {
      condition     = length(local._catalogue) <= 4096
      error_message = "The effective catalogue has ${length(local._catalogue)} characters; a standard parameter holds 4096."
    }
  }
}
