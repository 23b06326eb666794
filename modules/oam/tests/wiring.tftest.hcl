# What the module connects, with a mocked provider.

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

run "nothing_is_made_unless_asked_for" {
  command = plan

  assert {
    condition     = length(aws_oam_sink.this) + length(aws_oam_link.this) == 0
    error_message = "Neither sink nor link is the default."
  }
}

run "a_link_shares_only_what_is_the_products" {
  command = plan

  variables {
    link = { sink_arn = "arn:aws:oam:us-east-1:111122223333:sink/1" }
  }

  assert {
    condition     = strcontains(aws_oam_link.this["this"].link_configuration[0].metric_configuration[0].filter, "'FSxN-S3AP-Patterns'")
    error_message = "The product's namespace must be shared."
  }

  assert {
    condition     = aws_oam_link.this["this"].link_configuration[0].log_group_configuration[0].filter == "LogGroupName LIKE '/aws/lambda/fsxn-test%' OR LogGroupName LIKE '/ecs/fsxn-test%'"
    error_message = "Other log groups of the account are not the monitoring account's business."
  }

  assert {
    condition     = aws_oam_link.this["this"].label_template == "$AccountName"
    error_message = "The label tells accounts apart."
  }
}

run "a_filter_stands_only_where_its_type_is_shared" {
  command = plan

  variables {
    link = { sink_arn = "arn:aws:oam:us-east-1:111122223333:sink/1", resource_types = ["AWS::CloudWatch::Metric"] }
  }

  assert {
    condition     = length(aws_oam_link.this["this"].link_configuration[0].log_group_configuration) == 0
    error_message = "A filter of log groups that are not shared would be refused."
  }
}
