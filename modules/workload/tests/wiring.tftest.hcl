# What the module connects, with a mocked provider.

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
  bus_name = "fsxn-test-events"
  context = {
    account_id  = "111122223333"
    name_prefix = "fsxn-test"
    region      = "us-east-1"
  }
  lineage = {
    table_name    = "lineage"
    ttl_days      = 365
    writer_policy = "{}"
  }
  operations           = { notification_topic_arn = "arn:aws:sns:us-east-1:111122223333:notifications" }
  process_function_arn = "arn:aws:lambda:us-east-1:111122223333:function:process"
  uc_id                = "inventory"

  package_paths = { # only their hashes are read
    finish = "./versions.tf"
    poll   = "./versions.tf"
    start  = "./versions.tf"
  }

  scope = {
    junction_path = "/vol1"
    svm_names     = ["svm1"]
    volume_names  = ["vol1"]
  }
}

run "waits_for_the_settle_time_in_the_queue" {
  command = plan

  variables {
    settle_seconds = 45
  }

  assert {
    condition     = aws_sqs_queue.work.delay_seconds == 45
    error_message = "The queue's delay is the settle time."
  }
}

run "a_scope_without_paths_takes_the_whole_volume" {
  command = plan

  assert {
    condition     = !can(jsondecode(aws_cloudwatch_event_rule.work.event_pattern).detail["$or"])
    error_message = "Without prefixes and suffixes no path pattern is set."
  }
}

run "prefixes_and_suffixes_must_both_match" {
  command = plan

  variables {
    scope = {
      junction_path = "/vol1"
      prefixes      = ["/vol1/legal/"]
      suffixes      = [".docx", ".pdf"]
      svm_names     = ["svm1"]
      volume_names  = ["vol1"]
    }
  }

  assert {
    condition = jsondecode(aws_cloudwatch_event_rule.work.event_pattern).detail["$or"][1].target_path == [
      { wildcard = "/vol1/legal/*.docx" }, { wildcard = "/vol1/legal/*.pdf" },
    ]
    error_message = "Each prefix is joined with each suffix; a rename counts by its new name too."
  }
}

run "the_state_machine_retries_only_what_may_pass" {
  command = plan

  assert {
    condition     = contains(jsondecode(aws_sfn_state_machine.this.definition).States.Process.Retry[0].ErrorEquals, "TransientError") && !strcontains(aws_sfn_state_machine.this.definition, "States.ALL")
    error_message = "A rejected file must not be tried again inside the execution."
  }
}

run "own_steps_get_the_frame_and_keep_what_they_bring" {
  command = plan

  variables {
    process_function_arn = null

    steps = {
      definition = jsonencode({
        StartAt = "First"
        States = {
          First  = { Type = "Task", Resource = "arn:aws:lambda:us-east-1:111122223333:function:first", Next = "Which" }
          Which  = { Type = "Choice", Choices = [{ Variable = "$.ok", BooleanEquals = true, Next = "Second" }], Default = "Rejected" }
          Second = { Type = "Task", Resource = "arn:aws:lambda:us-east-1:111122223333:function:second", Retry = [], End = true }
        }
      })
      function_arns = ["arn:aws:lambda:us-east-1:111122223333:function:first", "arn:aws:lambda:us-east-1:111122223333:function:second"]
    }
  }

  assert {
    condition = alltrue([
      jsondecode(aws_sfn_state_machine.this.definition).TimeoutSeconds == 1800,
      length(jsondecode(aws_sfn_state_machine.this.definition).States.First.Retry) == 3,
      length(jsondecode(aws_sfn_state_machine.this.definition).States.First.Catch) == 2,
      length(jsondecode(aws_sfn_state_machine.this.definition).States.Second.Retry) == 0,
      length(jsondecode(aws_sfn_state_machine.this.definition).States.Second.Catch) == 2,
      !can(jsondecode(aws_sfn_state_machine.this.definition).States.Which.Catch),
      jsondecode(aws_sfn_state_machine.this.definition).States.Rejected == { Type = "Fail", Error = "RejectedError", CausePath = "$.Cause" },
    ])
    error_message = "Each task has retries and the ends of the frame, unless it brings its own."
  }
}

run "steps_in_jsonata_end_in_jsonata" {
  command = plan

  variables {
    process_function_arn = null
    steps                = { definition = jsonencode({ QueryLanguage = "JSONata", StartAt = "Only", States = { Only = { Type = "Pass", End = true } } }) }
  }

  assert {
    condition     = jsondecode(aws_sfn_state_machine.this.definition).States.Misconfigured == { Type = "Fail", Error = "MisconfiguredError", Cause = "{% $states.input.Cause %}" }
    error_message = "A machine in JSONata takes no paths."
  }
}

run "the_alarm_of_a_pause_keeps_its_state_between_sweeps" {
  command = plan

  assert {
    condition     = aws_cloudwatch_metric_alarm.paused.treat_missing_data == "ignore"
    error_message = "A sweep comes every few minutes, and nothing may clear the alarm but one that sees the workload run."
  }
}

run "a_pause_is_told_of_before_events_are_lost" {
  command = plan

  assert {
    condition     = aws_cloudwatch_metric_alarm.queue["work-expiring"].threshold <= aws_sqs_queue.work.message_retention_seconds - 3 * 86400
    error_message = "There must be days left when the alarm comes."
  }
}

run "events_alone_need_no_poller" {
  command = plan

  assert {
    condition     = length(module.poller) == 0 && length(aws_cloudwatch_event_rule.poll) == 0 && aws_cloudwatch_event_rule.work.state == "ENABLED"
    error_message = "EVENT_DRIVEN is the default and polls nothing."
  }
}

run "a_hybrid_takes_events_and_polls_with_the_scope_of_its_rule" {
  command = plan

  variables {
    polling = { interval_minutes = 1 }
    scope = {
      junction_path = "/vol1"
      prefixes      = ["/vol1/legal/"]
      suffixes      = [".pdf"]
      svm_names     = ["svm1"]
      volume_names  = ["vol1"]
    }
    trigger_mode = "HYBRID"
  }

  assert {
    condition     = aws_cloudwatch_event_rule.work.state == "ENABLED" && aws_cloudwatch_event_rule.poll["this"].schedule_expression == "rate(1 minute)"
    error_message = "HYBRID keeps the rule and adds the schedule."
  }

  assert {
    condition     = jsonencode(jsondecode(aws_cloudwatch_event_target.poll["this"].input).pattern) == aws_cloudwatch_event_rule.work.event_pattern
    error_message = "The poller gets the rule's own pattern."
  }
}

run "polling_alone_takes_no_events" {
  command = plan

  variables {
    trigger_mode = "POLLING"
  }

  assert {
    condition     = aws_cloudwatch_event_rule.work.state == "DISABLED" && length(aws_cloudwatch_event_rule.poll) == 1
    error_message = "POLLING disables the rule, and keeps it as the scope's one definition."
  }
}

run "the_classification_is_on_queue_table_and_machine" {
  command = plan

  variables {
    data_classification = "restricted"
  }

  assert {
    condition = alltrue([
      for tags in [aws_sqs_queue.work.tags, aws_sqs_queue.dead_letter.tags, module.table.table_tags, aws_sfn_state_machine.this.tags] :
      tags.DataClassification == "restricted"
    ])
    error_message = "Whoever looks at a resource must see what goes through it."
  }
}
