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
  metric_catalogue = { metrics = {
    GuardrailBlocked       = { statistic = "Sum" }
    GuardrailBypass        = { statistic = "Sum" }
    GuardrailDynamoDBError = { statistic = "Sum" }
    GuardrailGrantMissing  = { statistic = "Sum" }
  } }
  operations        = { notification_topic_arn = "arn:aws:sns:us-east-1:111122223333:notifications" }
  topic_kms_key_arn = "arn:aws:kms:us-east-1:111122223333:key/topic"
}

run "a_step_at_the_cap_is_no_warning" {
  command = plan

  variables {
    file_system_sizes_gb = { projects = 5000, archive = 1024 }
  }

  assert {
    condition     = output.settings.daily_cap_gb == 500
    error_message = "The default cap is 500 GiB a day."
  }
}

run "a_cap_of_its_own_counts_for_the_step" {
  command = plan

  variables {
    file_system_sizes_gb = { projects = 20000 }
    limits               = { daily_caps_gb = { file_system_grow = 2048 } }
  }

  assert {
    condition     = jsondecode(output.settings.daily_caps_gb).file_system_grow == 2048
    error_message = "Functions read the caps as JSON."
  }
}

run "alarms_look_at_this_environment_only" {
  command = plan

  assert {
    condition     = alltrue([for alarm in aws_cloudwatch_metric_alarm.this : alarm.dimensions == tomap({ Environment = "fsxn-test" })])
    error_message = "Metrics of other environments of the account are not ours."
  }

  assert {
    condition     = toset(keys(aws_cloudwatch_metric_alarm.this)) == toset(["blocked", "bypassed", "grant-missing", "store-errors"])
    error_message = "Blocks, bypasses, missing grants and errors of the table are alarms."
  }
}
