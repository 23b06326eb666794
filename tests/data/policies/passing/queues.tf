resource "aws_sqs_queue" "work" {
  name = "work"

  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead_letter.arn
    maxReceiveCount     = 5
  })
}

resource "aws_sqs_queue" "dead_letter" {
  name = "work-dead-letters"
}

resource "aws_sqs_queue_redrive_allow_policy" "dead_letter" {
  queue_url = aws_sqs_queue.dead_letter.url

  redrive_allow_policy = jsonencode({
    redrivePermission = "byQueue"
    sourceQueueArns   = [aws_sqs_queue.work.arn]
  })
}

resource "aws_sqs_queue" "failed_calls" {
  count = 1

  name = "failed-calls"
}

resource "aws_lambda_function_event_invoke_config" "this" {
  function_name = "worker"

  destination_config {
    on_failure {
      destination = aws_sqs_queue.failed_calls[0].arn
    }
  }
}

resource "aws_sqs_queue" "quarantine" {
  name = "quarantine"
}

data "aws_iam_policy_document" "names_its_queues" {
  statement {
    actions   = ["sqs:SendMessage"]
    resources = [aws_sqs_queue.work.arn]
  }

  dynamic "statement" {
    for_each = { this = true }

    content {
      actions   = ["sqs:ReceiveMessage"]
      resources = [aws_sqs_queue.quarantine.arn]
    }
  }
}
