data "aws_iam_policy_document" "says_nothing" {
  # This reason is about the other statement.
  statement {
    actions   = ["xray:PutTraceSegments"]
    resources = ["*"]
  }

  statement {
    actions   = ["fsx:DescribeFileSystems"]
    resources = ["*"]
  }
}

data "aws_iam_policy_document" "says_nothing_in_a_dynamic_statement" {
  dynamic "statement" {
    for_each = { this = true }

    content {
      actions   = ["ec2:DescribeNetworkInterfaces"]
      resources = ["*"]
    }
  }
}

resource "aws_iam_role_policy" "says_nothing_as_json" {
  role = "worker"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = ["fsx:DescribeVolumes"]
      Resource = "*"
    }]
  })
}
