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
  file_system_id    = "fs-0123456789abcdef0"
  metric_catalogue  = { metrics = { ApprovalLinks_count = { statistic = "Sum" }, ExpansionOutcomes_count = { statistic = "Sum" } } }
  operations        = { notification_topic_arn = "arn:aws:sns:us-east-1:111122223333:notifications" }
  package_path      = "./versions.tf" # only its hash is read
  topic_kms_key_arn = "arn:aws:kms:us-east-1:111122223333:key/topic"

  guardrail = {
    user_policy = "{}"
    settings = {
      cooldown_seconds = 300
      daily_cap_gb     = 500
      daily_caps_gb    = "{}"
      dry_run_executes = true
      environment      = "fsxn-test"
      max_failures     = 3
      mode             = "ENFORCE"
      rate_limit       = 10
      table_name       = "fsxn-test-guardrails"
    }
  }

  lineage = {
    table_name    = "fsxn-test-data-lineage"
    ttl_days      = 365
    writer_policy = "{}"
  }
}

run "the_alarms_that_start_it_are_the_ones_that_a_check_looks_at" {
  command = plan

  variables {
    volumes = { legal = { id = "fsvol-0123456789abcdef0" } }
  }

  assert {
    condition     = jsondecode(aws_cloudwatch_event_rule.this["alarm"].event_pattern).detail.alarmName == ["fsxn-test-expansion-ssd", "fsxn-test-expansion-volume-legal"]
    error_message = "Each utilisation alarm starts an expansion."
  }

  assert {
    condition     = jsondecode(aws_cloudwatch_event_rule.this["forecast"].event_pattern).detail.key == ["ssd", "fsvol-0123456789abcdef0"]
    error_message = "A forecast of a volume that may not grow starts nothing."
  }

  assert {
    condition     = toset(keys(aws_cloudwatch_metric_alarm.utilisation["ssd"].dimensions)) == toset(["DataType", "FileSystemId", "StorageTier"])
    error_message = "Without all three dimensions there is no data."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.utilisation["volume-legal"].metric_name == null && one([for query in aws_cloudwatch_metric_alarm.utilisation["volume-legal"].metric_query : query.expression if query.return_data]) == "100 * used / capacity"
    error_message = "A volume's utilisation is computed: not every generation is known to have it as a metric."
  }

  assert {
    condition     = { for query in aws_cloudwatch_metric_alarm.utilisation["volume-legal"].metric_query : query.id => query.metric[0].metric_name if length(query.metric) > 0 } == { capacity = "StorageCapacity", used = "StorageUsed" }
    error_message = "Used and capacity must not change places."
  }

  assert {
    condition     = alltrue([for query in aws_cloudwatch_metric_alarm.utilisation["volume-legal"].metric_query : query.metric[0].dimensions == tomap({ FileSystemId = "fs-0123456789abcdef0", VolumeId = "fsvol-0123456789abcdef0" }) if length(query.metric) > 0])
    error_message = "A volume's metrics need both of its dimensions."
  }
}

run "the_schedule_says_a_single_minute_rightly" {
  command = plan

  variables {
    check_interval_minutes = 1
  }

  assert {
    condition     = aws_cloudwatch_event_rule.this["check"].schedule_expression == "rate(1 minute)"
    error_message = "EventBridge refuses rate(1 minutes)."
  }
}

run "the_longest_names_fit_into_a_pattern" {
  command = plan

  variables {
    context = {
      account_id  = "111122223333"
      name_prefix = "abcdefghijklmnopqrstuvwx"
      region      = "us-east-1"
    }
    volumes = { for number in range(24) : format("abcdefghijklmnopqrstuvwxyz-%04d", number) => { id = format("fsvol-%017x", number) } }
  }

  assert {
    condition     = alltrue([for rule in aws_cloudwatch_event_rule.this : length(coalesce(rule.event_pattern, "-")) <= 2048])
    error_message = "EventBridge takes a pattern of at most 2048 characters."
  }
}

run "without_the_input_there_is_no_page" {
  command = plan

  assert {
    condition     = length(aws_lambda_function_url.approval) + length(aws_sfn_state_machine.approval) + length(aws_lambda_permission.approval_url) == 0
    error_message = "An address that anybody may call is never made by default."
  }
}

run "a_link_is_guarded_by_iam_unless_said_otherwise" {
  command = plan

  variables {
    approval_link = { package_path = "./versions.tf" }
  }

  assert {
    condition     = one(aws_lambda_function_url.approval).authorization_type == "AWS_IAM" && length(aws_lambda_permission.approval_url) == 0
    error_message = "Only a caller with permission reaches the page."
  }

  assert {
    condition     = one(aws_sfn_state_machine.approval).logging_configuration[0].include_execution_data == false
    error_message = "Execution data holds task tokens."
  }
}

run "an_open_page_has_its_reason" {
  command = plan

  variables {
    approval_link = { authorization = "NONE", package_path = "./versions.tf", reason = "approvers have no AWS credentials" }
  }

  assert {
    condition     = one(aws_lambda_permission.approval_url).function_url_auth_type == "NONE" && one(aws_lambda_permission.approval_url).action == "lambda:InvokeFunctionUrl"
    error_message = "Anybody may call the URL, and not the function."
  }
}
