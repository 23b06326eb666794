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

run "rejects_a_time_limit_below_half_a_minute" {
  command = plan

  variables {
    execution_timeout_seconds = 29
  }

  expect_failures = [var.execution_timeout_seconds]
}

run "rejects_a_finisher_below_ten_seconds" {
  command = plan

  variables {
    finisher = { timeout_seconds = 9 }
  }

  expect_failures = [var.finisher]
}

run "rejects_no_attempt_at_all" {
  command = plan

  variables {
    max_attempts = 0
  }

  expect_failures = [var.max_attempts]
}

run "rejects_a_scope_without_volumes" {
  command = plan

  variables {
    scope = {
      junction_path = "/vol1"
      svm_names     = ["svm1"]
      volume_names  = []
    }
  }

  expect_failures = [var.scope]
}

run "rejects_events_that_no_workload_handles" {
  command = plan

  variables {
    scope = {
      event_types   = ["FILE_READ"]
      junction_path = "/vol1"
      svm_names     = ["svm1"]
      volume_names  = ["vol1"]
    }
  }

  expect_failures = [var.scope]
}

run "rejects_a_junction_path_with_a_slash_at_its_end" {
  command = plan

  variables {
    scope = {
      junction_path = "/vol1/"
      svm_names     = ["svm1"]
      volume_names  = ["vol1"]
    }
  }

  expect_failures = [var.scope]
}

run "rejects_a_prefix_outside_the_volume" {
  command = plan

  variables {
    scope = {
      prefixes      = ["/vol2/legal/"]
      junction_path = "/vol1"
      svm_names     = ["svm1"]
      volume_names  = ["vol1"]
    }
  }

  expect_failures = [var.scope]
}

run "rejects_a_prefix_of_a_volume_with_a_longer_name" {
  command = plan

  variables {
    scope = {
      prefixes      = ["/vol10/legal/"]
      junction_path = "/vol1"
      svm_names     = ["svm1"]
      volume_names  = ["vol1"]
    }
  }

  expect_failures = [var.scope]
}

run "rejects_a_scope_that_makes_too_long_a_pattern" {
  command = plan

  variables {
    scope = {
      prefixes      = [for number in range(60) : "/vol1/department-${number}/"]
      suffixes      = [".docx", ".pdf"]
      junction_path = "/vol1"
      svm_names     = ["svm1"]
      volume_names  = ["vol1"]
    }
  }

  expect_failures = [aws_cloudwatch_event_rule.work]
}

run "rejects_a_suffix_with_an_asterisk" {
  command = plan

  variables {
    scope = {
      suffixes      = ["*.pdf"]
      junction_path = "/vol1"
      svm_names     = ["svm1"]
      volume_names  = ["vol1"]
    }
  }

  expect_failures = [var.scope]
}

run "rejects_a_settle_time_above_the_longest_delay" {
  command = plan

  variables {
    settle_seconds             = 901
    work_age_threshold_seconds = 1000
  }

  expect_failures = [var.settle_seconds]
}

run "rejects_a_batch_that_one_invocation_cannot_take" {
  command = plan

  variables {
    starter = { batch_size = 601, batching_window_seconds = 1 }
  }

  expect_failures = [var.starter]
}

run "rejects_an_empty_batch" {
  command = plan

  variables {
    starter = { batch_size = 0 }
  }

  expect_failures = [var.starter]
}

run "rejects_a_window_above_five_minutes" {
  command = plan

  variables {
    starter = { batching_window_seconds = 301 }
  }

  expect_failures = [var.starter]
}

run "rejects_a_large_batch_without_window" {
  command = plan

  variables {
    starter = { batch_size = 11 }
  }

  expect_failures = [var.starter]
}

run "rejects_a_concurrency_of_one" {
  command = plan

  variables {
    starter = { maximum_concurrency = 1 }
  }

  expect_failures = [var.starter]
}

run "rejects_a_starter_below_ten_seconds" {
  command = plan

  variables {
    starter = { timeout_seconds = 9 }
  }

  expect_failures = [var.starter]
}

run "rejects_a_sweep_that_looks_too_early" {
  command = plan

  variables {
    sweep = { after_seconds = 59 }
  }

  expect_failures = [var.sweep]
}

run "rejects_a_sweep_without_interval" {
  command = plan

  variables {
    sweep = { interval_minutes = 0 }
  }

  expect_failures = [var.sweep]
}

run "rejects_an_unknown_trigger_mode" {
  command = plan

  variables {
    trigger_mode = "polling"
  }

  expect_failures = [var.trigger_mode]
}

run "rejects_polling_by_event" {
  command = plan

  variables {
    trigger_mode = "POLLING"
    work_key     = "event"
  }

  expect_failures = [var.trigger_mode]
}

run "rejects_a_hybrid_by_event" {
  command = plan

  variables {
    trigger_mode = "HYBRID"
    work_key     = "event"
  }

  expect_failures = [var.trigger_mode]
}

run "rejects_polling_two_volumes" {
  command = plan

  variables {
    scope = {
      junction_path = "/vol1"
      svm_names     = ["svm1"]
      volume_names  = ["vol1", "vol2"]
    }
    trigger_mode = "POLLING"
  }

  expect_failures = [var.trigger_mode]
}

run "rejects_polling_for_deletions" {
  command = plan

  variables {
    scope = {
      event_types   = ["FILE_DELETE", "FILE_RENAME"]
      junction_path = "/vol1"
      svm_names     = ["svm1"]
      volume_names  = ["vol1"]
    }
    trigger_mode = "HYBRID"
  }

  expect_failures = [var.trigger_mode]
}

run "rejects_polling_without_the_pollers_zip" {
  command = plan

  variables {
    package_paths = {
      finish = "./versions.tf"
      start  = "./versions.tf"
    }
    trigger_mode = "POLLING"
  }

  expect_failures = [var.package_paths]
}

run "rejects_a_mark_that_is_too_old_when_all_is_well" {
  command = plan

  variables {
    polling = { behind_threshold_seconds = 600, interval_minutes = 10 }
  }

  expect_failures = [var.polling]
}

run "rejects_polling_every_half_minute" {
  command = plan

  variables {
    polling = { interval_minutes = 0.5 }
  }

  expect_failures = [var.polling]
}

run "rejects_a_run_without_messages" {
  command = plan

  variables {
    polling = { max_messages = 0 }
  }

  expect_failures = [var.polling]
}

run "rejects_an_overlap_below_the_clocks_tolerance" {
  command = plan

  variables {
    polling = { overlap_seconds = 61 }
  }

  expect_failures = [var.polling]
}

run "rejects_a_poller_below_half_a_minute" {
  command = plan

  variables {
    polling = { timeout_seconds = 29 }
  }

  expect_failures = [var.polling]
}

run "rejects_a_workload_name_with_capitals" {
  command = plan

  variables {
    uc_id = "Inventory"
  }

  expect_failures = [var.uc_id]
}

run "rejects_an_age_below_the_settle_time" {
  command = plan

  variables {
    work_age_threshold_seconds = 30
  }

  expect_failures = [var.work_age_threshold_seconds]
}

run "rejects_an_unknown_work_key" {
  command = plan

  variables {
    work_key = "path"
  }

  expect_failures = [var.work_key]
}

run "rejects_a_function_and_steps_at_once" {
  command = plan

  variables {
    steps = { definition = jsonencode({ StartAt = "Only", States = { Only = { Type = "Pass", End = true } } }) }
  }

  expect_failures = [var.process_function_arn]
}

run "rejects_a_start_that_is_not_there" {
  command = plan

  variables {
    process_function_arn = null
    steps                = { definition = jsonencode({ StartAt = "First", States = { Only = { Type = "Pass", End = true } } }) }
  }

  expect_failures = [var.steps]
}

run "rejects_a_time_limit_among_the_steps" {
  command = plan

  variables {
    process_function_arn = null
    steps                = { definition = jsonencode({ TimeoutSeconds = 60, StartAt = "Only", States = { Only = { Type = "Pass", End = true } } }) }
  }

  expect_failures = [var.steps]
}

run "rejects_a_state_named_as_one_of_the_frame" {
  command = plan

  variables {
    process_function_arn = null
    steps                = { definition = jsonencode({ StartAt = "Rejected", States = { Rejected = { Type = "Pass", End = true } } }) }
  }

  expect_failures = [var.steps]
}

run "rejects_a_function_that_is_no_arn" {
  command = plan

  variables {
    process_function_arn = null
    steps                = { definition = jsonencode({ StartAt = "Only", States = { Only = { Type = "Pass", End = true } } }), function_arns = ["first"] }
  }

  expect_failures = [var.steps]
}

run "rejects_a_way_to_nowhere" {
  command = plan

  variables {
    process_function_arn = null
    steps                = { definition = jsonencode({ StartAt = "Only", States = { Only = { Type = "Pass", Next = "Gone" } } }) }
  }

  expect_failures = [aws_sfn_state_machine.this]
}

run "rejects_a_state_that_nothing_leads_to" {
  command = plan

  variables {
    process_function_arn = null
    steps                = { definition = jsonencode({ StartAt = "Only", States = { Only = { Type = "Pass", End = true }, Idle = { Type = "Pass", End = true } } }) }
  }

  expect_failures = [aws_sfn_state_machine.this]
}

run "rejects_a_state_without_a_way_on" {
  command = plan

  variables {
    process_function_arn = null
    steps                = { definition = jsonencode({ StartAt = "Only", States = { Only = { Type = "Pass" } } }) }
  }

  expect_failures = [aws_sfn_state_machine.this]
}

run "rejects_an_unknown_type" {
  command = plan

  variables {
    process_function_arn = null
    steps                = { definition = jsonencode({ StartAt = "Only", States = { Only = { Type = "Lambda", End = true } } }) }
  }

  expect_failures = [aws_sfn_state_machine.this]
}

run "rejects_an_unknown_classification" {
  command = plan

  variables {
    data_classification = "secret"
  }

  expect_failures = [var.data_classification]
}

run "rejects_a_process_function_with_less_concurrency_than_starters" {
  command = plan

  variables {
    process_reserved_concurrency = 9
  }

  expect_failures = [var.process_reserved_concurrency]
}

run "rejects_an_unknown_choice_of_decisions" {
  command = plan

  variables {
    records = { decisions = "some" }
  }

  expect_failures = [var.records]
}

run "rejects_an_unknown_retention_profile" {
  command = plan

  variables {
    records = { retention_profile = "7y" }
  }

  expect_failures = [var.records]
}
