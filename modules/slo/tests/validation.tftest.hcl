# Every validation and precondition refuses what it is for.

mock_provider "aws" {}

variables {
  context = {
    account_id  = "111122223333"
    name_prefix = "fsxn-test"
    region      = "us-east-1"
  }
  dashboards       = { slo = [{ title = "Latency", slo = "ingestion-latency" }] }
  metric_catalogue = { metrics = { EventIngestionLatency_ms = { statistic = "p99" } } }
  objectives = {
    schema_version = "1.0"
    error_budget   = { days = 28, burn_rates = { hour = { rate = 14.4, long_seconds = 3600, short_seconds = 300 } } }
    slos = {
      ingestion-latency = { metric = "EventIngestionLatency_ms", statistic = "p99", comparison = "less", threshold = 5000, period_seconds = 300, periods = 3, missing_data = "notBreaching", objective_pct = 99 }
      success-rate      = { metric = "ProcessingSuccessRate_pct", statistic = "Average", comparison = "greater", threshold = 99.5, period_seconds = 300, periods = 3, missing_data = "notBreaching" }
    }
  }
  operations      = { notification_topic_arn = "arn:aws:sns:us-east-1:111122223333:notifications" }
  pipeline_alarms = { age = { alarm_name = "fsxn-test-ingestion-age" } }
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

run "rejects_a_namespace_of_aws" {
  command = plan

  variables {
    operations = {
      metric_namespace       = "AWS/Lambda"
      notification_topic_arn = "arn:aws:sns:us-east-1:111122223333:notifications"
    }
  }

  expect_failures = [var.operations]
}

run "rejects_a_widget_of_nothing" {
  command = plan

  variables {
    dashboards = { slo = [{ title = "Nothing" }] }
  }

  expect_failures = [var.dashboards]
}

run "rejects_a_comparison_that_is_none" {
  command = plan

  variables {
    objectives = {
      schema_version = "1.0"
      error_budget   = { days = 28, burn_rates = {} }
      slos           = { ingestion-latency = { metric = "EventIngestionLatency_ms", statistic = "p99", comparison = "equal", threshold = 5000, period_seconds = 300, periods = 3, missing_data = "missing", objective_pct = 99 } }
    }
  }

  expect_failures = [var.objectives]
}

run "rejects_silence_as_a_violation" {
  command = plan

  variables {
    objectives = {
      schema_version = "1.0"
      error_budget   = { days = 28, burn_rates = {} }
      slos           = { ingestion-latency = { metric = "EventIngestionLatency_ms", statistic = "p99", comparison = "less", threshold = 5000, period_seconds = 300, periods = 3, missing_data = "breaching", objective_pct = 99 } }
    }
  }

  expect_failures = [var.objectives]
}

run "rejects_a_pipeline_that_nothing_watches" {
  command = plan

  variables {
    pipeline_alarms = {}
  }

  expect_failures = [var.pipeline_alarms]
}

run "rejects_a_source_that_no_series_knows" {
  command = plan

  variables {
    sources = { queue = ["fsxn-test-ingestion"] }
  }

  expect_failures = [var.sources]
}

run "rejects_a_target_of_an_objective_that_is_none" {
  command = plan

  variables {
    targets = { latency = { threshold = 1000 } }
  }

  expect_failures = [var.targets]
}

run "rejects_a_threshold_of_nothing" {
  command = plan

  variables {
    targets = { ingestion-latency = { threshold = 0 } }
  }

  expect_failures = [var.targets]
}

run "rejects_half_a_period" {
  command = plan

  variables {
    targets = { ingestion-latency = { periods = 2.5 } }
  }

  expect_failures = [var.targets]
}

run "rejects_an_objective_without_a_budget" {
  command = plan

  variables {
    targets = { ingestion-latency = { objective_pct = 100 } }
  }

  expect_failures = [var.targets]
}

run "rejects_a_second_share_for_the_success_rate" {
  command = plan

  variables {
    targets = { success-rate = { objective_pct = 99 } }
  }

  expect_failures = [var.targets]
}

run "rejects_a_success_rate_that_nobody_can_miss_fast" {
  command = plan

  variables {
    targets = { success-rate = { threshold = 90 } }
  }

  expect_failures = [var.targets]
}

run "refuses_more_than_a_parameter_holds" {
  command = plan

  variables {
    operations = {
      metric_namespace       = "Namespace"
      notification_topic_arn = "arn:aws:sns:us-east-1:111122223333:notifications"
    }
    objectives = {
      schema_version = "1.0"
      error_budget   = { days = 28, burn_rates = {} }
      slos = { for number in range(24) : "objective-${number}" => {
        metric = "EventIngestionLatency_ms", statistic = "p99", comparison = "less", threshold = 5000, period_seconds = 300, periods = 3, missing_data = "notBreaching", objective_pct = 99
      } }
    }
    dashboards = {}
  }

  expect_failures = [aws_ssm_parameter.catalogue]
}
