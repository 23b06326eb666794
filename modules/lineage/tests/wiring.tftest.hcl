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
  operations = { notification_topic_arn = "arn:aws:sns:us-east-1:111122223333:topic" }
}

run "has_the_three_indexes_that_the_queries_use" {
  command = plan

  assert {
    condition     = toset(aws_dynamodb_table.this.global_secondary_index[*].name) == toset(["execution-index", "uc_id-timestamp-index", "write_hour-index"])
    error_message = "Queries go by workload and time, by execution and by hour."
  }
}

run "tells_the_topic_when_a_record_is_lost" {
  command = plan

  assert {
    condition     = aws_cloudwatch_metric_alarm.failures.alarm_actions == toset([var.operations.notification_topic_arn])
    error_message = "A lost audit record must not only be a log line."
  }
}
