# Every validation has a run that must fail.

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
  metric_catalogue = {
    metrics = {
      RotationAge_days         = { statistic = "Maximum" }
      RotationFailures_count   = { statistic = "Sum" }
      RotationUnfinished_hours = { statistic = "Maximum" }
    }
  }
  operations   = { notification_topic_arn = "arn:aws:sns:us-east-1:111122223333:notifications" }
  package_path = "./versions.tf" # only its hash is read
  secret       = { arn = "arn:aws:secretsmanager:us-east-1:111122223333:secret:fsxn/ontap-AbCdEf" }
  vpc = {
    security_group_ids = ["sg-0123456789abcdef0"]
    subnet_ids         = ["subnet-0123456789abcdef0"]
  }
}

run "rejects_a_prefix_with_capitals" {
  command = plan

  variables {
    context = { account_id = "111122223333", name_prefix = "FSxN", region = "us-east-1" }
  }

  expect_failures = [var.context]
}

run "rejects_an_unknown_log_level" {
  command = plan

  variables {
    operations = { log_level = "TRACE", notification_topic_arn = "arn:aws:sns:us-east-1:111122223333:notifications" }
  }

  expect_failures = [var.operations]
}

run "rejects_a_retention_that_cloudwatch_does_not_know" {
  command = plan

  variables {
    operations = { log_retention_days = 31, notification_topic_arn = "arn:aws:sns:us-east-1:111122223333:notifications" }
  }

  expect_failures = [var.operations]
}

run "rejects_the_namespace_of_aws" {
  command = plan

  variables {
    operations = { metric_namespace = "AWS/Lambda", notification_topic_arn = "arn:aws:sns:us-east-1:111122223333:notifications" }
  }

  expect_failures = [var.operations]
}

run "rejects_an_unknown_recovery" {
  command = plan

  variables {
    fsx_recovery = { mode = "always" }
  }

  expect_failures = [var.fsx_recovery]
}

run "rejects_recovery_without_a_file_system" {
  command = plan

  variables {
    fsx_recovery = { mode = "asked" }
  }

  expect_failures = [var.fsx_recovery]
}

run "rejects_a_limit_below_one_round" {
  command = plan

  variables {
    login_limits = { refused = 2 }
  }

  expect_failures = [var.login_limits]
}

run "rejects_a_pause_beyond_the_functions_time" {
  command = plan

  variables {
    login_limits = { pause_seconds = 61 }
  }

  expect_failures = [var.login_limits]
}

run "rejects_an_unknown_method" {
  command = plan

  variables {
    password_method = "admin"
  }

  expect_failures = [var.password_method]
}

run "rejects_a_probe_with_a_query" {
  command = plan

  variables {
    probes = ["/api/cluster?fields=*"]
  }

  expect_failures = [var.probes]
}

run "rejects_the_name_of_a_secret" {
  command = plan

  variables {
    secret = { arn = "fsxn/ontap" }
  }

  expect_failures = [var.secret]
}

run "rejects_a_schedule_of_no_days" {
  command = plan

  variables {
    schedule = { days = 0 }
  }

  expect_failures = [var.schedule]
}

run "rejects_an_expression_that_is_none" {
  command = plan

  variables {
    schedule = { expression = "monthly", overdue_days = 40 }
  }

  expect_failures = [var.schedule]
}

run "rejects_a_window_in_minutes" {
  command = plan

  variables {
    schedule = { duration = "30m" }
  }

  expect_failures = [var.schedule]
}

run "rejects_an_expression_without_an_age" {
  command = plan

  variables {
    schedule = { expression = "rate(30 days)" }
  }

  expect_failures = [var.schedule]
}

run "rejects_an_alarm_after_days" {
  command = plan

  variables {
    unfinished_hours = 49
  }

  expect_failures = [var.unfinished_hours]
}
