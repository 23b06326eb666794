terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.0"
    }
  }
}
variable "v" {
  type    = number
  default = 1
}
variable "package" { type = string }
variable "default_tag" {
  type    = string
  default = "one"
}
provider "aws" {
  region = "us-east-1"
  default_tags { tags = { Project = var.default_tag } }
}
locals {
  second = var.v == 2
  n      = "lab"
}
data "aws_caller_identity" "this" {}
data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com", "states.amazonaws.com"]
    }
  }
}
data "aws_iam_policy_document" "send" {
  statement {
    sid       = "Send"
    actions   = local.second ? ["sqs:SendMessage", "sqs:GetQueueUrl"] : ["sqs:SendMessage"]
    resources = [aws_sqs_queue.main.arn]
  }
}
resource "aws_kms_key" "this" {
  description             = local.second ? "key two" : "key"
  deletion_window_in_days = 7
  enable_key_rotation     = !local.second
  policy                  = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "kms:*", Resource = "*", Principal = { AWS = "arn:aws:iam::${data.aws_caller_identity.this.account_id}:root" } }] })
}
resource "aws_kms_alias" "this" {
  name          = "alias/${local.n}"
  target_key_id = aws_kms_key.this.key_id
}
resource "aws_sqs_queue" "dlq" {
  name              = "${local.n}-dlq"
  kms_master_key_id = aws_kms_alias.this.name
}
resource "aws_sqs_queue" "main" {
  name                       = "${local.n}-main"
  sqs_managed_sse_enabled    = true
  visibility_timeout_seconds = local.second ? 60 : 30
  delay_seconds              = 2
  redrive_policy             = jsonencode({ deadLetterTargetArn = aws_sqs_queue.dlq.arn, maxReceiveCount = 3 })
  tags                       = { Round = tostring(var.v) }
}
resource "aws_sqs_queue" "third" { name_prefix = "${local.n}-third-" }
resource "aws_sqs_queue_policy" "third" {
  queue_url = aws_sqs_queue.third.id
  policy    = jsonencode({ Version = "2012-10-17", Statement = [{ Sid = "A", Effect = "Allow", Principal = { Service = "events.amazonaws.com" }, Action = local.second ? "sqs:*" : "sqs:SendMessage", Resource = aws_sqs_queue.third.arn }] })
}
resource "aws_sqs_queue_redrive_policy" "third" {
  queue_url      = aws_sqs_queue.third.id
  redrive_policy = jsonencode({ deadLetterTargetArn = aws_sqs_queue.dlq.arn, maxReceiveCount = 2 + var.v })
}
resource "aws_sqs_queue_redrive_allow_policy" "dlq" {
  queue_url            = aws_sqs_queue.dlq.url
  redrive_allow_policy = jsonencode({ redrivePermission = "byQueue", sourceQueueArns = [aws_sqs_queue.main.arn, aws_sqs_queue.third.arn] })
}
resource "aws_sns_topic" "this" {
  name              = "${local.n}-topic"
  display_name      = local.second ? "two" : null
  kms_master_key_id = aws_kms_key.this.arn
}
resource "aws_sns_topic_policy" "this" {
  arn    = aws_sns_topic.this.arn
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Sid = "P", Effect = "Allow", Principal = { Service = "cloudwatch.amazonaws.com" }, Action = "sns:Publish", Resource = aws_sns_topic.this.arn }] })
}
resource "aws_sns_topic_subscription" "this" {
  topic_arn            = aws_sns_topic.this.arn
  protocol             = "sqs"
  endpoint             = aws_sqs_queue.third.arn
  raw_message_delivery = local.second
}
resource "aws_iam_role" "this" {
  name               = "${local.n}-role"
  description        = "role ${var.v}"
  assume_role_policy = data.aws_iam_policy_document.trust.json
}
resource "aws_iam_role_policy" "this" {
  name   = "send"
  role   = aws_iam_role.this.id
  policy = data.aws_iam_policy_document.send.json
}
resource "aws_iam_policy" "this" {
  name   = "${local.n}-policy"
  policy = data.aws_iam_policy_document.send.json
}
resource "aws_iam_role_policy_attachment" "this" {
  role       = aws_iam_role.this.name
  policy_arn = aws_iam_policy.this.arn
}
resource "aws_cloudwatch_log_group" "fn" {
  name              = "/aws/lambda/${local.n}-fn"
  retention_in_days = local.second ? 14 : 7
  kms_key_id        = aws_kms_key.this.arn
}
resource "aws_lambda_function" "this" {
  function_name                  = "${local.n}-fn"
  role                           = aws_iam_role.this.arn
  handler                        = "app.handler"
  runtime                        = "python3.13"
  architectures                  = ["arm64"]
  filename                       = var.package
  source_code_hash               = filebase64sha256(var.package)
  memory_size                    = local.second ? 256 : 128
  timeout                        = 10
  reserved_concurrent_executions = local.second ? 4 : null
  environment { variables = { A = tostring(var.v) } }
  tracing_config { mode = "Active" }
  dead_letter_config { target_arn = aws_sqs_queue.dlq.arn }
  logging_config {
    log_format = "Text"
    log_group  = aws_cloudwatch_log_group.fn.name
  }
  vpc_config {
    subnet_ids         = [aws_subnet.this.id]
    security_group_ids = [aws_security_group.this.id]
  }
  depends_on = [aws_iam_role_policy.this]
}
resource "aws_cloudwatch_log_group" "filtered" {
  name = "${local.n}-filtered"
}
resource "aws_cloudwatch_log_subscription_filter" "this" {
  name            = "${local.n}-filter"
  log_group_name  = aws_cloudwatch_log_group.filtered.name
  filter_pattern  = local.second ? "\"second\"" : "\"first\""
  destination_arn = aws_lambda_function.this.arn
}
resource "aws_lambda_function_event_invoke_config" "this" {
  function_name                = aws_lambda_function.this.function_name
  maximum_retry_attempts       = local.second ? 1 : 0
  maximum_event_age_in_seconds = 3600
  destination_config {
    on_failure { destination = aws_sqs_queue.dlq.arn }
  }
}
resource "aws_lambda_invocation" "this" {
  function_name   = aws_lambda_function.this.function_name
  input           = jsonencode({ n = var.v })
  lifecycle_scope = "CRUD"
}
resource "aws_sns_topic" "invoked" { # an invocation leaves nothing else that can be read
  name         = "lab-invoked"
  display_name = "${jsondecode(aws_lambda_invocation.this.result).got.tf.action} ${jsondecode(aws_lambda_invocation.this.result).got.n}"
}
resource "aws_lambda_function_url" "this" {
  function_name      = aws_lambda_function.this.function_name
  authorization_type = local.second ? "NONE" : "AWS_IAM"
}
resource "aws_lambda_event_source_mapping" "this" {
  event_source_arn        = aws_sqs_queue.main.arn
  function_name           = aws_lambda_function.this.arn
  batch_size              = local.second ? 5 : 10
  function_response_types = ["ReportBatchItemFailures"]
  scaling_config { maximum_concurrency = 2 + var.v }
}
resource "aws_lambda_permission" "this" {
  statement_id  = "events"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.this.function_name
  principal     = "events.amazonaws.com"
  source_arn    = aws_cloudwatch_event_rule.this.arn
}
resource "aws_dynamodb_table" "this" {
  name                        = "${local.n}-table"
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = "pk"
  range_key                   = "sk"
  stream_enabled              = local.second
  stream_view_type            = local.second ? "NEW_IMAGE" : null
  deletion_protection_enabled = false
  attribute {
    name = "pk"
    type = "S"
  }
  attribute {
    name = "sk"
    type = "S"
  }
  dynamic "attribute" {
    for_each = local.second ? ["a", "b"] : ["a"]
    content {
      name = attribute.value
      type = "S"
    }
  }
  global_secondary_index {
    name            = "by-a"
    hash_key        = "a"
    range_key       = "sk"
    projection_type = "ALL"
  }
  dynamic "global_secondary_index" {
    for_each = local.second ? ["b"] : []
    content {
      name               = "by-b"
      hash_key           = "b"
      projection_type    = "INCLUDE"
      non_key_attributes = ["x", "y"]
    }
  }
  ttl {
    attribute_name = "ttl"
    enabled        = true
  }
  point_in_time_recovery { enabled = !local.second }
  server_side_encryption {
    enabled     = true
    kms_key_arn = aws_kms_key.this.arn
  }
}
resource "aws_cloudwatch_event_bus" "this" {
  name        = "${local.n}-bus"
  description = "d${var.v}"
}
resource "aws_cloudwatch_event_archive" "this" {
  name             = "${local.n}-archive"
  event_source_arn = aws_cloudwatch_event_bus.this.arn
  retention_days   = 6 + var.v
}
resource "aws_cloudwatch_event_rule" "this" {
  name           = "${local.n}-rule"
  event_bus_name = aws_cloudwatch_event_bus.this.name
  event_pattern  = jsonencode({ source = ["x"], "detail-type" = ["t${var.v}"] })
  state          = local.second ? "DISABLED" : "ENABLED"
}
resource "aws_cloudwatch_event_rule" "sched" {
  name                = "${local.n}-sched"
  schedule_expression = "rate(${4 + var.v} minutes)"
}
resource "aws_cloudwatch_event_target" "sched" {
  rule  = aws_cloudwatch_event_rule.sched.name
  arn   = aws_lambda_function.this.arn
  input = jsonencode({ action = "sweep", v = var.v })
}
resource "aws_cloudwatch_event_target" "this" {
  rule           = aws_cloudwatch_event_rule.this.name
  event_bus_name = aws_cloudwatch_event_bus.this.name
  target_id      = "machine"
  arn            = aws_sfn_state_machine.this.arn
  role_arn       = aws_iam_role.this.arn
  input_transformer {
    input_paths    = { path = "$.detail.file_path" }
    input_template = "{\"path\": <path>}"
  }
  dead_letter_config { arn = aws_sqs_queue.dlq.arn }
  retry_policy {
    maximum_event_age_in_seconds = 3600
    maximum_retry_attempts       = 10
  }
}
resource "aws_sfn_state_machine" "this" {
  name       = "${local.n}-machine"
  role_arn   = aws_iam_role.this.arn
  definition = jsonencode({ StartAt = "A", States = { A = { Type = "Pass", Result = var.v, End = true } } })
  logging_configuration {
    log_destination        = "${aws_cloudwatch_log_group.fn.arn}:*"
    include_execution_data = true
    level                  = "ERROR"
  }
  tracing_configuration { enabled = true }
}
resource "aws_s3_bucket" "this" {
  bucket        = "${local.n}-bucket-1"
  force_destroy = true
}
resource "aws_s3_bucket" "locked" {
  bucket              = "${local.n}-bucket-locked"
  force_destroy       = true
  object_lock_enabled = true
}
resource "aws_s3_bucket_object_lock_configuration" "this" {
  bucket = aws_s3_bucket.locked.id
  rule {
    default_retention {
      mode = "GOVERNANCE"
      days = 10 * var.v
    }
  }
}
resource "aws_s3_bucket" "log" { bucket = "${local.n}-bucket-log" }
resource "aws_s3_bucket_versioning" "this" {
  bucket = aws_s3_bucket.this.id
  versioning_configuration { status = local.second ? "Suspended" : "Enabled" }
}
resource "aws_s3_bucket_public_access_block" "this" {
  bucket                  = aws_s3_bucket.this.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = !local.second
}
resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  bucket = aws_s3_bucket.this.id
  rule {
    bucket_key_enabled = true
    apply_server_side_encryption_by_default {
      sse_algorithm     = local.second ? "AES256" : "aws:kms"
      kms_master_key_id = local.second ? null : aws_kms_key.this.arn
    }
  }
}
resource "aws_s3_bucket_lifecycle_configuration" "this" {
  bucket = aws_s3_bucket.this.id
  rule {
    id     = "old"
    status = "Enabled"
    filter { prefix = "reports/" }
    expiration { days = 30 * var.v }
    noncurrent_version_expiration { noncurrent_days = 7 }
    abort_incomplete_multipart_upload { days_after_initiation = 1 }
  }
  rule {
    id     = "all"
    status = "Enabled"
    filter {}
    transition {
      days          = 60
      storage_class = "GLACIER"
    }
  }
  depends_on = [aws_s3_bucket_versioning.this]
}
resource "aws_s3_bucket_policy" "this" {
  bucket = aws_s3_bucket.this.id
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Sid = "Tls${var.v}", Effect = "Deny", Principal = "*", Action = "s3:*", Resource = "${aws_s3_bucket.this.arn}/*", Condition = { Bool = { "aws:SecureTransport" = "never" } } }] })
}
resource "aws_s3_bucket_ownership_controls" "this" {
  bucket = aws_s3_bucket.this.id
  rule { object_ownership = local.second ? "BucketOwnerPreferred" : "BucketOwnerEnforced" }
}
resource "aws_s3_bucket_logging" "this" {
  bucket        = aws_s3_bucket.this.id
  target_bucket = aws_s3_bucket.log.id
  target_prefix = "log${var.v}/"
}
resource "aws_s3_object" "this" {
  bucket       = aws_s3_bucket.this.id
  key          = "config/map.json"
  content      = jsonencode({ v = var.v })
  content_type = "application/json"
  depends_on   = [aws_s3_bucket_versioning.this]
}
resource "aws_secretsmanager_secret" "this" {
  name                    = "${local.n}-secret"
  description             = "v${var.v}"
  recovery_window_in_days = 0
}
resource "aws_lambda_permission" "rotation" {
  statement_id   = "SecretsManager"
  action         = "lambda:InvokeFunction"
  function_name  = aws_lambda_function.this.function_name
  principal      = "secretsmanager.amazonaws.com"
  source_account = "000000000000"
}
resource "aws_secretsmanager_secret_rotation" "this" {
  secret_id           = aws_secretsmanager_secret.this.id
  rotation_lambda_arn = aws_lambda_function.this.arn
  rotate_immediately  = false
  rotation_rules {
    automatically_after_days = local.second ? 30 : 90
  }
  depends_on = [aws_lambda_permission.rotation, aws_secretsmanager_secret_version.this]
}
resource "aws_secretsmanager_secret_version" "this" {
  secret_id     = aws_secretsmanager_secret.this.id
  secret_string = jsonencode({ username = "u", v = var.v })
}
resource "aws_ssm_parameter" "this" {
  name  = "/${local.n}/parameter"
  type  = "String"
  value = "v${var.v}"
}
resource "aws_cloudwatch_metric_alarm" "this" {
  alarm_name          = "${local.n}-alarm"
  comparison_operator = "GreaterThanThreshold"
  evaluation_periods  = 3
  datapoints_to_alarm = 3
  metric_name         = "ApproximateNumberOfMessagesVisible"
  namespace           = "AWS/SQS"
  period              = 60
  statistic           = "Maximum"
  threshold           = var.v
  treat_missing_data  = "notBreaching"
  dimensions          = { QueueName = aws_sqs_queue.dlq.name }
  alarm_actions       = [aws_sns_topic.this.arn]
}
resource "aws_cloudwatch_metric_alarm" "p99" {
  alarm_name          = "${local.n}-p99"
  comparison_operator = "GreaterThanThreshold"
  evaluation_periods  = 1
  metric_name         = "Latency_ms"
  namespace           = "X"
  period              = 300
  extended_statistic  = "p99"
  threshold           = 5000
}
resource "aws_cloudwatch_metric_alarm" "math" {
  alarm_name          = "${local.n}-math"
  comparison_operator = "LessThanThreshold"
  evaluation_periods  = 2
  threshold           = 92.8 # no binary fraction: comes to the provider as text
  metric_query {
    id          = "rate"
    expression  = "100 * ok / all"
    label       = "rate ${var.v}"
    return_data = true
  }
  metric_query {
    id = "ok"
    metric {
      metric_name = "Ok"
      namespace   = "X"
      period      = 60
      stat        = "Sum"
      dimensions  = { A = "b" }
    }
  }
}
resource "aws_cloudwatch_composite_alarm" "this" {
  alarm_name        = "${local.n}-composite"
  alarm_description = "one of them"
  alarm_rule        = "${local.second ? "OK" : "ALARM"}(${aws_cloudwatch_metric_alarm.this.alarm_name})"
  alarm_actions     = [aws_sns_topic.this.arn]
}
resource "aws_cloudwatch_dashboard" "this" {
  dashboard_name = "${local.n}-dash"
  dashboard_body = jsonencode({ widgets = [{ type = "text", width = 6, height = 6, x = 0, y = 0, properties = { markdown = "v${var.v}" } }] })
}
resource "aws_vpc" "this" {
  cidr_block           = "10.1.0.0/16"
  enable_dns_hostnames = local.second
  tags                 = { Name = "v${var.v}" }
}
resource "aws_subnet" "this" {
  vpc_id            = aws_vpc.this.id
  cidr_block        = "10.1.1.0/24"
  availability_zone = "us-east-1a"
}
resource "aws_security_group" "this" {
  name        = "${local.n}-sg"
  description = "server"
  vpc_id      = aws_vpc.this.id
}
resource "aws_vpc_security_group_ingress_rule" "this" {
  security_group_id = aws_security_group.this.id
  description       = "FPolicy ${var.v}"
  ip_protocol       = "tcp"
  from_port         = 9898
  to_port           = 9898
  cidr_ipv4         = "10.1.0.0/16"
}
resource "aws_vpc_security_group_egress_rule" "this" {
  security_group_id = aws_security_group.this.id
  ip_protocol       = "-1"
  cidr_ipv4         = "0.0.0.0/0"
}
resource "aws_ecs_cluster" "this" {
  name = "${local.n}-cluster"
  setting {
    name  = "containerInsights"
    value = local.second ? "disabled" : "enabled"
  }
}
resource "aws_ecs_task_definition" "this" {
  family                   = "${local.n}-task"
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = 256
  memory                   = 512
  execution_role_arn       = aws_iam_role.this.arn
  task_role_arn            = aws_iam_role.this.arn
  container_definitions = jsonencode([{
    name             = "server", image = "x:${var.v}", essential = true, command = ["run"],
    portMappings     = [{ containerPort = 9898, protocol = "tcp" }], stopTimeout = 120,
    environment      = [{ name = "B", value = "2" }, { name = "A", value = "1" }],
    healthCheck      = { command = ["CMD", "true"], interval = 5, startPeriod = 120 },
    logConfiguration = { logDriver = "awslogs", options = { "awslogs-group" = aws_cloudwatch_log_group.fn.name, "awslogs-region" = "us-east-1", "awslogs-stream-prefix" = "s" } }
  }])
  runtime_platform {
    cpu_architecture        = "ARM64"
    operating_system_family = "LINUX"
  }
}
resource "aws_ecs_service" "this" {
  name                               = "${local.n}-service"
  cluster                            = aws_ecs_cluster.this.id
  task_definition                    = aws_ecs_task_definition.this.arn
  desired_count                      = var.v
  launch_type                        = "FARGATE"
  deployment_minimum_healthy_percent = 100
  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }
  network_configuration {
    subnets          = [aws_subnet.this.id]
    security_groups  = [aws_security_group.this.id]
    assign_public_ip = false
  }
}
output "queue" { value = aws_sqs_queue.main.url }
