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

run "rejects_an_archive_without_end" {
  command = plan

  variables {
    archive_retention_days = 0
  }

  expect_failures = [var.archive_retention_days]
}

run "rejects_an_age_of_zero" {
  command = plan

  variables {
    ingestion_age_threshold_seconds = 0
  }

  expect_failures = [var.ingestion_age_threshold_seconds]
}

run "rejects_too_few_receives" {
  command = plan

  variables {
    max_receive_count = 4
  }

  expect_failures = [var.max_receive_count]
}

run "rejects_an_empty_batch" {
  command = plan

  variables {
    router = { batch_size = 0 }
  }

  expect_failures = [var.router]
}

run "rejects_a_window_above_five_minutes" {
  command = plan

  variables {
    router = { batching_window_seconds = 301 }
  }

  expect_failures = [var.router]
}

run "rejects_a_large_batch_without_window" {
  command = plan

  variables {
    router = { batch_size = 11, batching_window_seconds = 0 }
  }

  expect_failures = [var.router]
}

run "rejects_a_concurrency_of_one" {
  command = plan

  variables {
    router = { maximum_concurrency = 1 }
  }

  expect_failures = [var.router]
}

run "rejects_a_time_limit_below_ten_seconds" {
  command = plan

  variables {
    router = { timeout_seconds = 9 }
  }

  expect_failures = [var.router]
}

run "rejects_a_consumer_name_with_capitals" {
  command = plan

  variables {
    cloudevents = { Catalogue = { queue_arn = "arn:aws:sqs:us-east-1:111122223333:q" } }
  }

  expect_failures = [var.cloudevents]
}

run "rejects_a_fifo_queue_for_cloudevents" {
  command = plan

  variables {
    cloudevents = { catalogue = { queue_arn = "arn:aws:sqs:us-east-1:111122223333:q.fifo" } }
  }

  expect_failures = [var.cloudevents]
}

run "rejects_an_unknown_event_type_for_cloudevents" {
  command = plan

  variables {
    cloudevents = { catalogue = { queue_arn = "arn:aws:sqs:us-east-1:111122223333:q", event_types = ["FILE_MADE"] } }
  }

  expect_failures = [var.cloudevents]
}
