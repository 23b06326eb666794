resource "aws_cloudwatch_log_group" "state_machine" {
  # The prefix keeps Step Functions' resource policy short: log groups under it share one statement.
  name              = "/aws/vendedlogs/states/${local._full_name}"
  retention_in_days = var.operations.log_retention_days
  kms_key_id        = var.operations.kms_key_arn
  tags              = local._context.tags
}

resource "aws_sfn_state_machine" "this" {
  name     = local._full_name
  type     = "STANDARD" # only standard machines refuse a used execution name, which is what makes work happen once
  role_arn = aws_iam_role.state_machine.arn
  tags     = local._context.tags

  definition = jsonencode(local._definition)

  logging_configuration {
    include_execution_data = true
    level                  = "ERROR"
    log_destination        = "${aws_cloudwatch_log_group.state_machine.arn}:*"
  }

  tracing_configuration {
    enabled = var.operations.tracing_enabled
  }

  depends_on = [aws_iam_role_policy.state_machine, aws_iam_role_policy.steps]

  lifecycle {
    precondition {
      condition     = length(local._missing) == 0
      error_message = "steps.definition goes to states that are not there: ${join(", ", local._missing)}."
    }

    precondition {
      condition     = length(local._idle) == 0
      error_message = "steps.definition has states that nothing leads to: ${join(", ", local._idle)}."
    }

    precondition {
      condition     = length(local._endless) == 0
      error_message = "steps.definition has states that need either Next or End = true: ${join(", ", local._endless)}."
    }

    precondition {
      condition     = length(local._unknown) == 0
      error_message = "steps.definition has states of no known Type: ${join(", ", local._unknown)}."
    }
  }
}
