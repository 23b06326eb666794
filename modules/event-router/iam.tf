data "aws_iam_policy_document" "router" {
  statement {
    sid       = "ReceiveFromIngestion"
    actions   = ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"]
    resources = [aws_sqs_queue.ingestion.arn]
  }

  statement {
    sid       = "PutOnBus"
    actions   = ["events:PutEvents"]
    resources = [aws_cloudwatch_event_bus.this.arn]
  }

  statement {
    sid       = "Quarantine"
    actions   = ["sqs:SendMessage"]
    resources = [aws_sqs_queue.quarantine.arn]
  }
}
