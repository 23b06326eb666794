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

run "rotates_every_90_days_and_tells_when_that_did_not_happen" {
  command = plan

  assert {
    condition     = aws_secretsmanager_secret_rotation.this.rotation_rules[0].automatically_after_days == 90
    error_message = "The default schedule is 90 days."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.this["overdue"].threshold == 97 && aws_cloudwatch_metric_alarm.this["overdue"].treat_missing_data == "breaching"
    error_message = "A week after the schedule, or when nobody looks, a person hears of it."
  }
}

run "secrets_manager_may_call_the_function_for_this_account_only" {
  command = plan

  assert {
    condition     = aws_lambda_permission.secrets_manager.principal == "secretsmanager.amazonaws.com" && aws_lambda_permission.secrets_manager.source_account == "111122223333"
    error_message = "Secrets Manager may call for secrets of this account."
  }
}

run "an_expression_takes_the_place_of_the_days" {
  command = plan

  variables {
    schedule = { duration = "3h", expression = "cron(0 8 1 * ? *)", overdue_days = 40 }
  }

  assert {
    condition     = aws_secretsmanager_secret_rotation.this.rotation_rules[0].automatically_after_days == null && aws_secretsmanager_secret_rotation.this.rotation_rules[0].schedule_expression == "cron(0 8 1 * ? *)"
    error_message = "Secrets Manager takes one or the other."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.this["overdue"].threshold == 40
    error_message = "The age that raises the alarm is the one given."
  }
}
