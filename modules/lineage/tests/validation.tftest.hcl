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
  operations = { notification_topic_arn = "arn:aws:sns:us-east-1:111122223333:topic" }
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

run "rejects_an_unknown_lock_mode" {
  command = plan

  variables {
    export = { object_lock = { mode = "LEGAL" }, package_path = "variables.tf" }
  }

  expect_failures = [var.export]
}

run "rejects_a_lock_of_no_years" {
  command = plan

  variables {
    export = { object_lock = { years = 0 }, package_path = "variables.tf" }
  }

  expect_failures = [var.export]
}

run "rejects_to_destroy_what_nobody_can_delete" {
  command = plan

  variables {
    export = { force_destroy = true, object_lock = { mode = "COMPLIANCE" }, package_path = "variables.tf" }
  }

  expect_failures = [var.export]
}

run "rejects_no_grace" {
  command = plan

  variables {
    export = { grace_minutes = 0, package_path = "variables.tf" }
  }

  expect_failures = [var.export]
}

run "rejects_runs_that_catch_up_nothing" {
  command = plan

  variables {
    export = { max_hours = 0, package_path = "variables.tf" }
  }

  expect_failures = [var.export]
}

run "rejects_a_schedule_of_another_form" {
  command = plan

  variables {
    export = { package_path = "variables.tf", schedule_expression = "hourly" }
  }

  expect_failures = [var.export]
}

run "rejects_a_day_in_place_of_an_hour" {
  command = plan

  variables {
    export = { package_path = "variables.tf", since = "2026-01-31" }
  }

  expect_failures = [var.export]
}

run "rejects_a_negative_lifetime" {
  command = plan

  variables {
    ttl_days = -1
  }

  expect_failures = [var.ttl_days]
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
