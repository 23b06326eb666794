# Every validation and precondition refuses what it is for.

mock_provider "aws" {
  # Mocked strings are random, so a mocked policy document is not JSON (terraform-provider-aws issue 36700).
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{}" }
  }
}

variables {
  context = {
    account_id  = "444455556666"
    name_prefix = "fsxn-test"
    region      = "us-east-1"
  }
}

run "rejects_a_prefix_that_is_too_long" {
  command = plan

  variables {
    context = {
      account_id  = "444455556666"
      name_prefix = "a-prefix-of-more-than-24-letters"
      region      = "us-east-1"
    }
  }

  expect_failures = [var.context]
}

run "rejects_a_sink_that_is_none" {
  command = plan

  variables {
    link = { sink_arn = "arn:aws:oam:us-east-1:111122223333:link/1" }
  }

  expect_failures = [var.link]
}

run "rejects_an_empty_label" {
  command = plan

  variables {
    link = { sink_arn = "arn:aws:oam:us-east-1:111122223333:sink/1", label_template = "" }
  }

  expect_failures = [var.link]
}

run "rejects_a_type_that_is_not_shared" {
  command = plan

  variables {
    link = { sink_arn = "arn:aws:oam:us-east-1:111122223333:sink/1", resource_types = ["AWS::SQS::Queue"] }
  }

  expect_failures = [var.link]
}

run "rejects_a_filter_of_too_many_conditions" {
  command = plan

  variables {
    link = { sink_arn = "arn:aws:oam:us-east-1:111122223333:sink/1", metric_filter = "Namespace = 'A' OR Namespace = 'B' OR Namespace = 'C' OR Namespace = 'D' OR Namespace = 'E' OR Namespace = 'F' OR Namespace = 'G'" }
  }

  expect_failures = [var.link]
}

run "rejects_a_metric_filter_of_another_form" {
  command = plan

  variables {
    link = { sink_arn = "arn:aws:oam:us-east-1:111122223333:sink/1", metric_filter = "MetricName = 'A'" }
  }

  expect_failures = [var.link]
}

run "rejects_a_log_group_filter_of_another_form" {
  command = plan

  variables {
    link = { sink_arn = "arn:aws:oam:us-east-1:111122223333:sink/1", log_group_filter = "LogGroup = 'A'" }
  }

  expect_failures = [var.link]
}

run "rejects_a_namespace_that_ends_the_filter" {
  command = plan

  variables {
    metric_namespace = "A') OR ('B"
  }

  expect_failures = [var.metric_namespace]
}

run "rejects_a_sink_for_everybody" {
  command = plan

  variables {
    sink = {}
  }

  expect_failures = [var.sink]
}

run "rejects_what_is_no_account" {
  command = plan

  variables {
    sink = { source_account_ids = ["1111"] }
  }

  expect_failures = [var.sink]
}

run "rejects_what_is_no_organization" {
  command = plan

  variables {
    sink = { organization_ids = ["*"] }
  }

  expect_failures = [var.sink]
}

run "rejects_a_sink_of_nothing" {
  command = plan

  variables {
    sink = { source_account_ids = ["111122223333"], resource_types = [] }
  }

  expect_failures = [var.sink]
}

run "refuses_a_sink_of_another_region" {
  command = plan

  variables {
    link = { sink_arn = "arn:aws:oam:eu-west-1:111122223333:sink/1" }
  }

  expect_failures = [aws_oam_link.this]
}

run "refuses_a_sink_of_the_same_account" {
  command = plan

  variables {
    link = { sink_arn = "arn:aws:oam:us-east-1:444455556666:sink/1" }
  }

  expect_failures = [aws_oam_link.this]
}

run "refuses_a_label_with_variables_in_govcloud" {
  command = plan

  variables {
    context = {
      account_id  = "444455556666"
      name_prefix = "fsxn-test"
      partition   = "aws-us-gov"
      region      = "us-gov-west-1"
    }
    link = { sink_arn = "arn:aws-us-gov:oam:us-gov-west-1:111122223333:sink/1" }
  }

  expect_failures = [aws_oam_link.this]
}
