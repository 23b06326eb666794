data "aws_iam_policy_document" "forecast" {
  statement {
    sid = "ReadUsageAndSizes"
    # AWS knows these only for every resource (service authorization reference).
    actions   = ["cloudwatch:GetMetricData", "fsx:DescribeFileSystems", "fsx:DescribeVolumes"]
    resources = ["*"]
  }

  statement {
    sid       = "KeepWhatWasTold"
    actions   = ["dynamodb:GetItem", "dynamodb:UpdateItem"]
    resources = [module.table.table_arn]
  }

  statement {
    sid       = "TellOfCrossings"
    actions   = ["events:PutEvents"]
    resources = ["arn:${var.context.partition}:events:${var.context.region}:${var.context.account_id}:event-bus/default"]
  }
}
