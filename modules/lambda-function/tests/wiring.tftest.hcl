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
  description  = "A function."
  handler      = "package.handler"
  name         = "work"
  operations   = { notification_topic_arn = "arn:aws:sns:us-east-1:111122223333:notifications" }
  package_path = "./versions.tf" # only its hash is read
}

run "a_synchronous_function_has_no_dead_letter_queue" {
  command = plan

  assert {
    condition     = length(aws_sqs_queue.dead_letter) == 0 && length(aws_cloudwatch_metric_alarm.dead_letters) == 0
    error_message = "Nobody invokes it asynchronously, so there is nothing to keep."
  }
}

run "an_asynchronous_function_keeps_what_failed" {
  command = plan

  variables {
    async = {}
  }

  assert {
    condition     = length(aws_sqs_queue.dead_letter) == 1 && length(aws_cloudwatch_metric_alarm.dead_letters) == 1
    error_message = "A dead-letter queue and its alarm come with asynchronous invocation."
  }
}

run "runs_on_the_runtime_that_the_zips_are_built_for" {
  command = plan

  assert {
    condition     = aws_lambda_function.this.runtime == "python3.13" && tolist(aws_lambda_function.this.architectures) == tolist(["arm64"])
    error_message = "The default runtime is python3.13 on arm64."
  }
}

run "asks_for_no_endpoint_outside_of_a_vpc" {
  command = plan

  variables {
    endpoints = []
    services  = ["sqs"]
  }

  assert {
    condition     = length(output.vpc_services) == 0
    error_message = "What runs outside of a VPC needs no endpoint."
  }
}

run "takes_a_vpc_that_leads_to_all_it_calls" {
  command = plan

  variables {
    endpoints = ["ecs", "sqs"]
    services  = ["sqs"]
    vpc = {
      security_group_ids = ["sg-1"]
      subnet_ids         = ["subnet-1"]
    }
  }

  assert {
    condition     = output.vpc_services == toset(["sqs"])
    error_message = "The output says what is called from the VPC."
  }
}
