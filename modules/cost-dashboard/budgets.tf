locals {
  # The whole, and each workload that has a limit of its own. Only what is tagged is counted, from the day on which the
  # tag is a cost allocation tag.
  _budgets = var.budgets == null ? {} : merge(
    { all = { limit_usd = var.budgets.monthly_usd, owners = concat([local._shared], keys(var.workloads)) } },
    { for name, limit in var.budgets.workloads : name => { limit_usd = limit, owners = [name] } },
  )
}

resource "aws_budgets_budget" "this" {
  for_each = local._budgets

  name         = "${var.context.name_prefix}-${each.key}"
  budget_type  = "COST"
  limit_amount = tostring(each.value.limit_usd)
  limit_unit   = "USD"
  time_unit    = "MONTHLY"
  tags         = var.context.tags

  cost_filter {
    name   = "TagKeyValue"
    values = [for owner in each.value.owners : format("user:%s$%s", local._tag, owner)]
  }

  dynamic "notification" {
    for_each = var.budgets.actual_percents

    content {
      comparison_operator       = "GREATER_THAN"
      notification_type         = "ACTUAL"
      subscriber_sns_topic_arns = [var.operations.notification_topic_arn]
      threshold                 = notification.value
      threshold_type            = "PERCENTAGE"
    }
  }

  dynamic "notification" {
    for_each = var.budgets.forecast_percents

    content {
      comparison_operator       = "GREATER_THAN"
      notification_type         = "FORECASTED"
      subscriber_sns_topic_arns = [var.operations.notification_topic_arn]
      threshold                 = notification.value
      threshold_type            = "PERCENTAGE"
    }
  }

  lifecycle {
    precondition {
      condition     = alltrue([for name in keys(var.budgets.workloads) : contains(keys(var.workloads), name)])
      error_message = "budgets.workloads names ${join(", ", setsubtract(keys(var.budgets.workloads), keys(var.workloads)))}, which is no key of workloads."
    }
  }
}

# Only the payer's account may say which tags are cost allocation tags; it takes effect within a day, for costs from then on.
resource "aws_ce_cost_allocation_tag" "this" {
  count = var.tag_activation_enabled ? 1 : 0

  tag_key = local._tag
  status  = "Active"
}
