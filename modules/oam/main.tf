locals {
  _sinks = var.sink == null ? {} : { this = var.sink }
  _links = var.link == null ? {} : { this = var.link }

  # The product's own metrics, and those of the services that its alarms and dashboards ask.
  _metric_filter    = "Namespace IN ('${var.metric_namespace}', 'AWS/ECS', 'AWS/FSx', 'AWS/Lambda', 'AWS/SQS', 'AWS/States', 'ECS/ContainerInsights')"
  _log_group_filter = "LogGroupName LIKE '/aws/lambda/${var.context.name_prefix}%' OR LogGroupName LIKE '/ecs/${var.context.name_prefix}%'"
}

resource "aws_oam_sink" "this" {
  for_each = local._sinks

  name = "${var.context.name_prefix}-monitoring"
  tags = var.context.tags
}

resource "aws_oam_sink_policy" "this" {
  for_each = local._sinks

  sink_identifier = aws_oam_sink.this[each.key].arn
  policy          = data.aws_iam_policy_document.sink[each.key].json
}

resource "aws_oam_link" "this" {
  for_each = local._links

  label_template  = each.value.label_template
  resource_types  = each.value.resource_types
  sink_identifier = each.value.sink_arn
  tags            = var.context.tags

  # OAM takes a filter only of what is shared.
  dynamic "link_configuration" {
    for_each = length(setintersection(each.value.resource_types, ["AWS::CloudWatch::Metric", "AWS::Logs::LogGroup"])) > 0 ? { this = true } : {}

    content {
      dynamic "log_group_configuration" {
        for_each = contains(each.value.resource_types, "AWS::Logs::LogGroup") ? { this = true } : {}

        content {
          filter = coalesce(each.value.log_group_filter, local._log_group_filter)
        }
      }

      dynamic "metric_configuration" {
        for_each = contains(each.value.resource_types, "AWS::CloudWatch::Metric") ? { this = true } : {}

        content {
          filter = coalesce(each.value.metric_filter, local._metric_filter)
        }
      }
    }
  }

  lifecycle {
    precondition {
      condition     = split(":", each.value.sink_arn)[3] == var.context.region
      error_message = "The sink is in ${split(":", each.value.sink_arn)[3]}; a link reaches only a sink of its own Region, ${var.context.region}."
    }

    precondition {
      condition     = split(":", each.value.sink_arn)[4] != var.context.account_id
      error_message = "The sink is in this account: an account sees its own data without a link."
    }

    # There the variables of a label all become the account's id (OAM API reference, CreateLink).
    precondition {
      condition     = var.context.partition != "aws-us-gov" || !strcontains(each.value.label_template, "$")
      error_message = "In GovCloud link.label_template takes plain text only; its variables all become the account's id."
    }
  }
}
