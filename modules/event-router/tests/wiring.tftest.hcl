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
  operations   = { notification_topic_arn = "arn:aws:sns:us-east-1:111122223333:notifications" }
  package_path = "./versions.tf" # only its hash is read
}

run "hides_a_message_for_six_times_the_time_limit" {
  command = plan

  variables {
    router = { timeout_seconds = 20, batching_window_seconds = 2 }
  }

  assert {
    condition     = aws_sqs_queue.ingestion.visibility_timeout_seconds == 122
    error_message = "A shorter visibility lets a second router take messages of one that is still at work."
  }
}

run "reports_messages_one_by_one" {
  command = plan

  assert {
    condition     = contains(aws_lambda_event_source_mapping.router.function_response_types, "ReportBatchItemFailures")
    error_message = "One bad message must not bring back the others."
  }
}
