data "aws_iam_policy_document" "says_why" {
  statement {
    # AWS has no resource level for it.
    actions   = ["xray:PutTraceSegments"]
    resources = ["*"]
  }

  statement {
    actions   = ["fsx:DescribeFileSystems"]
    resources = ["*"] # AWS has no resource level for it
  }

  # The interfaces do not exist yet.
  statement {
    actions = ["ec2:DescribeNetworkInterfaces"]
    resources = [
      "*",
    ]
  }
}
