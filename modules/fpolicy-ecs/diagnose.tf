# Reads ONTAP from inside the VPC for `fsxn diagnose` (docs/howto/diagnose.md): people's machines cannot reach it.

module "diagnose" {
  source = "../lambda-function"

  context              = var.context
  name                 = "diagnose"
  description          = "Reads ONTAP's FPolicy side for fsxn diagnose; changes nothing."
  endpoints            = var.endpoints
  handler              = "fsxn_runtime.diagnose.handler.handler"
  operations           = var.operations
  package_path         = var.diagnose.package_path
  reserved_concurrency = 1 # one login at a time: refused ones are counted in one item
  runtime              = { timeout_seconds = 60 }
  services             = ["dynamodb", "ecs", "secretsmanager"]
  vpc                  = var.reconciler.vpc

  policies = {
    diagnose = data.aws_iam_policy_document.diagnose.json
    secret   = var.reconciler.secret_policy
  }

  environment = {
    ECS_CLUSTER     = aws_ecs_cluster.this.name
    ECS_SERVICE     = local._full_name
    HEALTH_PORT     = var.server_settings.health_port
    LOG_LEVEL       = var.operations.log_level
    ONTAP_SECRET_ID = var.reconciler.secret_arn
    RECONCILE_TABLE = module.table.table_name
  }
}

data "aws_iam_policy_document" "diagnose" {
  statement {
    sid = "FindTasks"
    # As for the reconciler: ecs:ListTasks has no resource level but this condition.
    actions   = ["ecs:ListTasks"]
    resources = ["*"]

    condition {
      test     = "ArnEqualsIfExists"
      variable = "ecs:cluster"
      values   = [aws_ecs_cluster.this.arn]
    }
  }

  statement {
    sid     = "LookAtTasks"
    actions = ["ecs:DescribeTasks"]
    resources = [
      "arn:${var.context.partition}:ecs:${var.context.region}:${var.context.account_id}:task/${aws_ecs_cluster.this.name}/*",
      aws_ecs_cluster.this.arn, # what the laboratory's IAM asks for; on AWS it allows nothing
    ]
  }

  dynamic "statement" {
    for_each = var.launch.fixed_addresses ? { this = true } : {}

    content {
      sid       = "FindHosts"
      actions   = ["ecs:DescribeContainerInstances"]
      resources = ["arn:${var.context.partition}:ecs:${var.context.region}:${var.context.account_id}:container-instance/${aws_ecs_cluster.this.name}/*"]
    }
  }

  statement {
    sid       = "ReadWanted"
    actions   = ["dynamodb:GetItem", "dynamodb:Scan"]
    resources = [module.table.table_arn]
  }

  # So that its refused logins count together with the reconciler's, and nobody locks the account.
  statement {
    sid       = "CountRefusedLogins"
    actions   = ["dynamodb:PutItem"]
    resources = [module.table.table_arn]

    condition {
      test     = "ForAllValues:StringEquals"
      variable = "dynamodb:LeadingKeys"
      values   = ["LOGINS"]
    }
  }

  dynamic "statement" {
    for_each = var.operations.kms_key_arn == null ? {} : { this = true }

    content {
      sid       = "UseKey"
      actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
      resources = [var.operations.kms_key_arn]
    }
  }
}
