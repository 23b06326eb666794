# What the module connects, with a mocked provider.

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
    error_budget = { days = 28, burn_rates = {
      hour       = { rate = 14.4, long_seconds = 3600, short_seconds = 300 }
      three-days = { rate = 1, long_seconds = 259200, short_seconds = 21600 }
    } }
    slos = {
      ingestion-latency = { metric = "EventIngestionLatency_ms", statistic = "p99", comparison = "less", threshold = 5000, period_seconds = 300, periods = 3, missing_data = "notBreaching", objective_pct = 99 }
      success-rate      = { metric = "ProcessingSuccessRate_pct", statistic = "Average", comparison = "greater", threshold = 99.5, period_seconds = 300, periods = 3, missing_data = "notBreaching" }
    }
  }
  operations = { notification_topic_arn = "arn:aws:sns:us-east-1:111122223333:notifications" }
  pipeline_alarms = {
    age  = { alarm_name = "fsxn-test-ingestion-age" }
    work = { alarm_name = "fsxn-test-work-age", unless = "fsxn-test-paused" }
  }
}

run "the_success_rate_gives_no_all_clear" {
  command = plan

  assert {
    condition     = length(aws_cloudwatch_metric_alarm.slo["success-rate"].ok_actions) == 0 && length(aws_cloudwatch_metric_alarm.slo["ingestion-latency"].ok_actions) == 1
    error_message = "Silence counts as good for the success rate: OK may only mean that nothing ran."
  }
}

run "few_events_are_judged_too" {
  command = plan

  assert {
    condition     = aws_cloudwatch_metric_alarm.slo["ingestion-latency"].evaluate_low_sample_count_percentiles == "evaluate"
    error_message = "With ignore, a quiet pipeline would have no alarm."
  }
}

run "windows_tell_nobody_by_themselves" {
  command = plan

  assert {
    condition     = alltrue([for alarm in aws_cloudwatch_metric_alarm.window : length(coalesce(alarm.alarm_actions, [])) == 0])
    error_message = "A window alone is no reason to wake anybody."
  }
}

run "a_window_longer_than_a_day_has_no_alarm" {
  command = plan

  assert {
    condition     = length(aws_cloudwatch_metric_alarm.window) == 4
    error_message = "CloudWatch looks at most a day back: two objectives with one pair of two windows."
  }
}

run "budget_alarms_can_be_left_out" {
  command = plan

  variables {
    budget_alarms_enabled = false
  }

  assert {
    condition     = length(aws_cloudwatch_metric_alarm.window) + length(aws_cloudwatch_composite_alarm.burn) == 0
    error_message = "Without budget alarms neither windows nor composites are made."
  }
}

run "any_stage_that_stands_still_takes_the_pipeline_down_unless_that_is_wanted" {
  command = plan

  assert {
    condition     = aws_cloudwatch_composite_alarm.pipeline_down.alarm_rule == "ALARM(\"fsxn-test-ingestion-age\") OR (ALARM(\"fsxn-test-work-age\") AND NOT ALARM(\"fsxn-test-paused\"))"
    error_message = "One alarm is enough; a workload that was paused is not down."
  }
}
