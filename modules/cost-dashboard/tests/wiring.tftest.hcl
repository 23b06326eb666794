# What is made, and what costs are worked out from.

mock_provider "aws" {}

variables {
  context = {
    account_id  = "111122223333"
    name_prefix = "fsxn-test"
    region      = "us-east-1"
  }
  lineage_table_name = "fsxn-test-data-lineage"
  operations         = { notification_topic_arn = "arn:aws:sns:us-east-1:111122223333:fsxn-test-notifications" }
  prices = {
    "dynamodb.write_unit"      = { usd = "0.625", per = "1000000" }
    "eventbridge.event"        = { usd = "1.00", per = "1000000" }
    "lambda.gb_second.arm64"   = { usd = "0.0000133334", per = "1" }
    "lambda.request"           = { usd = "0.20", per = "1000000" }
    "logs.gb"                  = { usd = "0.50", per = "1" }
    "stepfunctions.transition" = { usd = "25.00", per = "1000000" }
  }
  workloads = {
    inventory = {
      functions         = { process = { function_name = "fsxn-test-inventory-process", memory_mb = 512 } }
      state_machine_arn = "arn:aws:states:us-east-1:111122223333:stateMachine:fsxn-test-inventory"
      state_table_name  = "fsxn-test-inventory-state"
    }
  }
}

run "draws_usage_times_price_for_each_workload" {
  command = plan

  assert {
    condition     = [for widget in jsondecode(aws_cloudwatch_dashboard.this[0].dashboard_body).widgets : widget.properties.title] == ["Cost drivers in USD, inventory", "Cost drivers in USD, shared"]
    error_message = "There must be one widget for each workload and one for what all share."
  }

  assert {
    condition     = contains([for series in jsondecode(aws_cloudwatch_dashboard.this[0].dashboard_body).widgets[0].properties.metrics : try(series[0].expression, "")], "m0 * 0.000075")
    error_message = "An execution costs three transitions of 25 USD a million."
  }

  assert {
    condition     = contains([for series in jsondecode(aws_cloudwatch_dashboard.this[0].dashboard_body).widgets[0].properties.metrics : try(series[0].expression, "")], "m3 * 0.0000000066667")
    error_message = "A millisecond of 512 MiB costs half of a GB-second's thousandth."
  }
}

run "makes_no_budget_and_activates_no_tag_unless_asked" {
  command = plan

  assert {
    condition     = length(aws_budgets_budget.this) == 0 && length(aws_ce_cost_allocation_tag.this) == 0
    error_message = "Budgets and the tag's activation must be off by default."
  }
}

run "counts_a_workload_by_its_tag_and_tells_the_topic" {
  command = plan

  variables {
    budgets                = { monthly_usd = 300, workloads = { inventory = 200 } }
    tag_activation_enabled = true
  }

  assert {
    condition     = join(",", flatten([for filter in aws_budgets_budget.this["inventory"].cost_filter : filter.values])) == "user:Workload$inventory"
    error_message = "A workload's budget must count what has its tag."
  }

  assert {
    condition     = join(",", flatten([for filter in aws_budgets_budget.this["all"].cost_filter : filter.values])) == "user:Workload$shared,user:Workload$inventory"
    error_message = "The whole must count the workloads and what they share."
  }

  assert {
    condition     = length(aws_budgets_budget.this["all"].notification) == 3 && alltrue([for each in aws_budgets_budget.this["all"].notification : each.subscriber_sns_topic_arns == toset(["arn:aws:sns:us-east-1:111122223333:fsxn-test-notifications"])])
    error_message = "80 and 100 percent spent and 100 percent forecast must go to the one topic."
  }

  assert {
    condition     = aws_ce_cost_allocation_tag.this[0].tag_key == "Workload"
    error_message = "The tag that is activated must be the one on the resources."
  }
}

run "draws_nothing_without_prices" {
  command = plan

  variables {
    prices = {}
  }

  assert {
    condition     = output.dashboard_name == null
    error_message = "Without prices there is nothing to draw in USD."
  }
}
