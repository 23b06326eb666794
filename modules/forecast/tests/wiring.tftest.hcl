# What the module connects, with a mocked provider.

mock_provider "aws" {
  # Mocked strings are random, so a mocked policy document is not JSON (terraform-provider-aws issue 36700).
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{}" }
  }
}

variables {
  context = {
    account_id  = "111122223333"
    name_prefix = "fsxn-test"
    region      = "us-east-1"
  }
  file_system_id   = "fs-0123456789abcdef0"
  metric_catalogue = { metrics = { DaysUntilFull = { statistic = "Minimum" } } }
  operations       = { notification_topic_arn = "arn:aws:sns:us-east-1:111122223333:notifications" }
  package_path     = "./versions.tf" # only its hash is read
}

run "the_alarm_is_raised_at_the_threshold" {
  command = plan

  variables {
    threshold_days = 45
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.days_until_full.threshold == 45
    error_message = "The alarm must be raised where the function tells."
  }
}

run "silence_of_the_forecast_is_an_alarm" {
  command = plan

  assert {
    condition     = aws_cloudwatch_metric_alarm.missing.treat_missing_data == "breaching"
    error_message = "A forecast that is not made publishes nothing."
  }
}

run "only_this_file_systems_crossings_are_told" {
  command = plan

  assert {
    condition     = jsondecode(aws_cloudwatch_event_rule.crossing.event_pattern).detail.file_system_id == ["fs-0123456789abcdef0"]
    error_message = "Another file system's forecast has its own rule."
  }
}
