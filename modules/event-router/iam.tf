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

data "aws_iam_policy_document" "bus_dead_letter" {
  count = length(aws_sqs_queue.bus_dead_letter)

  statement {
    sid       = "BusPutsAside"
    actions   = ["sqs:SendMessage"]
    resources = [aws_sqs_queue.bus_dead_letter[0].arn]

    principals {
      type        = "Service"
      identifiers = ["events.amazonaws.com"]
    }

    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = [aws_cloudwatch_event_bus.this.arn]
    }
  }
}

resource "aws_sqs_queue_policy" "bus_dead_letter" {
  count = length(aws_sqs_queue.bus_dead_letter)

  queue_url = aws_sqs_queue.bus_dead_letter[0].url
  policy    = data.aws_iam_policy_document.bus_dead_letter[0].json
}
