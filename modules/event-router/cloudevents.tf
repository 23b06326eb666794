# Consumers that want CloudEvents get them by rules of their own. What is on the bus stays as it is: the patterns of
# all workloads and the archive's replays match its shape.

resource "aws_sqs_queue" "cloudevents_dead_letter" {
  count = length(var.cloudevents) > 0 ? 1 : 0

  name                              = "${var.context.name_prefix}-cloudevents-dead-letters"
  message_retention_seconds         = local._retention_seconds
  kms_master_key_id                 = local._queue_key.kms_master_key_id
  kms_data_key_reuse_period_seconds = local._queue_key.kms_data_key_reuse_period_seconds
  sqs_managed_sse_enabled           = local._queue_key.sqs_managed_sse_enabled
  tags                              = var.context.tags
}

data "aws_iam_policy_document" "cloudevents_dead_letter" {
  count = length(aws_sqs_queue.cloudevents_dead_letter)

  statement {
    sid       = "RulesPutAside"
    actions   = ["sqs:SendMessage"]
    resources = [aws_sqs_queue.cloudevents_dead_letter[0].arn]

    principals {
      type        = "Service"
      identifiers = ["events.amazonaws.com"]
    }

    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = [for key in sort(keys(var.cloudevents)) : aws_cloudwatch_event_rule.cloudevents[key].arn]
    }
  }
}

resource "aws_sqs_queue_policy" "cloudevents_dead_letter" {
  count = length(aws_sqs_queue.cloudevents_dead_letter)

  queue_url = aws_sqs_queue.cloudevents_dead_letter[0].url
  policy    = data.aws_iam_policy_document.cloudevents_dead_letter[0].json
}

resource "aws_cloudwatch_event_rule" "cloudevents" {
  for_each = var.cloudevents

  name           = "${var.context.name_prefix}-cloudevents-${each.key}"
  description    = "File events as CloudEvents 1.0 for ${each.key}."
  event_bus_name = aws_cloudwatch_event_bus.this.name
  tags           = var.context.tags

  event_pattern = jsonencode(merge(
    { source = ["fsxn.fpolicy"], detail-type = ["FPolicy File Operation"] },
    length(each.value.event_types) > 0 ? { detail = { event_type = each.value.event_types } } : {}
  ))
}

resource "aws_cloudwatch_event_target" "cloudevents" {
  for_each = var.cloudevents

  rule           = aws_cloudwatch_event_rule.cloudevents[each.key].name
  event_bus_name = aws_cloudwatch_event_bus.this.name
  target_id      = "queue"
  arn            = each.value.queue_arn

  input_transformer {
    # EventBridge writes a placeholder without quotes as JSON, escaped; one inside quotes as it is. Only words that the
    # server itself chose stand in quotes: a path may have any character.
    input_template = trimspace(templatefile("${path.module}/cloudevent.json.tftpl", {
      source = "arn:${var.context.partition}:events:${var.context.region}:${var.context.account_id}:event-bus/${var.context.name_prefix}-events"
    }))

    input_paths = {
      event          = "$.detail"
      event_id       = "$.detail.event_id"
      event_type     = "$.detail.event_type"
      file_path      = "$.detail.file_path"
      schema_version = "$.detail.schema_version"
      timestamp      = "$.detail.timestamp"
    }
  }

  dead_letter_config {
    arn = aws_sqs_queue.cloudevents_dead_letter[0].arn
  }

  depends_on = [aws_sqs_queue_policy.cloudevents_dead_letter]
}
