# What the module connects, with a mocked provider.

mock_provider "aws" {
  # Mocked strings are random, so a mocked policy document is not JSON (terraform-provider-aws issue 36700).
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{}" }
  }
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::111122223333:role/mocked" }
  }
}

variables {
  access_point = {
    alias = "legal-vol1-abcdefghijklmnopqrstuvwxyz-ext-s3alias"
    arn   = "arn:aws:s3:us-east-1:111122223333:accesspoint/legal-vol1"
  }
  context = {
    account_id  = "111122223333"
    name_prefix = "fsxn-test"
    region      = "us-east-1"
  }
  file_system_id = "fs-0123456789abcdef0"
  metric_catalogue = {
    metrics = {
      ONTAPHealth_Success = { statistic = "Minimum" }
      S3APDisrupted_count = { statistic = "Maximum" }
      S3APGet_Success     = { statistic = "Minimum" }
      S3APList_Success    = { statistic = "Minimum" }
    }
  }
  ontap = {
    policies      = { main = { policy = "fsxn_s3ap", svm = "svm1" } }
    secret_arn    = "arn:aws:secretsmanager:us-east-1:111122223333:secret:fsxn/ontap-AbCdEf"
    secret_policy = "{}"
  }
  operations    = { notification_topic_arn = "arn:aws:sns:us-east-1:111122223333:notifications" }
  package_paths = { canary = "./versions.tf", monitor = "./versions.tf" } # only their hashes are read
  vpc           = { security_group_ids = ["sg-0123456789abcdef0"], subnet_ids = ["subnet-0123456789abcdef0"] }
}

run "the_canary_runs_the_code_whose_hash_is_in_its_key" {
  command = plan

  assert {
    condition     = aws_synthetics_canary.ontap["this"].s3_key == "code/canary-${filesha256("./versions.tf")}.zip"
    error_message = "The key must change with the code."
  }

  assert {
    condition     = aws_synthetics_canary.ontap["this"].start_canary && aws_synthetics_canary.ontap["this"].delete_lambda
    error_message = "A canary that is made must run, and leave no function behind."
  }
}

run "every_check_has_an_alarm_that_keeps_its_state_in_silence_and_silence_has_its_own" {
  command = plan

  assert {
    condition     = toset(keys(aws_cloudwatch_metric_alarm.ontap)) == toset(["certificate", "fpolicy-main", "store-main"]) && length(aws_cloudwatch_metric_alarm.ontap_health) == 1
    error_message = "Each check of ONTAP has an alarm."
  }

  assert {
    condition     = toset(keys(aws_cloudwatch_metric_alarm.access_point)) == toset(["get", "list"])
    error_message = "Each check of the access point has an alarm, the probe only when there is one."
  }

  assert {
    condition     = alltrue([for alarm in concat(values(aws_cloudwatch_metric_alarm.ontap), values(aws_cloudwatch_metric_alarm.ontap_health), values(aws_cloudwatch_metric_alarm.access_point), [aws_cloudwatch_metric_alarm.disrupted]) : alarm.treat_missing_data == "ignore"])
    error_message = "A check that does not report keeps its alarm's state."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.ontap_silent["this"].treat_missing_data == "breaching" && aws_cloudwatch_metric_alarm.access_point_silent.treat_missing_data == "breaching"
    error_message = "Silence is an alarm."
  }
}

run "a_disruption_raises_one_alarm" {
  command = plan

  assert {
    condition     = alltrue([for alarm in aws_cloudwatch_metric_alarm.access_point : one([for query in alarm.metric_query : query.expression if query.return_data == true]) == "IF(disrupted > 0, 1, success)"])
    error_message = "The alarms of the checks leave disruptions to the alarm disrupted."
  }
}

run "an_ontap_that_does_not_answer_raises_one_alarm" {
  command = plan

  assert {
    condition     = alltrue([for alarm in aws_cloudwatch_metric_alarm.ontap : one([for query in alarm.metric_query : query.expression if query.return_data == true]) == "IF(health < 1, 1, success)"])
    error_message = "The alarms of the other checks leave that to the alarm health."
  }
}

run "without_ontap_only_the_access_point_is_watched" {
  command = plan

  variables {
    ontap = null
    vpc   = null
  }

  assert {
    condition     = length(aws_synthetics_canary.ontap) + length(module.bucket) + length(aws_iam_role.canary) + length(aws_cloudwatch_metric_alarm.ontap) + length(aws_cloudwatch_metric_alarm.ontap_health) + length(aws_cloudwatch_metric_alarm.ontap_silent) == 0
    error_message = "Nothing of the canary may be made."
  }
}

run "a_vpc_origin_is_watched_from_the_vpc" {
  command = plan

  variables {
    access_point = {
      alias          = "legal-vol1-abcdefghijklmnopqrstuvwxyz-ext-s3alias"
      arn            = "arn:aws:s3:us-east-1:111122223333:accesspoint/legal-vol1"
      network_origin = "vpc-0123456789abcdef0"
      probe_enabled  = true
    }
    placement = "vpc"
  }

  assert {
    condition     = contains(keys(aws_cloudwatch_metric_alarm.access_point), "probe")
    error_message = "The probe has an alarm."
  }
}
