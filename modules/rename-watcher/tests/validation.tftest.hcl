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
  lineage = {
    table_name    = "lineage"
    ttl_days      = 365
    writer_policy = "{}"
  }
  operations        = { notification_topic_arn = "arn:aws:sns:us-east-1:111122223333:notifications" }
  package_path      = "./versions.tf" # only its hash is read
  topic_kms_key_arn = "arn:aws:kms:us-east-1:111122223333:key/topic"
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

run "rejects_a_workload_name_with_capitals" {
  command = plan

  variables {
    uc_id = "Inventory"
  }

  expect_failures = [var.uc_id]
}

run "rejects_an_alarm_for_nothing" {
  command = plan

  variables {
    alarm_threshold = 0
  }

  expect_failures = [var.alarm_threshold]
}

run "rejects_no_extensions" {
  command = plan

  variables {
    extensions = []
  }

  expect_failures = [var.extensions]
}

run "rejects_an_extension_with_its_dot" {
  command = plan

  variables {
    extensions = [".locked"]
  }

  expect_failures = [var.extensions]
}

run "rejects_a_window_below_a_minute" {
  command = plan

  variables {
    window_seconds = 59
  }

  expect_failures = [var.window_seconds]
}
