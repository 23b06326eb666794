# Every validation and precondition refuses what it is for.

mock_provider "aws" {}

variables {
  context = {
    account_id  = "111122223333"
    name_prefix = "fsxn-test"
    region      = "us-east-1"
  }
  lineage_table_name = "fsxn-test-data-lineage"
  operations         = { notification_topic_arn = "arn:aws:sns:us-east-1:111122223333:fsxn-test-notifications" }
  workloads = {
    inventory = {
      functions         = { process = { function_name = "fsxn-test-inventory-process", memory_mb = 512 } }
      state_machine_arn = "arn:aws:states:us-east-1:111122223333:stateMachine:fsxn-test-inventory"
      state_table_name  = "fsxn-test-inventory-state"
    }
  }
}

run "rejects_a_prefix_that_is_too_long" {
  command = plan

  variables {
    context = {
      account_id  = "111122223333"
      name_prefix = "a-prefix-of-more-than-24-letters"
      region      = "us-east-1"
    }
  }

  expect_failures = [var.context]
}

run "rejects_a_budget_of_nothing" {
  command = plan

  variables {
    budgets = { monthly_usd = 0 }
  }

  expect_failures = [var.budgets]
}

run "rejects_more_notifications_than_a_budget_has" {
  command = plan

  variables {
    budgets = { monthly_usd = 100, actual_percents = [10, 20, 30, 40, 50], forecast_percents = [100] }
  }

  expect_failures = [var.budgets]
}

run "rejects_a_budget_of_no_workload" {
  command = plan

  variables {
    budgets = { monthly_usd = 100, workloads = { invetory = 50 } }
  }

  expect_failures = [aws_budgets_budget.this]
}

run "rejects_the_namespace_of_a_service" {
  command = plan

  variables {
    operations = { metric_namespace = "AWS/Lambda", notification_topic_arn = "arn:aws:sns:us-east-1:111122223333:fsxn-test-notifications" }
  }

  expect_failures = [var.operations]
}

run "rejects_prices_that_lack_one" {
  command = plan

  variables {
    prices = { "lambda.request" = { usd = "0.20", per = "1000000" } }
  }

  expect_failures = [var.prices]
}

run "rejects_a_workload_called_as_what_is_shared" {
  command = plan

  variables {
    workloads = {
      shared = {
        functions         = {}
        state_machine_arn = "arn:aws:states:us-east-1:111122223333:stateMachine:fsxn-test-inventory"
        state_table_name  = "fsxn-test-inventory-state"
      }
    }
  }

  expect_failures = [var.workloads]
}
