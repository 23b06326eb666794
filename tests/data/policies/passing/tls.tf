resource "aws_lambda_function" "quiet" {
  function_name = "quiet"

  environment {
    variables = {
      CA_BUNDLE = "/opt/ca.pem"
      ENDPOINT  = "https://10.0.0.1"
    }
  }
}

resource "aws_ecs_task_definition" "mounts_with_tls" {
  family                = "mounts"
  container_definitions = jsonencode([{ name = "server", environment = [{ name = "CA_BUNDLE", value = "/opt/ca.pem" }] }])

  volume {
    name = "spool"

    efs_volume_configuration {
      file_system_id     = "fs-0123456789abcdef0"
      transit_encryption = "ENABLED"
    }
  }
}

resource "aws_sns_topic_subscription" "https" {
  topic_arn = "arn:aws:sns:us-east-1:111122223333:topic"
  protocol  = "https"
  endpoint  = "https://example.com"
}

resource "aws_s3_bucket" "closed" {
  bucket = "closed"
}

resource "aws_s3_bucket_policy" "closed" {
  bucket = aws_s3_bucket.closed.id
  policy = data.aws_iam_policy_document.closed.json
}

data "aws_iam_policy_document" "closed" {
  statement {
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = ["${aws_s3_bucket.closed.arn}/*"]

    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}
