locals {
  _full_name    = "${var.context.name_prefix}-${var.name}"
  _vpc_services = var.vpc == null ? toset([]) : var.services
  # Services that nothing in the VPC leads to.
  _unreached = var.endpoints == null ? toset([]) : setsubtract(local._vpc_services, coalesce(var.endpoints, []))
}

resource "aws_cloudwatch_log_group" "this" {
  name              = "/aws/lambda/${local._full_name}"
  retention_in_days = var.operations.log_retention_days
  kms_key_id        = var.operations.kms_key_arn
  tags              = var.context.tags
}

# What an asynchronous invocation could not do after its retries: EventBridge and schedules call this way.
resource "aws_sqs_queue" "dead_letter" {
  count = var.async == null ? 0 : 1

  name                              = "${local._full_name}-dead-letters"
  message_retention_seconds         = 1209600 # 14 days, the longest SQS keeps a message
  kms_master_key_id                 = var.operations.kms_key_arn
  kms_data_key_reuse_period_seconds = var.operations.kms_key_arn == null ? null : 300
  sqs_managed_sse_enabled           = var.operations.kms_key_arn == null ? true : null
  tags                              = var.context.tags
}

resource "aws_lambda_function" "this" {
  # checkov:skip=CKV_AWS_272:zips come from this repository with their hash in the plan; signing is the pipeline's choice
  # checkov:skip=CKV_AWS_116:asynchronous failures go to the OnFailure destination below, which also keeps the reason
  function_name                  = local._full_name
  description                    = var.description
  role                           = aws_iam_role.this.arn
  package_type                   = "Zip"
  filename                       = var.package_path
  source_code_hash               = filebase64sha256(var.package_path)
  handler                        = var.handler
  runtime                        = var.runtime.name
  architectures                  = [var.runtime.architecture]
  memory_size                    = var.runtime.memory_mb
  timeout                        = var.runtime.timeout_seconds
  reserved_concurrent_executions = var.reserved_concurrency
  kms_key_arn                    = var.operations.kms_key_arn
  tags                           = var.context.tags

  environment {
    variables = var.environment
  }

  tracing_config {
    mode = var.operations.tracing_enabled ? "Active" : "PassThrough"
  }

  dynamic "vpc_config" {
    for_each = var.vpc == null ? {} : { this = var.vpc }

    content {
      security_group_ids = vpc_config.value.security_group_ids
      subnet_ids         = vpc_config.value.subnet_ids
    }
  }

  # The first invocation must find its log group and its permissions.
  depends_on = [aws_cloudwatch_log_group.this, aws_iam_role_policy.base, aws_iam_role_policy.this]

  lifecycle {
    precondition {
      condition     = length(local._unreached) == 0
      error_message = "${local._full_name} runs in a VPC without an endpoint of ${join(", ", local._unreached)}, which it calls: add it (module vpc-endpoints), or set endpoints to null when the VPC has another way out."
    }
  }
}

resource "aws_lambda_function_event_invoke_config" "this" {
  count = var.async == null ? 0 : 1

  function_name                = aws_lambda_function.this.function_name
  maximum_event_age_in_seconds = var.async.maximum_event_age_seconds
  maximum_retry_attempts       = var.async.maximum_retry_attempts

  destination_config {
    on_failure {
      destination = aws_sqs_queue.dead_letter[0].arn
    }
  }
}
