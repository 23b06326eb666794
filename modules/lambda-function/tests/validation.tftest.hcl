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
  description  = "A function."
  handler      = "package.handler"
  name         = "work"
  operations   = { notification_topic_arn = "arn:aws:sns:us-east-1:111122223333:notifications" }
  package_path = "./versions.tf" # only its hash is read
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

run "rejects_more_than_two_retries" {
  command = plan

  variables {
    async = { maximum_retry_attempts = 3 }
  }

  expect_failures = [var.async]
}

run "rejects_an_event_age_below_a_minute" {
  command = plan

  variables {
    async = { maximum_event_age_seconds = 59 }
  }

  expect_failures = [var.async]
}

run "rejects_an_error_threshold_of_zero" {
  command = plan

  variables {
    error_threshold = 0
  }

  expect_failures = [var.error_threshold]
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

run "rejects_a_name_with_underscores" {
  command = plan

  variables {
    name = "my_function"
  }

  expect_failures = [var.name]
}

run "rejects_reserving_nothing_at_all" {
  command = plan

  variables {
    reserved_concurrency = 0
  }

  expect_failures = [var.reserved_concurrency]
}

run "rejects_an_unknown_architecture" {
  command = plan

  variables {
    runtime = { architecture = "mips" }
  }

  expect_failures = [var.runtime]
}

run "rejects_too_little_memory" {
  command = plan

  variables {
    runtime = { memory_mb = 127 }
  }

  expect_failures = [var.runtime]
}

run "rejects_an_old_runtime" {
  command = plan

  variables {
    runtime = { name = "python3.9" }
  }

  expect_failures = [var.runtime]
}

run "rejects_a_time_limit_above_fifteen_minutes" {
  command = plan

  variables {
    runtime = { timeout_seconds = 901 }
  }

  expect_failures = [var.runtime]
}

run "rejects_a_vpc_without_subnets" {
  command = plan

  variables {
    vpc = {
      security_group_ids = ["sg-1"]
      subnet_ids         = []
    }
  }

  expect_failures = [var.vpc]
}

run "rejects_a_service_that_nothing_in_the_vpc_leads_to" {
  command = plan

  variables {
    endpoints = ["s3"]
    services  = ["s3", "sqs"]
    vpc = {
      security_group_ids = ["sg-1"]
      subnet_ids         = ["subnet-1"]
    }
  }

  expect_failures = [aws_lambda_function.this]
}
