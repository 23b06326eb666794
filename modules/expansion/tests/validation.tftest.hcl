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

run "rejects_a_check_of_less_than_a_minute" {
  command = plan

  variables {
    check_interval_minutes = 0
  }

  expect_failures = [var.check_interval_minutes]
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

run "rejects_a_name_in_place_of_the_id" {
  command = plan

  variables {
    file_system_id = "projects"
  }

  expect_failures = [var.file_system_id]
}

run "rejects_an_unknown_level" {
  command = plan

  variables {
    level = "auto"
  }

  expect_failures = [var.level]
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

run "rejects_a_retention_that_logs_do_not_know" {
  command = plan

  variables {
    operations = {
      log_retention_days     = 100
      notification_topic_arn = "arn:aws:sns:us-east-1:111122223333:notifications"
    }
  }

  expect_failures = [var.operations]
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

run "rejects_a_target_at_the_threshold" {
  command = plan

  variables {
    policy = { target_pct = 80 }
  }

  expect_failures = [var.policy]
}

run "rejects_an_ssd_limit_above_full" {
  command = plan

  variables {
    policy = { ssd_limit_pct = 101 }
  }

  expect_failures = [var.policy]
}

run "rejects_looking_ahead_for_more_than_a_year" {
  command = plan

  variables {
    policy = { lead_days = 366 }
  }

  expect_failures = [var.policy]
}

run "rejects_no_largest_size" {
  command = plan

  variables {
    policy = { max_volume_gb = 0 }
  }

  expect_failures = [var.policy]
}

run "rejects_a_volume_without_its_id" {
  command = plan

  variables {
    volumes = { legal = { id = "legal" } }
  }

  expect_failures = [var.volumes]
}

run "rejects_more_volumes_than_a_pattern_names" {
  command = plan

  variables {
    volumes = { for number in range(25) : "v${number}" => { id = format("fsvol-%08x", number) } }
  }

  expect_failures = [var.volumes]
}

run "rejects_an_unknown_authorization_of_links" {
  command = plan

  variables {
    approval_link = { authorization = "COGNITO", package_path = "./versions.tf" }
  }

  expect_failures = [var.approval_link]
}

run "rejects_an_open_page_without_a_reason" {
  command = plan

  variables {
    approval_link = { authorization = "NONE", package_path = "./versions.tf", reason = "because" }
  }

  expect_failures = [var.approval_link]
}

run "rejects_links_without_https" {
  command = plan

  variables {
    approval_link = { base_url = "http://approve.example.com", package_path = "./versions.tf" }
  }

  expect_failures = [var.approval_link]
}

run "rejects_unbounded_requests" {
  command = plan

  variables {
    approval_link = { concurrency = 11, package_path = "./versions.tf" }
  }

  expect_failures = [var.approval_link]
}

run "rejects_links_where_nobody_is_asked" {
  command = plan

  variables {
    approval_link = { package_path = "./versions.tf" }
    level         = "act"
  }

  expect_failures = [var.approval_link]
}

run "rejects_growth_by_something_else" {
  command = plan

  variables {
    ontap = {
      secret_arn    = "arn:aws:secretsmanager:us-east-1:111122223333:secret:ontap"
      secret_policy = "{}"
      volume_growth = "nfs"
      vpc           = { security_group_ids = ["sg-1"], subnet_ids = ["subnet-1"] }
    }
  }

  expect_failures = [var.ontap]
}
