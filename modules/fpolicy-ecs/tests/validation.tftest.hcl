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
  operations = { notification_topic_arn = "arn:aws:sns:us-east-1:111122223333:notifications" }

  image = { uri = "registry.example.com/fsxn-fpolicy-server:0.1.0" }

  ingestion_queue = {
    arn = "arn:aws:sqs:us-east-1:111122223333:ingestion"
    url = "https://sqs.us-east-1.amazonaws.com/111122223333/ingestion"
  }

  metric_catalogue = {
    metrics = {
      FPolicyCertificateFailures_count = { statistic = "Sum" }
      FPolicyConnectionsOpen_count     = { statistic = "Minimum" }
      FPolicyEmsAlerts_count           = { statistic = "Sum" }
      FPolicyEventsSpooled_count       = { statistic = "Sum" }
      FPolicyEventsUnacked_count       = { statistic = "Maximum" }
      FPolicyEventsUndelivered_count   = { statistic = "Sum" }
      FPolicyFramesMalformed_count     = { statistic = "Sum" }
      FPolicyNamesUnresolved_count     = { statistic = "Sum" }
      FPolicyReadsPaused_count         = { statistic = "Sum" }
      FPolicyReconnectTime_sec         = { statistic = "Maximum" }
      FPolicySpoolFailures_count       = { statistic = "Sum" }
      FPolicyStoreFull_count           = { statistic = "Sum" }
      FPolicyStoreUsed_pct             = { statistic = "Maximum" }
      FPolicyVolumeMapFailures_count   = { statistic = "Sum" }
      ReconcileFailures_count          = { statistic = "Sum" }
      ReconcileUnguarded               = { statistic = "Sum" }
    }
  }

  network = {
    source_security_group_ids = { file_system = "sg-0123456789abcdef0" }
    subnet_ids                = ["subnet-0123456789abcdef0"]
    vpc_id                    = "vpc-0123456789abcdef0"
  }

  quarantine_queue = {
    arn = "arn:aws:sqs:us-east-1:111122223333:quarantine"
    url = "https://sqs.us-east-1.amazonaws.com/111122223333/quarantine"
  }

  diagnose = { package_path = "./versions.tf" } # only its hash is read

  reconciler = {
    package_path      = "./versions.tf" # only its hash is read
    secret_arn        = "arn:aws:secretsmanager:us-east-1:111122223333:secret:fsxn/ontap-AbCdEf"
    secret_policy     = "{}"
    security_group_id = "sg-0123456789abcdef1"
    vpc               = { security_group_ids = ["sg-0123456789abcdef1"], subnet_ids = ["subnet-0123456789abcdef0"] }
  }

  svms = { main = { name = "svm1" } }
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

run "rejects_more_tasks_than_an_engine_holds" {
  command = plan

  variables {
    desired_count = 11
  }

  expect_failures = [var.desired_count]
}

run "rejects_a_service_without_tasks" {
  command = plan

  variables {
    desired_count = 0
  }

  expect_failures = [var.desired_count]
}

run "rejects_an_image_that_moves" {
  command = plan

  variables {
    image = { uri = "registry.example.com/server:latest" }
  }

  expect_failures = [var.image]
}

run "rejects_an_image_without_tag" {
  command = plan

  variables {
    image = { uri = "registry.example.com:5000/server" }
  }

  expect_failures = [var.image]
}

run "rejects_a_network_without_source" {
  command = plan

  variables {
    network = {
      source_security_group_ids = {}
      subnet_ids                = ["subnet-1"]
      vpc_id                    = "vpc-1"
    }
  }

  expect_failures = [var.network]
}

run "rejects_an_egress_that_is_no_range" {
  command = plan

  variables {
    network = {
      https_egress_cidr         = "everywhere"
      source_security_group_ids = { file_system = "sg-1" }
      subnet_ids                = ["subnet-1"]
      vpc_id                    = "vpc-1"
    }
  }

  expect_failures = [var.network]
}

run "rejects_a_bound_below_100_events" {
  command = plan

  variables {
    server_settings = { max_unacked_events = 99 }
  }

  expect_failures = [var.server_settings]
}

run "rejects_a_low_mark_above_the_high_mark" {
  command = plan

  variables {
    server_settings = { low_water_percent = 80 }
  }

  expect_failures = [var.server_settings]
}

run "rejects_one_port_for_two_things" {
  command = plan

  variables {
    server_settings = { health_port = 9898 }
  }

  expect_failures = [var.server_settings]
}

run "rejects_an_unknown_mode" {
  command = plan

  variables {
    server_settings = { mode = "mandatory" }
  }

  expect_failures = [var.server_settings]
}

run "rejects_denials_where_nobody_is_asked" {
  command = plan

  variables {
    server_settings = { deny_rules = [{ suffix = ".mp3" }] }
  }

  expect_failures = [var.server_settings]
}

run "rejects_a_denial_that_allows" {
  command = plan

  variables {
    server_settings = { mode = "synchronous", deny_rules = [{ suffix = ".mp3", answer = 1 }] }
  }

  expect_failures = [var.server_settings]
}

run "rejects_a_denial_of_everything" {
  command = plan

  variables {
    server_settings = { mode = "synchronous", deny_rules = [{ answer = 2 }] }
  }

  expect_failures = [var.server_settings]
}

run "rejects_an_answer_deadline_below_100_ms" {
  command = plan

  variables {
    server_settings = { answer_deadline_ms = 99 }
  }

  expect_failures = [var.server_settings]
}

run "rejects_an_unknown_path_root" {
  command = plan

  variables {
    server_settings = { path_root = "share" }
  }

  expect_failures = [var.server_settings]
}

run "rejects_an_unknown_protobuf_framing" {
  command = plan

  variables {
    server_settings = { protobuf_framing_mode = "QUOTED" }
  }

  expect_failures = [var.server_settings]
}

run "rejects_a_field_map_that_is_no_json_object" {
  command = plan

  variables {
    server_settings = { protobuf_framing_mode = "FRAMELESS", protobuf_field_map = "[1]" }
  }

  expect_failures = [var.server_settings]
}

run "rejects_a_field_map_without_a_framing" {
  command = plan

  variables {
    server_settings = { protobuf_field_map = "{}" }
  }

  expect_failures = [var.server_settings]
}

run "rejects_captures_without_a_disk" {
  command = plan

  variables {
    server_settings = { capture = true }
  }

  expect_failures = [var.spool]
}

run "rejects_an_unknown_task_architecture" {
  command = plan

  variables {
    task = { architecture = "MIPS" }
  }

  expect_failures = [var.task]
}

run "rejects_a_size_that_fargate_does_not_offer" {
  command = plan

  variables {
    task = { memory_mb = 5000 }
  }

  expect_failures = [var.task]
}

run "rejects_a_stop_timeout_above_two_minutes" {
  command = plan

  variables {
    task = { stop_timeout_seconds = 121 }
  }

  expect_failures = [var.task]
}

run "rejects_a_stop_timeout_within_the_shutdown" {
  command = plan

  variables {
    task = { stop_timeout_seconds = 100 }
  }

  expect_failures = [aws_ecs_task_definition.server]
}

run "rejects_more_events_than_the_memory_holds" {
  command = plan

  variables {
    server_settings = { max_unacked_events = 300000 }
  }

  expect_failures = [aws_ecs_task_definition.server]
}

run "rejects_a_certificate_that_is_no_full_arn" {
  command = plan

  variables {
    tls = { certificate_secret_arn = "a name", key_secret_arn = "a name" }
  }

  expect_failures = [var.tls]
}

run "rejects_a_policy_name_with_a_hyphen" {
  command = plan

  variables {
    svms = { main = { name = "svm1", policy_name = "fsxn-s3ap" } }
  }

  expect_failures = [var.svms]
}

run "rejects_priority_11" {
  command = plan

  variables {
    svms = { main = { name = "svm1", priority = 11 } }
  }

  expect_failures = [var.svms]
}

run "rejects_a_keep_alive_of_5_seconds" {
  command = plan

  variables {
    svms = { main = { name = "svm1", keep_alive_seconds = 5 } }
  }

  expect_failures = [var.svms]
}

run "rejects_an_unknown_protocol" {
  command = plan

  variables {
    svms = { main = { name = "svm1", protocols = ["nfsv4.1"] } }
  }

  expect_failures = [var.svms]
}

run "rejects_an_event_without_operations" {
  command = plan

  variables {
    svms = { main = { name = "svm1", events = { own = { protocol = "cifs", operations = [] } } } }
  }

  expect_failures = [var.svms]
}

run "rejects_no_events_at_all" {
  command = plan

  variables {
    svms = { main = { name = "svm1", events = {} } }
  }

  expect_failures = [var.svms]
}

run "rejects_a_scope_without_volumes" {
  command = plan

  variables {
    svms = { main = { name = "svm1", scope = { include_volumes = [] } } }
  }

  expect_failures = [var.svms]
}

run "rejects_a_store_for_no_events" {
  command = plan

  variables {
    svms = { main = { name = "svm1", store = { events_per_second = 0 } } }
  }

  expect_failures = [var.svms]
}

run "rejects_a_store_volume_with_a_hyphen" {
  command = plan

  variables {
    svms = { main = { name = "svm1", store = { volume = "fpolicy-store" } } }
  }

  expect_failures = [var.svms]
}

run "rejects_one_svm_twice" {
  command = plan

  variables {
    svms = {
      one = { name = "svm1" }
      two = { name = "svm1" }
    }
  }

  expect_failures = [var.svms]
}

run "rejects_a_server_that_refuses_the_guard" {
  command = plan

  variables {
    server_settings = { allowed_policies = ["fsxn_test"] }
  }

  expect_failures = [aws_lambda_invocation.svm]
}

run "rejects_a_synchronous_policy_with_a_store" {
  command = plan

  variables {
    server_settings = { mode = "synchronous" }
    svms            = { main = { name = "svm1" } }
  }

  expect_failures = [aws_lambda_invocation.svm]
}

run "rejects_a_keep_alive_above_the_read_timeout" {
  command = plan

  variables {
    svms = { main = { name = "svm1", keep_alive_seconds = 300 } }
  }

  expect_failures = [aws_lambda_invocation.svm]
}

run "rejects_a_certificate_type_that_fpolicy_does_not_read" {
  command = plan

  variables {
    reconciler = {
      package_path        = "./versions.tf"
      secret_arn          = "arn:aws:secretsmanager:us-east-1:111122223333:secret:fsxn/ontap-AbCdEf"
      secret_policy       = "{}"
      security_group_id   = "sg-0123456789abcdef1"
      vpc                 = { security_group_ids = ["sg-0123456789abcdef1"], subnet_ids = ["subnet-0123456789abcdef0"] }
      ca_certificate_type = "client"
    }
  }

  expect_failures = [var.reconciler]
}

run "rejects_a_ca_that_is_no_certificate" {
  command = plan

  variables {
    reconciler = {
      package_path      = "./versions.tf"
      secret_arn        = "arn:aws:secretsmanager:us-east-1:111122223333:secret:fsxn/ontap-AbCdEf"
      secret_policy     = "{}"
      security_group_id = "sg-0123456789abcdef1"
      vpc               = { security_group_ids = ["sg-0123456789abcdef1"], subnet_ids = ["subnet-0123456789abcdef0"] }
      ca_certificates   = ["secret"]
    }
  }

  expect_failures = [var.reconciler]
}

run "rejects_a_ca_without_tls" {
  command = plan

  variables {
    reconciler = {
      package_path      = "./versions.tf"
      secret_arn        = "arn:aws:secretsmanager:us-east-1:111122223333:secret:fsxn/ontap-AbCdEf"
      secret_policy     = "{}"
      security_group_id = "sg-0123456789abcdef1"
      vpc               = { security_group_ids = ["sg-0123456789abcdef1"], subnet_ids = ["subnet-0123456789abcdef0"] }
      ca_certificates   = ["-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
    }
  }

  expect_failures = [aws_lambda_invocation.svm]
}

run "rejects_a_serial_number_in_small_letters" {
  command = plan

  variables {
    svms = { main = { name = "svm1", client_certificate = { ca = "ca", name = "svm1", serial_number = "ab:cd" } } }
  }

  expect_failures = [var.svms]
}

run "rejects_a_server_that_asks_for_a_certificate_of_an_svm_that_shows_none" {
  command = plan

  variables {
    reconciler = {
      package_path      = "./versions.tf"
      secret_arn        = "arn:aws:secretsmanager:us-east-1:111122223333:secret:fsxn/ontap-AbCdEf"
      secret_policy     = "{}"
      security_group_id = "sg-0123456789abcdef1"
      vpc               = { security_group_ids = ["sg-0123456789abcdef1"], subnet_ids = ["subnet-0123456789abcdef0"] }
      ca_certificates   = ["-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
    }
    svms = { main = { name = "svm1" } }
    tls = {
      certificate_secret_arn = "arn:aws:secretsmanager:us-east-1:111122223333:secret:fpolicy-cert-AbCdEf"
      client_ca_secret_arn   = "arn:aws:secretsmanager:us-east-1:111122223333:secret:fpolicy-ca-AbCdEf"
      key_secret_arn         = "arn:aws:secretsmanager:us-east-1:111122223333:secret:fpolicy-key-AbCdEf"
    }
  }

  expect_failures = [aws_lambda_invocation.svm]
}

run "rejects_a_client_certificate_that_nobody_asks_for" {
  command = plan

  variables {
    svms = { main = { name = "svm1", client_certificate = { ca = "ca", name = "svm1", serial_number = "ABCD" } } }
  }

  expect_failures = [aws_lambda_invocation.svm]
}

run "rejects_a_spool_without_a_bound" {
  command = plan

  variables {
    spool = { max_gb = 0 }
  }

  expect_failures = [var.spool]
}

run "rejects_a_disk_that_fargate_does_not_offer" {
  command = plan

  variables {
    spool = { ephemeral_storage_gb = 201 }
  }

  expect_failures = [var.spool]
}

run "rejects_a_spool_that_fills_the_disk" {
  command = plan

  variables {
    spool = { max_gb = 17 }
  }

  expect_failures = [var.spool]
}

run "rejects_a_spool_without_an_access_point" {
  command = plan

  variables {
    spool = {
      efs = {
        access_point_id   = "fs-0123456789abcdef0"
        file_system_id    = "fs-0123456789abcdef0"
        security_group_id = "sg-0123456789abcdef0"
      }
    }
  }

  expect_failures = [var.spool]
}

run "rejects_answers_that_rest_on_the_tasks_own_disk" {
  command = plan

  variables {
    server_settings = { mode = "synchronous" }
    spool           = {}
    svms            = {}
  }

  expect_failures = [var.spool]
}

run "rejects_a_vpc_that_leads_to_no_queue" {
  command = plan

  variables {
    endpoints = ["dynamodb", "ecr.api", "ecr.dkr", "ecs", "logs", "s3", "secretsmanager"]
  }

  expect_failures = [aws_ecs_task_definition.server]
}

run "rejects_a_launch_type_that_ecs_has_for_others" {
  command = plan

  variables {
    launch = { type = "EXTERNAL" }
  }

  expect_failures = [var.launch]
}

run "rejects_a_hosts_folder_on_fargate" {
  command = plan

  variables {
    spool = { host_path = "/data/fpolicy" }
  }

  expect_failures = [var.spool]
}

run "rejects_a_spool_in_two_places" {
  command = plan

  variables {
    launch = { type = "EC2" }
    spool = {
      host_path = "/data/fpolicy"
      efs = {
        access_point_id   = "fsap-0123456789abcdef0"
        file_system_id    = "fs-0123456789abcdef0"
        security_group_id = "sg-0123456789abcdef0"
      }
    }
  }

  expect_failures = [var.spool]
}

run "rejects_the_tasks_own_disk_on_an_instance" {
  command = plan

  variables {
    launch = { type = "EC2" }
    spool  = {}
  }

  expect_failures = [var.spool]
}

run "rejects_fixed_addresses_on_fargate" {
  command = plan

  variables {
    launch = { fixed_addresses = true }
  }

  expect_failures = [var.launch]
}
