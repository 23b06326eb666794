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
  metric_catalogue = { metrics = {
    GuardrailBlocked       = { statistic = "Sum" }
    GuardrailBypass        = { statistic = "Sum" }
    GuardrailDynamoDBError = { statistic = "Sum" }
    GuardrailGrantMissing  = { statistic = "Sum" }
  } }
  operations        = { notification_topic_arn = "arn:aws:sns:us-east-1:111122223333:notifications" }
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

run "rejects_an_action_type_with_a_blank" {
  command = plan

  variables {
    action_types = ["file system"]
  }

  expect_failures = [var.action_types]
}

run "rejects_an_action_type_whose_key_is_that_of_grants" {
  command = plan

  variables {
    action_types = ["volume_grow", "BREAK_GLASS"]
  }

  expect_failures = [var.action_types]
}

run "rejects_more_actions_than_the_item_holds" {
  command = plan

  variables {
    limits = { rate_limit = 401 }
  }

  expect_failures = [var.limits]
}

run "rejects_a_negative_cap" {
  command = plan

  variables {
    limits = { daily_caps_gb = { volume_grow = -1 } }
  }

  expect_failures = [var.limits]
}

run "rejects_a_cap_of_a_type_that_nobody_may_ask_for" {
  command = plan

  variables {
    limits = { daily_caps_gb = { other = 1 } }
  }

  expect_failures = [var.limits]
}

run "rejects_a_cooldown_above_a_week" {
  command = plan

  variables {
    limits = { cooldown_seconds = 604801 }
  }

  expect_failures = [var.limits]
}

run "rejects_no_failure_at_all" {
  command = plan

  variables {
    limits = { max_failures = 0 }
  }

  expect_failures = [var.limits]
}

run "rejects_an_unknown_mode" {
  command = plan

  variables {
    mode = "OFF"
  }

  expect_failures = [var.mode]
}

run "warns_of_a_cap_below_the_least_step" {
  command = plan

  variables {
    file_system_sizes_gb = { projects = 5121 }
  }

  expect_failures = [check.file_system_step_fits_the_cap]
}

run "rejects_a_namespace_of_aws" {
  command = plan

  variables {
    operations = {
      metric_namespace       = "AWS/Lambda"
      notification_topic_arn = "arn:aws:sns:us-east-1:111122223333:notifications"
    }
  }

  expect_failures = [var.operations]
}
