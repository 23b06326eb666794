locals {
  _name = "${var.context.name_prefix}-rotation"
}

module "function" {
  source = "../lambda-function"

  async        = {}
  context      = var.context
  name         = "rotate"
  description  = "Rotates the password of the ONTAP account in ${var.secret.arn}."
  endpoints    = var.endpoints
  handler      = "fsxn_runtime.rotation.handler.handler"
  operations   = var.operations
  package_path = var.package_path
  policies     = { rotate = data.aws_iam_policy_document.rotate.json }
  runtime      = { timeout_seconds = 360 } # the sum of all waits: fsxn_runtime/rotation/clients.py
  services     = var.fsx_recovery.mode == "off" ? ["secretsmanager"] : ["fsx", "secretsmanager"]
  vpc          = var.vpc

  environment = {
    FILE_SYSTEM_ID          = var.fsx_recovery.mode == "off" ? "" : var.fsx_recovery.file_system_id
    LOG_LEVEL               = var.operations.log_level
    METRIC_NAMESPACE        = var.operations.metric_namespace
    ONTAP_SECRET_ID         = var.secret.arn
    ROTATION_FSX_RECOVERY   = var.fsx_recovery.mode
    ROTATION_METHOD         = var.password_method
    ROTATION_PAUSE_SECONDS  = var.login_limits.pause_seconds
    ROTATION_PROBES         = join(",", sort(var.probes))
    ROTATION_REFUSED_LOGINS = var.login_limits.refused
  }
}

# Secrets Manager looks for it when rotation is switched on, so it comes first.
resource "aws_lambda_permission" "secrets_manager" {
  statement_id   = "SecretsManager"
  action         = "lambda:InvokeFunction"
  function_name  = module.function.function_name
  principal      = "secretsmanager.amazonaws.com"
  source_account = var.context.account_id
}

resource "aws_secretsmanager_secret_rotation" "this" {
  secret_id           = var.secret.arn
  rotation_lambda_arn = module.function.function_arn
  rotate_immediately  = var.rotate_immediately

  rotation_rules {
    automatically_after_days = var.schedule.expression == null ? var.schedule.days : null
    duration                 = var.schedule.duration
    schedule_expression      = var.schedule.expression
  }

  depends_on = [aws_lambda_permission.secrets_manager]
}

# The watch: age of the password, and a rotation that does not end.
resource "aws_cloudwatch_event_rule" "watch" {
  name                = "${local._name}-watch"
  description         = "Looks at the age of the password and at a rotation that has not ended."
  schedule_expression = "rate(1 hour)"
  tags                = var.context.tags
}

resource "aws_cloudwatch_event_target" "watch" {
  rule      = aws_cloudwatch_event_rule.watch.name
  target_id = "rotate"
  arn       = module.function.function_arn
  input     = jsonencode({ action = "watch" })
}

resource "aws_lambda_permission" "watch" {
  statement_id   = "Watch"
  action         = "lambda:InvokeFunction"
  function_name  = module.function.function_name
  principal      = "events.amazonaws.com"
  source_account = var.context.account_id
  source_arn     = aws_cloudwatch_event_rule.watch.arn
}
