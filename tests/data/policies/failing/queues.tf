resource "aws_sqs_queue" "alone" {
  name = "alone"
}

# Called as if it were one, but nothing puts its dead letters there.
resource "aws_sqs_queue" "dead_letter" {
  name = "dead-letters"
}

resource "aws_sqs_queue_redrive_allow_policy" "anybody" {
  queue_url            = aws_sqs_queue.dead_letter.url
  redrive_allow_policy = jsonencode({ redrivePermission = "allowAll" })
}

data "aws_iam_policy_document" "every_queue_of_a_prefix" {
  statement {
    actions   = ["sqs:SendMessage"]
    resources = ["arn:aws:sqs:us-east-1:111122223333:fsxn-*"]
  }
}

data "aws_iam_policy_document" "every_queue_in_a_dynamic_statement" {
  dynamic "statement" {
    for_each = { this = true }

    content {
      actions   = ["sqs:*"]
      resources = ["*"] # a reason does not help here
    }
  }
}

resource "aws_iam_role_policy" "every_queue_as_json" {
  role = "worker"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect = "Allow"
      Action = ["sqs:ReceiveMessage"]
      # a reason does not help here
      Resource = "*"
    }]
  })
}
