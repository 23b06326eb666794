# Every validation and every precondition has a run that must fail.

mock_provider "aws" {
  # Mocked strings are random, so a mocked policy document is not JSON (terraform-provider-aws issue 36700).
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{}" }
  }
}

variables {
  access_point = {
    alias = "test-vol1-ext-s3alias"
    arn   = "arn:aws:s3:us-east-1:111122223333:accesspoint/test-vol1"
  }
  context = {
    account_id  = "111122223333"
    name_prefix = "fsxn-test"
    region      = "us-east-1"
  }
  junction_path = "/vol1"
  lineage = {
    table_name    = "lineage"
    ttl_days      = 365
    writer_policy = "{}"
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

run "rejects_an_alias_in_place_of_the_arn" {
  command = plan

  variables {
    access_point = {
      alias = "test-vol1-ext-s3alias"
      arn   = "arn:aws:s3:::test-vol1-ext-s3alias"
    }
  }

  expect_failures = [var.access_point]
}

run "rejects_a_junction_path_with_a_slash_at_its_end" {
  command = plan

  variables {
    junction_path = "/vol1/"
  }

  expect_failures = [var.junction_path]
}

run "rejects_a_prefix_with_a_slash_at_its_end" {
  command = plan

  variables {
    output = { prefix = "reports/" }
  }

  expect_failures = [var.output]
}

run "rejects_a_time_limit_below_ten_seconds" {
  command = plan

  variables {
    process = { timeout_seconds = 9 }
  }

  expect_failures = [var.process]
}

run "rejects_a_workload_name_with_capitals" {
  command = plan

  variables {
    uc_id = "Inventory"
  }

  expect_failures = [var.uc_id]
}
