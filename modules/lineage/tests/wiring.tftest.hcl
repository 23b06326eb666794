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
  operations = { notification_topic_arn = "arn:aws:sns:us-east-1:111122223333:topic" }
}

run "has_the_three_indexes_that_the_queries_use" {
  command = plan

  assert {
    condition     = module.table.index_names == toset(["execution-index", "uc_id-timestamp-index", "write_hour-index"])
    error_message = "Queries go by workload and time, by execution and by hour."
  }
}

run "tells_the_topic_when_a_record_is_lost" {
  command = plan

  assert {
    condition     = aws_cloudwatch_metric_alarm.failures.alarm_actions == toset([var.operations.notification_topic_arn])
    error_message = "A lost audit record must not only be a log line."
  }
}

run "makes_no_export_unless_asked" {
  command = plan

  assert {
    condition     = length(module.bucket) == 0 && length(module.signing_key) == 0 && length(module.export) == 0
    error_message = "A table alone must not bring a bucket, a key and a function."
  }
}

run "locks_what_it_exports_for_seven_years_unless_told_otherwise" {
  command = plan

  variables {
    export = { package_path = "variables.tf" }
  }

  assert {
    condition     = aws_s3_bucket_object_lock_configuration.export[0].rule[0].default_retention[0].mode == "GOVERNANCE" && aws_s3_bucket_object_lock_configuration.export[0].rule[0].default_retention[0].years == 7
    error_message = "The default must hold what compliance-7y promises."
  }

  assert {
    condition     = module.bucket[0].object_lock_enabled
    error_message = "Only a bucket that was made for it takes a lock."
  }
}

run "keeps_a_bucket_without_retention_ready_for_one" {
  command = plan

  variables {
    export = { object_lock = { mode = "NONE" }, package_path = "variables.tf" }
  }

  assert {
    condition     = length(aws_s3_bucket_object_lock_configuration.export) == 0 && module.bucket[0].object_lock_enabled
    error_message = "Setting a mode later must not need another bucket."
  }
}

run "signs_with_a_key_that_an_auditor_can_check_without_aws" {
  command = plan

  variables {
    export = { package_path = "variables.tf" }
  }

  assert {
    condition     = module.signing_key[0].key_usage == "SIGN_VERIFY"
    error_message = "fsxn lineage verify checks RSA signatures."
  }
}

run "tells_the_topic_when_the_export_falls_silent" {
  command = plan

  variables {
    export = { package_path = "variables.tf" }
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.export_behind[0].treat_missing_data == "breaching" && aws_cloudwatch_metric_alarm.export_behind[0].alarm_actions == toset([var.operations.notification_topic_arn])
    error_message = "No run is as bad as a late one."
  }
}

run "hands_the_placeholders_of_partition_projection_to_athena_as_they_are" {
  command = apply

  variables {
    export = { package_path = "variables.tf" }
  }

  assert {
    condition     = strcontains(output.athena_table_sql, "s3://${module.bucket[0].bucket_name}/records/dt=$${dt}/hour=$${hour}/")
    error_message = "Athena fills in dt and hour, Terraform must not."
  }
}
