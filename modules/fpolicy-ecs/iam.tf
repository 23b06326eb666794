data "aws_iam_policy_document" "trust" {
  statement {
    sid     = "TasksAssume"
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["ecs-tasks.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [var.context.account_id]
    }
  }
}

# What the server itself may do.
resource "aws_iam_role" "task" {
  name               = "${local._full_name}-task"
  description        = "The FPolicy server of ${var.context.name_prefix}."
  assume_role_policy = data.aws_iam_policy_document.trust.json
  tags               = var.context.tags
}

data "aws_iam_policy_document" "task" {
  statement {
    sid       = "Deliver"
    actions   = ["sqs:SendMessage"]
    resources = [var.ingestion_queue.arn]
  }

  statement {
    sid       = "Quarantine"
    actions   = ["sqs:SendMessage"]
    resources = [var.quarantine_queue.arn]
  }

  statement {
    sid       = "ReadVolumeMap"
    actions   = ["s3:GetObject"]
    resources = ["${module.bucket.bucket_arn}/${local._volume_map_key}"]
  }

  dynamic "statement" {
    for_each = try(var.spool.efs, null) == null ? {} : { this = var.spool.efs }

    content {
      sid       = "UseSpool"
      actions   = ["elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"]
      resources = ["arn:${var.context.partition}:elasticfilesystem:${var.context.region}:${var.context.account_id}:file-system/${statement.value.file_system_id}"]

      # Only through this access point, whose user and folder are not root's.
      condition {
        test     = "StringEquals"
        variable = "elasticfilesystem:AccessPointArn"
        values   = ["arn:${var.context.partition}:elasticfilesystem:${var.context.region}:${var.context.account_id}:access-point/${statement.value.access_point_id}"]
      }
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

resource "aws_iam_role_policy" "task" {
  name   = "serve"
  role   = aws_iam_role.task.id
  policy = data.aws_iam_policy_document.task.json
}

# What ECS does before and around the container: fetch the image, write the log.
resource "aws_iam_role" "execution" {
  name               = "${local._full_name}-execution"
  description        = "Starts the FPolicy server of ${var.context.name_prefix}."
  assume_role_policy = data.aws_iam_policy_document.trust.json
  tags               = var.context.tags
}

data "aws_iam_policy_document" "execution" {
  statement {
    sid       = "WriteLog"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.server.arn}:*"]
  }

  dynamic "statement" {
    for_each = var.image.ecr_repository_arn == null ? {} : { this = true }

    content {
      sid       = "PullImage"
      actions   = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
      resources = [var.image.ecr_repository_arn]
    }
  }

  dynamic "statement" {
    for_each = var.image.ecr_repository_arn == null ? {} : { this = true }

    content {
      sid = "LogInToRegistry"
      # ecr:GetAuthorizationToken has no resource level.
      actions   = ["ecr:GetAuthorizationToken"]
      resources = ["*"]
    }
  }
}

data "aws_iam_policy_document" "certificate" {
  count = var.tls == null ? 0 : 1

  statement {
    sid       = "ReadCertificate"
    actions   = ["secretsmanager:GetSecretValue"]
    resources = compact(values(local._secrets))
  }

  dynamic "statement" {
    for_each = var.tls.kms_key_arn == null ? {} : { this = true }

    content {
      sid       = "DecryptCertificate"
      actions   = ["kms:Decrypt"]
      resources = [var.tls.kms_key_arn]

      # Secrets Manager names the secret when it asks the key, so the key opens nothing else this way.
      condition {
        test     = "StringEquals"
        variable = "kms:EncryptionContext:SecretARN"
        values   = compact(values(local._secrets))
      }
    }
  }
}

resource "aws_iam_role_policy" "certificate" {
  count = var.tls == null ? 0 : 1

  name   = "read-certificate"
  role   = aws_iam_role.execution.id
  policy = data.aws_iam_policy_document.certificate[0].json
}

resource "aws_iam_role_policy" "execution" {
  name   = "start"
  role   = aws_iam_role.execution.id
  policy = data.aws_iam_policy_document.execution.json
}
