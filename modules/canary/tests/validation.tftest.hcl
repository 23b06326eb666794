# Every validation and every precondition has a run that must fail.

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

run "rejects_an_alias_in_place_of_the_arn" {
  command = plan

  variables {
    access_point = {
      alias = "legal-vol1-abcdefghijklmnopqrstuvwxyz-ext-s3alias"
      arn   = "legal-vol1-abcdefghijklmnopqrstuvwxyz-ext-s3alias"
    }
  }

  expect_failures = [var.access_point]
}

run "rejects_an_unknown_network_origin" {
  command = plan

  variables {
    access_point = {
      alias          = "legal-vol1-abcdefghijklmnopqrstuvwxyz-ext-s3alias"
      arn            = "arn:aws:s3:us-east-1:111122223333:accesspoint/legal-vol1"
      network_origin = "Internet"
    }
  }

  expect_failures = [var.access_point]
}

run "rejects_the_probe_as_marker" {
  command = plan

  variables {
    access_point = {
      alias      = "legal-vol1-abcdefghijklmnopqrstuvwxyz-ext-s3alias"
      arn        = "arn:aws:s3:us-east-1:111122223333:accesspoint/legal-vol1"
      marker_key = ".fsxn-canary/probe"
    }
  }

  expect_failures = [var.access_point]
}

run "rejects_results_that_are_kept_too_long" {
  command = plan

  variables {
    artifacts = { retention_days = 456 }
  }

  expect_failures = [var.artifacts]
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

run "rejects_what_is_no_file_system_id" {
  command = plan

  variables {
    file_system_id = "fsvol-0123456789abcdef0"
  }

  expect_failures = [var.file_system_id]
}

run "rejects_a_check_of_the_monitor_of_a_second" {
  command = plan

  variables {
    monitor = { check_seconds = 1 }
  }

  expect_failures = [var.monitor]
}

run "rejects_a_run_of_the_monitor_longer_than_its_interval" {
  command = plan

  variables {
    monitor = { timeout_seconds = 301 }
  }

  expect_failures = [var.monitor]
}

run "rejects_a_certificate_of_no_day" {
  command = plan

  variables {
    ontap = {
      certificate_days = 0
      secret_arn       = "arn:aws:secretsmanager:us-east-1:111122223333:secret:fsxn/ontap-AbCdEf"
      secret_policy    = "{}"
    }
  }

  expect_failures = [var.ontap]
}

run "rejects_a_check_of_the_canary_of_a_second" {
  command = plan

  variables {
    ontap = {
      check_seconds = 1
      secret_arn    = "arn:aws:secretsmanager:us-east-1:111122223333:secret:fsxn/ontap-AbCdEf"
      secret_policy = "{}"
    }
  }

  expect_failures = [var.ontap]
}

run "rejects_memory_that_is_no_multiple_of_64" {
  command = plan

  variables {
    ontap = {
      memory_mb     = 1000
      secret_arn    = "arn:aws:secretsmanager:us-east-1:111122223333:secret:fsxn/ontap-AbCdEf"
      secret_policy = "{}"
    }
  }

  expect_failures = [var.ontap]
}

run "rejects_more_nodes_than_there_can_be" {
  command = plan

  variables {
    ontap = {
      node_count    = 25
      secret_arn    = "arn:aws:secretsmanager:us-east-1:111122223333:secret:fsxn/ontap-AbCdEf"
      secret_policy = "{}"
    }
  }

  expect_failures = [var.ontap]
}

run "rejects_a_policy_with_a_slash" {
  command = plan

  variables {
    ontap = {
      policies      = { main = { policy = "a/b", svm = "svm1" } }
      secret_arn    = "arn:aws:secretsmanager:us-east-1:111122223333:secret:fsxn/ontap-AbCdEf"
      secret_policy = "{}"
    }
  }

  expect_failures = [var.ontap]
}

run "rejects_a_runtime_of_node_js" {
  command = plan

  variables {
    ontap = {
      runtime_version = "syn-nodejs-puppeteer-10.0"
      secret_arn      = "arn:aws:secretsmanager:us-east-1:111122223333:secret:fsxn/ontap-AbCdEf"
      secret_policy   = "{}"
    }
  }

  expect_failures = [var.ontap]
}

run "rejects_a_store_that_may_be_full" {
  command = plan

  variables {
    ontap = {
      secret_arn    = "arn:aws:secretsmanager:us-east-1:111122223333:secret:fsxn/ontap-AbCdEf"
      secret_policy = "{}"
      store_percent = 100
    }
  }

  expect_failures = [var.ontap]
}

run "rejects_a_run_of_the_canary_longer_than_its_interval" {
  command = plan

  variables {
    ontap = {
      secret_arn      = "arn:aws:secretsmanager:us-east-1:111122223333:secret:fsxn/ontap-AbCdEf"
      secret_policy   = "{}"
      timeout_seconds = 301
    }
  }

  expect_failures = [var.ontap]
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

run "rejects_an_unknown_placement" {
  command = plan

  variables {
    placement = "inside"
  }

  expect_failures = [var.placement]
}

run "rejects_a_vpc_without_subnets" {
  command = plan

  variables {
    vpc = { security_group_ids = ["sg-0123456789abcdef0"], subnet_ids = [] }
  }

  expect_failures = [var.vpc]
}

run "rejects_a_vpc_origin_watched_from_outside" {
  command = plan

  variables {
    access_point = {
      alias          = "legal-vol1-abcdefghijklmnopqrstuvwxyz-ext-s3alias"
      arn            = "arn:aws:s3:us-east-1:111122223333:accesspoint/legal-vol1"
      network_origin = "vpc-0123456789abcdef0"
    }
  }

  expect_failures = [aws_cloudwatch_event_rule.monitor]
}

run "rejects_an_internet_origin_watched_from_the_vpc" {
  command = plan

  variables {
    placement = "vpc"
  }

  expect_failures = [aws_cloudwatch_event_rule.monitor]
}

run "rejects_a_placement_in_no_vpc" {
  command = plan

  variables {
    access_point = {
      alias          = "legal-vol1-abcdefghijklmnopqrstuvwxyz-ext-s3alias"
      arn            = "arn:aws:s3:us-east-1:111122223333:accesspoint/legal-vol1"
      network_origin = "vpc-0123456789abcdef0"
    }
    ontap     = null
    placement = "vpc"
    vpc       = null
  }

  expect_failures = [aws_cloudwatch_event_rule.monitor]
}

run "rejects_checks_of_the_monitor_that_do_not_fit_into_a_run" {
  command = plan

  variables {
    monitor = { check_seconds = 16, timeout_seconds = 90 }
  }

  expect_failures = [aws_cloudwatch_event_rule.monitor]
}

run "rejects_a_name_that_synthetics_does_not_take" {
  command = plan

  variables {
    ontap = {
      canary_name   = "a-name-of-22-characters"
      secret_arn    = "arn:aws:secretsmanager:us-east-1:111122223333:secret:fsxn/ontap-AbCdEf"
      secret_policy = "{}"
    }
  }

  expect_failures = [aws_synthetics_canary.ontap]
}

run "rejects_checks_of_the_canary_that_do_not_fit_into_a_run" {
  command = plan

  variables {
    ontap = {
      check_seconds   = 60
      secret_arn      = "arn:aws:secretsmanager:us-east-1:111122223333:secret:fsxn/ontap-AbCdEf"
      secret_policy   = "{}"
      timeout_seconds = 120
    }
  }

  expect_failures = [aws_synthetics_canary.ontap]
}

run "rejects_a_canary_in_no_vpc" {
  command = plan

  variables {
    vpc = null
  }

  expect_failures = [aws_synthetics_canary.ontap]
}

run "rejects_a_vpc_that_leads_to_no_metrics" {
  command = plan

  variables {
    endpoints = ["logs", "s3", "secretsmanager"]
  }

  expect_failures = [aws_synthetics_canary.ontap]
}
