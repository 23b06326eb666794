# Every validation and every precondition has a run that must fail.

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

run "rejects_a_prefix_with_capitals" {
  command = plan

  variables {
    context = {
      account_id  = "111122223333"
      name_prefix = "FSxN"
      region      = "us-east-1"
    }
  }

  expect_failures = [var.context]
}

run "rejects_an_unknown_log_level" {
  command = plan

  variables {
    operations = {
      log_level              = "TRACE"
      notification_topic_arn = "arn:aws:sns:us-east-1:111122223333:notifications"
    }
  }

  expect_failures = [var.operations]
}

run "rejects_the_namespace_of_aws" {
  command = plan

  variables {
    operations = {
      metric_namespace       = "AWS/Lambda"
      notification_topic_arn = "arn:aws:sns:us-east-1:111122223333:notifications"
    }
  }

  expect_failures = [var.operations]
}

run "rejects_a_retention_that_cloudwatch_does_not_know" {
  command = plan

  variables {
    operations = {
      log_retention_days     = 100
      notification_topic_arn = "arn:aws:sns:us-east-1:111122223333:notifications"
    }
  }

  expect_failures = [var.operations]
}

run "rejects_what_is_no_file_system_id" {
  command = plan

  variables {
    file_system_id = "fsvol-0123456789abcdef0"
  }

  expect_failures = [var.file_system_id]
}

run "rejects_a_lookback_longer_than_hourly_values_are_kept" {
  command = plan

  variables {
    lookback_days = 456
  }

  expect_failures = [var.lookback_days]
}

run "rejects_a_minimum_window_of_more_than_30_days" {
  command = plan

  variables {
    minimum_window_days = 31
  }

  expect_failures = [var.minimum_window_days]
}

run "rejects_a_schedule_of_another_form" {
  command = plan

  variables {
    schedule_expression = "daily"
  }

  expect_failures = [var.schedule_expression]
}

run "rejects_a_threshold_of_no_day" {
  command = plan

  variables {
    threshold_days = 0
  }

  expect_failures = [var.threshold_days]
}
