data "aws_iam_policy_document" "monitor" {
  statement {
    sid       = "ListThroughAccessPoint"
    actions   = ["s3:ListBucket"] # HeadBucket too
    resources = [var.access_point.arn]
  }

  statement {
    sid       = "ReadMarker"
    actions   = ["s3:GetObject"]
    resources = ["${var.access_point.arn}/object/${var.access_point.marker_key}"]
  }

  dynamic "statement" {
    for_each = var.access_point.probe_enabled ? { this = true } : {}

    content {
      sid       = "WriteReadDeleteProbe"
      actions   = ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"]
      resources = ["${var.access_point.arn}/object/${local._probe_key}"]
    }
  }

  statement {
    sid       = "ReadOriginAndPolicy"
    actions   = ["s3:GetAccessPoint", "s3:GetAccessPointPolicy"]
    resources = [var.access_point.arn]
  }

  statement {
    sid       = "SeeThroughputChange"
    actions   = ["fsx:DescribeFileSystems"]
    resources = ["*"] # AWS has no resource level for it
  }

  statement {
    sid       = "KeepState"
    actions   = ["ssm:GetParameter", "ssm:PutParameter"]
    resources = [aws_ssm_parameter.state.arn]
  }
}

data "aws_iam_policy_document" "canary_trust" {
  statement {
    sid     = "LambdaAssumes"
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"] # Synthetics runs a canary as a function of the account
    }
  }
}

resource "aws_iam_role" "canary" {
  for_each = local._ontap

  name               = "${var.context.name_prefix}-ontap-canary"
  description        = "Runs the canary ${local._canary_name}."
  assume_role_policy = data.aws_iam_policy_document.canary_trust.json
  tags               = var.context.tags
}

data "aws_iam_policy_document" "canary" {
  # checkov:skip=CKV_AWS_111:Lambda checks the interface actions on "*", and PutMetricData is held to one namespace
  # checkov:skip=CKV_AWS_356:each "*" stands beside an action that AWS knows no narrower resource for
  for_each = local._ontap

  statement {
    sid       = "KeepResults"
    actions   = ["s3:PutObject"]
    resources = ["${module.bucket[0].bucket_arn}/${local._results_path}/*"]
  }

  # A login that was refused is remembered over runs, so that the canary never locks the account.
  statement {
    sid       = "KeepRefusedLogin"
    actions   = ["s3:GetObject", "s3:PutObject"]
    resources = ["${module.bucket[0].bucket_arn}/${local._state_key}"]
  }

  statement {
    sid       = "FindBucket"
    actions   = ["s3:GetBucketLocation"]
    resources = [module.bucket[0].bucket_arn]
  }

  statement {
    sid       = "FindBuckets"
    actions   = ["s3:ListAllMyBuckets"]
    resources = ["*"] # AWS has no resource level for it
  }

  statement {
    sid       = "PublishRun"
    actions   = ["cloudwatch:PutMetricData"]
    resources = ["*"] # AWS has no resource level for it

    condition {
      test     = "StringEquals"
      variable = "cloudwatch:namespace"
      values   = ["CloudWatchSynthetics"]
    }
  }

  # Synthetics makes the group, and adds an id of its own to the name.
  statement {
    sid       = "WriteOwnLog"
    actions   = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["arn:${var.context.partition}:logs:${var.context.region}:${var.context.account_id}:log-group:/aws/lambda/cwsyn-${local._canary_name}-*"]
  }

  statement {
    sid       = "AttachToVpc"
    actions   = ["ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface", "ec2:DescribeNetworkInterfaces"]
    resources = ["*"] # the interfaces do not exist yet when Lambda checks
  }

  dynamic "statement" {
    for_each = var.operations.kms_key_arn == null ? {} : { this = true }

    content {
      sid       = "UseKey"
      actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
      resources = [var.operations.kms_key_arn]
    }
  }

  dynamic "statement" {
    for_each = var.operations.tracing_enabled ? { this = true } : {}

    content {
      sid       = "SendTraces"
      actions   = ["xray:PutTraceSegments"]
      resources = ["*"] # AWS has no resource level for it
    }
  }
}

resource "aws_iam_role_policy" "canary" {
  for_each = local._ontap

  name   = "canary"
  role   = aws_iam_role.canary["this"].id
  policy = data.aws_iam_policy_document.canary["this"].json
}

resource "aws_iam_role_policy" "canary_secret" {
  for_each = local._ontap

  name   = "secret"
  role   = aws_iam_role.canary["this"].id
  policy = each.value.secret_policy
}
