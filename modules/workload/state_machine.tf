resource "aws_cloudwatch_log_group" "state_machine" {
  # The prefix keeps Step Functions' resource policy short: log groups under it share one statement.
  name              = "/aws/vendedlogs/states/${local._full_name}"
  retention_in_days = var.operations.log_retention_days
  kms_key_id        = var.operations.kms_key_arn
  tags              = var.context.tags
}

resource "aws_sfn_state_machine" "this" {
  # checkov:skip=CKV_AWS_284:tracing is on unless the caller switches it off (var.operations.tracing_enabled)
  name     = local._full_name
  type     = "STANDARD" # only standard machines refuse a used execution name, which is what makes work happen once
  role_arn = aws_iam_role.state_machine.arn
  tags     = var.context.tags

  # Two retries there: a fault that may heal gets half a minute, then the finisher decides; Lambda's refusal for want of
  # concurrency is no fault of the file and lasts as long as the storm, so it gets most of the execution's half hour.
  definition = templatefile("${path.module}/definition.asl.json.tftpl", {
    partition            = var.context.partition
    process_function_arn = var.process_function_arn
    timeout_seconds      = var.execution_timeout_seconds
  })

  logging_configuration {
    include_execution_data = true
    level                  = "ERROR"
    log_destination        = "${aws_cloudwatch_log_group.state_machine.arn}:*"
  }

  tracing_configuration {
    enabled = var.operations.tracing_enabled
  }

  depends_on = [aws_iam_role_policy.state_machine]
}
